"""Notebooks run anew: every cell of code in one namespace, with what it printed and the picture that it drew.

`python -m tests.notebook docs/notebook.ipynb` writes one with the outputs of the state of the environment.
"""

import io
import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import matplotlib

from storage.settings import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "notebook.ipynb"


def sources(path: Path = NOTEBOOK) -> Iterator[str]:
    """The code of a notebook, cell by cell."""
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def printed(path: Path = NOTEBOOK) -> list[str]:
    """The text below each cell of code, as it is kept."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    return ["".join("".join(output.get("text", "")) for output in cell["outputs"]) for cell in cells]


def run(path: Path = NOTEBOOK) -> Iterator[tuple[str, bytes | None]]:
    """Yield the text that each cell prints, and its picture as PNG."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    namespace: dict[str, Any] = {}
    for number, source in enumerate(sources(path), 1):
        said, picture = io.StringIO(), None
        with redirect_stdout(said):
            exec(compile(source, f"{path.name}, cell {number}", "exec"), namespace)
        if pyplot.get_fignums():
            file = io.BytesIO()
            pyplot.savefig(file, format="png", dpi=72)
            pyplot.close("all")
            picture = file.getvalue()
        yield said.getvalue(), picture


def main() -> None:
    path = Path(sys.argv[1])
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, (text, picture)) in enumerate(zip(cells, run(path), strict=True), 1):
        cell["execution_count"] = number
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(True)}] if text else []
        if picture is not None:
            data = {"image/png": b64encode(picture).decode()}
            cell["outputs"].append({"data": data, "metadata": {}, "output_type": "display_data"})
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
