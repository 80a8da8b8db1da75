"""Case files of others are judged by value, whatever their ids and counts, and what is altered is found."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.yardsticks.__main__ import main
from tests.yardsticks.cases import Case, documents, is_of_situations
from tests.yardsticks.judging import Convention, Judge, Judgement, Verdict, Yardstick
from tests.yardsticks.kinds import JUDGE, judged

FOLDER = Path(__file__).parents[1] / "cases"
COMPUTED = (Verdict.EQUAL, Verdict.OTHER_CONVENTION)
FILES = {path.stem: document for path, document in documents(FOLDER) if not is_of_situations(document)}


@pytest.fixture(scope="module", params=FILES)
def judgements(request: pytest.FixtureRequest) -> list[Judgement]:
    return judged(FILES[request.param])


def test_figures_are_those_of_others_or_differ_by_a_named_convention(judgements: list[Judgement]) -> None:
    wrong = [one for one in judgements if one.verdict in (Verdict.UNEXPLAINED, Verdict.UNKNOWN)]

    assert [(one.case.id, one.differences) for one in wrong] == []
    assert all(one.reasons for one in judgements if one.verdict is not Verdict.EQUAL)


def altered(figure: Any) -> Any:
    """Another value in the same shape, further away than any tolerance."""
    if isinstance(figure, dict):
        return {name: altered(one) for name, one in figure.items()}
    if isinstance(figure, list):
        return [altered(one) for one in figure] or [1]
    if isinstance(figure, bool) or figure is None:
        return not figure
    return 1.1 * figure + 1 if isinstance(figure, (int, float)) else "1999-01-01"


def test_an_altered_figure_is_unexplained_and_a_renamed_case_is_not(judgements: list[Judgement]) -> None:
    computed = [one for one in judgements if one.verdict in COMPUTED]
    for one in computed[:: max(1, len(computed) // 8)]:
        case = replace(one.case, id="renamed")

        assert JUDGE.judge(case).verdict is one.verdict
        assert JUDGE.judge(replace(case, expected=altered(case.expected))).verdict is Verdict.UNEXPLAINED, one.case.id


def written(folder: Path, name: str, document: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(document))


def test_a_folder_of_fewer_and_renamed_cases_is_judged_by_value_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((FOLDER / "pyxirr_xirr.json").read_text())
    cases = [case | {"id": f"other-{place}"} for place, case in enumerate(document["cases"][::3])]
    written(tmp_path, "renamed", document | {"cases": cases})
    written(tmp_path, "strange", {"figures": [1, 2]})
    (tmp_path / "broken.json").write_text("{")

    assert main(tmp_path) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "unknown form" in line] != []

    cases[0]["expected"] = {"xirr": 0.1636}
    written(tmp_path, "renamed", document | {"cases": cases})

    assert main(tmp_path) == 1
    (named,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  unexplained:")]
    assert "other-0" in named
    assert "0.1636" in named


def test_a_folder_without_case_files_is_refused(tmp_path: Path) -> None:
    assert main(tmp_path) == main(tmp_path / "not there") == 2


def test_another_convention_counts_only_where_our_code_gives_its_figure() -> None:
    doubled = Yardstick(lambda _: 2, (Convention("thrice", lambda _: 3, lambda case: "x" in case.inputs),))
    judge = Judge({"number": doubled}, {"tale": "is no number", "number.colour": "has none"})

    def verdict(expected: Any, kind: str = "number", **inputs: Any) -> Verdict:
        return judge.judge(Case("any", kind, inputs, expected, 0, {}, {})).verdict

    assert [verdict(2), verdict(3, x=1), verdict(4, x=1), verdict(3)] == [
        Verdict.EQUAL,
        Verdict.OTHER_CONVENTION,
        Verdict.UNEXPLAINED,
        Verdict.UNEXPLAINED,
    ]
    assert [verdict(1, "tale"), verdict({"colour": 1}), verdict(1, "song")] == [
        Verdict.OUT_OF_SCOPE,
        Verdict.OUT_OF_SCOPE,
        Verdict.UNKNOWN,
    ]
