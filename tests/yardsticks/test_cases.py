"""Case files of others are judged by value, whatever their ids and counts, and what is altered is found.

Three figures of each file are altered by default, eight with LAKEFOLIO_CHAOS=long.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.effort import IS_LONG
from tests.yardsticks.__main__ import main
from tests.yardsticks.cases import Case, documents, is_of_situations
from tests.yardsticks.judging import Convention, Judge, Judgement, Verdict, Yardstick
from tests.yardsticks.kinds import JUDGE, judged

FOLDER = Path(__file__).parents[1] / "cases"
COMPUTED = (Verdict.EQUAL, Verdict.OTHER_CONVENTION)
ALTERED = 8 if IS_LONG else 3
FILES = {path.stem: document for path, document in documents(FOLDER) if not is_of_situations(document)}


@pytest.fixture(scope="module", params=FILES)
def judgements(request: pytest.FixtureRequest) -> list[Judgement]:
    return judged(FILES[request.param])


def test_figures_are_those_of_others_or_differ_by_a_named_convention(judgements: list[Judgement]) -> None:
    wrong = [(one.case.id, one.differences) for one in judgements if one.verdict is Verdict.UNEXPLAINED]
    verdicts = {one.verdict for one in judgements}

    assert wrong == []
    assert verdicts.intersection(COMPUTED) or verdicts == {Verdict.OUT_OF_SCOPE}, "nothing is known of the whole file"


def altered(figure: Any, tolerance: float) -> Any:
    """Another value in the same shape, further away than is allowed."""
    if isinstance(figure, dict):
        return {name: altered(one, tolerance) for name, one in figure.items()}
    if isinstance(figure, list):
        return [altered(one, tolerance) for one in figure] or [1]
    if isinstance(figure, bool) or figure is None:
        return not figure
    return 1.1 * figure + 1 + 10 * tolerance if isinstance(figure, (int, float)) else "1999-01-01"


def test_an_altered_figure_is_unexplained_and_a_renamed_case_is_not(judgements: list[Judgement]) -> None:
    computed = [one for one in judgements if one.verdict in COMPUTED]
    for one in computed[:: max(1, len(computed) // ALTERED)]:
        case = replace(one.case, id="renamed")
        wrong = replace(case, expected=altered(case.expected, case.tolerance))

        assert JUDGE.judge(case).verdict is one.verdict
        assert JUDGE.judge(wrong).verdict is Verdict.UNEXPLAINED, one.case.id


def xirr_case(name: str, expected: float) -> dict[str, Any]:
    """The vector of RULEBOOK 7."""
    dates = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]
    inputs = {"dates": dates, "amounts": [-10_000, 2_750, 4_250, 3_250, 2_750]}
    return {"id": name, "kind": "xirr", "inputs": inputs, "expected": {"xirr": expected}, "tolerance": 1e-9}


def test_any_folder_is_judged_by_value_and_what_is_strange_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "strange.json").write_text('{"figures": [1, 2]}')
    (tmp_path / "new.json").write_text('{"cases": [{"id": "1", "kind": "song", "inputs": {}, "expected": 1}]}')
    (tmp_path / "some.json").write_text(json.dumps({"cases": [xirr_case("any", 0.3733625335)]}))

    assert main(tmp_path) == 0
    told = capsys.readouterr().out
    assert (told.count("unknown form"), told.count("not known: 1")) == (2, 1)

    (tmp_path / "more.json").write_text(json.dumps({"cases": [xirr_case("a", 0.3733625335), xirr_case("b", 0.37)]}))

    assert main(tmp_path) == 1
    (named,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  unexplained:")]
    assert "b (xirr)" in named
    assert "xirr is 0.37, ours 0.373" in named


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
