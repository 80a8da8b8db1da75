"""`docs/where.md` answers where things are decided, and each answer is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_answer_is_a_file() -> None:
    answers = re.findall(r"^\| (.+?) \| `(.+?)` \|$", (ROOT / "docs/where.md").read_text(), flags=re.MULTILINE)

    assert len(answers) == 33
    assert len({question for question, _ in answers}) == 33
    assert [file for _, file in answers if not (ROOT / file).is_file()] == []


def test_every_path_in_the_readme_is_there() -> None:
    roots = "domain|storage|application|oltp_api|pipelines|ops|dbt_project|docs|tests|sample_data"
    named = set(re.findall(rf"`((?:{roots})/[\w./]*)`", (ROOT / "README.md").read_text()))

    assert len(named) > 10
    assert sorted(path for path in named if not list(ROOT.glob(path.rstrip("/")))) == []
