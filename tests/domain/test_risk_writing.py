"""The text that is taken: a writer's first, its second, or that of `rules/1`."""

import json

import pytest

from domain.risk_analyses.analysis import AnalysisStatus
from domain.risk_analyses.briefing import Briefing, briefing_of
from domain.risk_analyses.drafts import VoidAnswer, read
from domain.risk_analyses.writing import WriterAway, written
from tests.risk_sheet import SHEET, answer


class Scripted:
    """A writer that gives its answers in turn, and keeps what it was asked."""

    name = "scripted/1"

    def __init__(self, *answers: str | Exception) -> None:
        self._answers, self.asked = list(answers), list[Briefing]()

    def write(self, briefing: Briefing) -> str:
        self.asked.append(briefing)
        found = self._answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_a_good_answer_is_taken_at_once() -> None:
    writer = Scripted(answer("It may lose {{F6}}."))
    found = written(SHEET, writer)
    assert (found.status, found.model_used, found.n_voided, len(writer.asked)) == (
        AnalysisStatus.DONE,
        "scripted/1",
        0,
        1,
    )
    assert found.prompt_hash == briefing_of(SHEET).prompt_hash


def test_a_void_answer_is_asked_for_once_more_with_the_reason() -> None:
    writer = Scripted(answer("It may lose 12 %."), answer("It may lose {{F6}}."))
    found = written(SHEET, writer)
    assert found.status is AnalysisStatus.DONE
    assert "could not be taken" in writer.asked[1].question
    assert "'1'" in writer.asked[1].question


def test_of_the_second_answer_the_void_sentences_are_left_out() -> None:
    told = answer("It gained {{F1}}. It may lose {{F6}}.")
    found = written(SHEET, Scripted(told, told))
    assert (found.draft.risks[0].text, found.n_voided) == ("It may lose {{F6}}.", 1)


@pytest.mark.parametrize(
    "answers",
    [
        (answer("It lost 1 %."), answer("It lost 2 %.")),
        (WriterAway("no answer came within 9 s"),),
        ("I cannot help with that.", "No."),
        ("{}", "[]"),
        (json.dumps({"risks": [], "macro_climate_summary": ""}), "null"),
        (answer("It may lose {{F6}}.", ["F99"]), answer("It may lose {{F6}}.", [])),
        (answer("It may lose {{F6}}.", severity="EXTREME"), answer("x" * 2000)),
    ],
)
def test_else_the_rules_write_and_it_is_said_why(answers: tuple[str | Exception, ...]) -> None:
    found = written(SHEET, Scripted(*answers))
    assert (found.status, found.model_used) == (AnalysisStatus.DEGRADED, "rules/1")
    assert found.reason
    assert found.reason.startswith("scripted/1: ")
    assert found.draft == written(SHEET, None).draft


def test_a_writer_is_told_no_name_that_is_a_persons_word() -> None:
    told = briefing_of(SHEET)
    assert "Grandmother" not in told.facts + told.instructions
    assert "(a security of the owner's)" in told.facts


def test_json_between_fences_of_markdown_is_read() -> None:
    assert read(f"```json\n{answer('It may lose {{F6}}.')}\n```").risks
    with pytest.raises(VoidAnswer):
        read("[" * 100_000)
