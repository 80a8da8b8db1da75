import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from oltp_api.app import create_app
from storage.postgres.database import Database
from tests.conftest import served


@pytest.fixture(scope="module")
def root(api: httpx.Client) -> str:
    return str(api.base_url).removesuffix("/api/v1/")


def test_it_lives_and_is_ready_at_both_addresses(root) -> None:
    for prefix in ("", "/api/v1"):
        assert httpx.get(f"{root}{prefix}/health/live").json() == {"status": "live"}
        ready = httpx.get(f"{root}{prefix}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_ready_tells_when_the_newest_row_was_recorded(api, portfolio) -> None:
    row = portfolio.post(type="DEPOSIT", amount="1").json()

    assert api.get("/health/ready").json()["ledger_head_at"] == row["recorded_at"]


def test_it_is_not_ready_with_another_schema(api, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        (newest,) = connection.execute("select version_num from alembic_version").fetchone()
        connection.execute("update alembic_version set version_num = 'old'")
    answer = api.get("/health/ready")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update alembic_version set version_num = %s", (newest,))

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_connections_that_were_cut_cost_no_request_an_error(api, portfolio, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        cut = connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = 'lakefolio'"
        ).fetchall()
    assert set(cut) == {(True,)}, "each has ended, so that none is cut in the middle of a request"

    assert [portfolio.post(type="DEPOSIT", amount="1").status_code for _ in range(5)] == [201] * 5


def test_before_the_first_release_questions_to_it_are_answered_with_try_later(api, portfolio) -> None:
    for what in ("positions", "values", "performance"):
        answer = api.get(f"/portfolios/{portfolio.portfolio_id}/{what}")
        assert (answer.status_code, answer.json()["code"]) == (503, "no_release")
        assert int(answer.headers["Retry-After"]) > 0


def test_the_contract_describes_every_operation(root) -> None:
    contract = httpx.get(f"{root}/openapi.json", timeout=60).json()
    operations = [(path, operation) for path, methods in contract["paths"].items() for operation in methods.values()]

    assert all(path.startswith("/api/v1/") for path, _ in operations)
    assert all("summary" in operation for _, operation in operations)
    assert contract["components"]["schemas"]["TransactionRequest"]["examples"][0]["type"] == "BUY"
    page = httpx.get(f"{root}/docs")
    assert page.status_code == 200
    assert "://" not in page.text  # nothing is loaded from another host


def test_examples_of_the_contract_are_accepted(api, root, portfolio) -> None:
    schemas = httpx.get(f"{root}/openapi.json", timeout=60).json()["components"]["schemas"]
    addresses = {
        "SecurityRequest": "/securities",  # ACME, which the others need
        "PortfolioRequest": "/portfolios",
        "TransactionRequest": f"/portfolios/{portfolio.portfolio_id}/transactions",
        "IdentifierRequest": "/securities/AAPL/identifiers",
        "AccountRequest": "/accounts",
        "SimulationRequestBody": f"/portfolios/{portfolio.portfolio_id}/simulations",
    }
    for name, address in addresses.items():
        for example in schemas[name]["examples"]:
            answer = api.post(address, json=example)
            assert answer.is_success, answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/portfolios", 405)])
def test_what_is_not_there_is_a_problem_too(api, method, path, status) -> None:
    answer = api.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "address",
    [
        "/portfolios?limit=0",
        "/portfolios?limit=1001",
        "/portfolios?cursor=x",
        "/portfolios/x",
        "/securities?q=%00",
        "/securities?cursor=%00",
        "/portfolios/{portfolio_id}/transactions?cursor=99999999999999999999",
        "/portfolios/{portfolio_id}/transactions?ticker=%00",
        "/portfolios/{portfolio_id}/transactions?from=0",
    ],
)
def test_a_question_that_cannot_be_is_a_422(api, portfolio, address) -> None:
    assert api.get(address.format(portfolio_id=portfolio.portfolio_id)).status_code == 422


def test_an_unexpected_error_is_a_problem_that_leaks_nothing(settings) -> None:
    app = create_app(settings)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("the password is 1234")

    with served(app) as address:
        answer = httpx.get(f"{address}/boom")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "1234" not in answer.text


def test_importing_the_application_opens_nothing(tmp_path: Path) -> None:
    command = (
        "import sys, oltp_api.worker; assert 'oltp_api.app' not in sys.modules, 'the worker serves no route'; "
        "import oltp_api.app; assert not hasattr(oltp_api.app, 'app'); "
        "assert not {'ibflex', 'ofxtools', 'pandas'} & {*sys.modules}, 'only some files need them';"
        "assert not {'numba', 'scipy'} & {*sys.modules}, 'simulations and folds are the pipeline\\'s'; "
        "assert 'mcp' not in sys.modules, 'it takes a second to load, which the first who asks waits for'"
    )
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-c", command], check=True, env={"LAKEFOLIO_HOME": str(home)})

    assert not home.exists()
