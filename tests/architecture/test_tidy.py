"""The house rules that a program can check."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "storage", "application", "oltp_api", "pipelines", "ops", "lakefolio")
LINTER = Path(sys.executable).with_name("lint-imports")


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split()]


def test_the_readme_fits_on_two_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_no_module_of_the_product_is_over_four_hundred_lines() -> None:
    product = [path for path in tracked("*.py") if "tests" not in path.parts]
    too_long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in product}
    assert {name: lines for name, lines in too_long.items() if lines > 400} == {}


def test_no_module_is_called_after_nothing() -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "base", "misc"}
    assert [path for path in tracked("*.py", "*.sql") if path.stem in vague] == []


def first_words(source: str) -> list[str]:
    """The first word of every docstring, and of every string below a constant."""
    docstrings = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [word for text in docstrings for word in text.split(maxsplit=1)[:1]] + re.findall(
        r'^"""(\w+)', source, flags=re.MULTILINE
    )


def test_no_docstring_begins_with_a_pronoun() -> None:
    """A reader skims twenty of them, and looks for the verb or the noun. Only what has one after quotes is parsed."""
    pronouns = {"What", "Which", "Whether", "Who", "Whose", "Of", "Those", "That"}
    suspicious = re.compile(rf"""["']\s*(?:{"|".join(pronouns)})\b""")
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in tracked("*.py")}
    found = {
        name: pronouns.intersection(first_words(source))
        for name, source in sources.items()
        if suspicious.search(source)
    }
    assert {name: words for name, words in found.items() if words} == {}
    assert first_words('"""Of n."""\nclass A:\n    """What it is."""\nB = 1\n"""Which."""\n') == [
        "Of",
        "What",
        "Of",
        "Which",
    ]


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^[a-z0-9][\w.\-]*(?:\[[\w, \-]+\])?==\S+", lock, flags=re.MULTILINE)
    assert len(pinned) > 100
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock
    assert "@ " not in lock


def test_no_file_names_a_path_of_one_machine_or_a_package_index() -> None:
    foreign = re.compile(r"/" r"work/|/" r"root/\w|pypi\." r"org|python" r"hosted")
    named = [path for path in tracked() if path.suffix in {".py", ".sql", ".yml", ".toml", ".md", ".lock", ""}]
    assert [path.name for path in named if path.is_file() and foreign.search(path.read_text(errors="ignore"))] == []


def test_the_layers_hold() -> None:
    outcome = subprocess.run([str(LINTER)], cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout


PLANTED = {
    "domain/money.py": "numpy",
    "domain/holdings.py": "domain.ports",
    "storage/lake/delta.py": "pipelines.tables",
    "oltp_api/accounts/routes.py": "oltp_api.orders.repository",
    "pipelines/pickup.py": "oltp_api.web.problems",
}
"""Imports that the layers forbid, by the module that has one."""


def layers_with(planted: Mapping[str, str], folder: Path) -> str:
    """The findings of `make layers` in a copy of the product with a line more in some files; there have to be some."""
    for path in tracked("*.py", "*.sql", "pyproject.toml", "Makefile", "requirements.lock"):
        if path.relative_to(ROOT).parts[0] not in {"tests", "docs"}:
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())
    for file, line in planted.items():
        broken = folder / file
        broken.write_text(f"{broken.read_text() if broken.exists() else ''}\n\n{line}\n")
    outcome = subprocess.run(
        ["make", "layers", f"VENV={LINTER.parent.parent}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode != 0
    return outcome.stdout + outcome.stderr


def test_every_import_against_the_layers_is_found(tmp_path: Path) -> None:
    said = layers_with({file: f"import {module}  # noqa" for file, module in PLANTED.items()}, tmp_path)

    for file, module in PLANTED.items():
        assert f"{file.removesuffix('.py').replace('/', '.')} -> {module} (l." in said


@pytest.mark.parametrize(
    ("file", "planted"),
    [
        ("oltp_api/loose.py", "import oltp_api.worker  # noqa"),
        ("pipelines/loose.py", '"""A module that is in no layer."""'),
        ("dbt_project/models/marts/dim_funds.sql", "-- select * from {{ source('market', 'fund_metadata') }}"),
    ],
)
def test_what_is_against_the_layers_is_found(tmp_path: Path, file: str, planted: str) -> None:
    assert "BROKEN" in layers_with({file: planted}, tmp_path)


def test_no_public_class_name_means_two_things() -> None:
    named = [
        (name, str(path.relative_to(ROOT)))
        for path in tracked("*.py")
        if path.relative_to(ROOT).parts[0] in PACKAGES
        for name in re.findall(r"^class ([A-Za-z]\w*)", path.read_text(), flags=re.MULTILINE)
    ]
    counted = Counter(name for name, _ in named)

    assert [each for each in named if counted[each[0]] > 1] == []
