"""An outage of the machine is one sentence that says what to do, whoever reports it and however it is wrapped."""

import errno
import os

import duckdb
import psycopg
import pytest
from deltalake.exceptions import DeltaError
from sqlalchemy.exc import OperationalError

from oltp_api.web import problems as errors
from oltp_api.web.problems import problem_of
from storage.errors import SetupError
from storage.outages import DISK_FULL, NO_FILES, NO_MEMORY, READ_ONLY, Outage, in_one_sentence, outage_of

_SQL = "INSERT INTO event_logs (run_id, event) VALUES (%(run_id)s, %(event)s)"


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/state/lake")


ERRORS = [
    (system(errno.ENOSPC), DISK_FULL),
    (system(errno.EDQUOT), DISK_FULL),
    (system(errno.EROFS), READ_ONLY),
    (system(errno.ENOMEM), NO_MEMORY),
    (system(errno.EMFILE), NO_FILES),
    (MemoryError(), NO_MEMORY),
    (psycopg.errors.DiskFull("could not extend file"), DISK_FULL),
    (psycopg.errors.OutOfMemory("out of shared memory"), NO_MEMORY),
    (psycopg.errors.ReadOnlySqlTransaction("cannot execute UPDATE in a read-only transaction"), READ_ONLY),
    (psycopg.OperationalError("PANIC: could not write to file: No space left on device"), DISK_FULL),
    (duckdb.IOException('Could not write file "x.parquet": No space left on device'), DISK_FULL),
    (duckdb.OutOfMemoryException("failed to allocate data of size 1.0 GiB"), NO_MEMORY),
    (DeltaError("Generic LocalFileSystem error: Read-only file system (os error 30)"), READ_ONLY),
]


@pytest.mark.parametrize(("error", "outage"), ERRORS, ids=lambda one: type(one).__name__)
def test_a_cause_outside_of_us_is_known_by_whoever_reports_it(error: BaseException, outage: Outage) -> None:
    wrapped = OperationalError(_SQL, {"run_id": "1"}, error)
    chained = RuntimeError("a step failed")
    chained.__cause__ = wrapped

    assert outage_of(error) == outage_of(wrapped) == outage_of(chained) == outage


def test_control_what_is_no_outage_is_none() -> None:
    for error in (ValueError("odd"), psycopg.errors.UniqueViolation(), OSError(errno.ENOENT, "gone"), KeyError("x")):
        assert outage_of(error) is None


@pytest.mark.parametrize("error", [error for error, _ in ERRORS if isinstance(error, (OSError, psycopg.Error))])
def test_over_http_it_is_503_with_retry_after_and_the_code_of_the_cause(error: Exception) -> None:
    problem, outage = problem_of(error), outage_of(error)

    assert outage is not None
    assert (problem.status, problem.code) == (503, outage.code)
    assert int(problem.headers["Retry-After"]) > 0


def test_control_without_that_a_full_disk_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "outage_of", lambda _: None)

    assert problem_of(system(errno.ENOSPC)).status == 500


def test_a_command_says_it_in_one_sentence_without_sql(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise OperationalError(_SQL, {"run_id": "1"}, psycopg.errors.DiskFull("could not extend file"))

    assert in_one_sentence(fail) == 2
    assert capsys.readouterr().err == f"error: {DISK_FULL.sentence}\n"


def test_a_command_that_meets_a_bug_still_shows_it() -> None:
    def fail() -> int:
        raise ValueError("a bug")

    def refuse() -> int:
        raise SetupError("not now")

    with pytest.raises(ValueError, match="a bug"):
        in_one_sentence(fail)
    assert in_one_sentence(refuse) == 2
