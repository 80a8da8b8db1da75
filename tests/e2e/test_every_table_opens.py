"""The lake is open: every released table is read by deltalake and by DuckDB alone, and the API says the same."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlparse
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from application.analytics.review import LakeAnalyticsRepository
from oltp_api.sight import also_seeing, portfolios_in_sight
from storage.lake import mounted as mounted_lake
from storage.lake.mounted import MountedRelease, mounted
from storage.lake.releases import is_result

QUANTITIES = {
    *("quantity", "units", "price", "close", "par_yield_pct", "haircut", "fx_haircut"),
    *("clean_price", "dirty_price", "adjusted_close", "split_adjusted_close", "split_factor", "dividend"),
    *("rate_per_eur", "index_level", "expense_ratio_pct"),
    *("target_mean", "target_median", "target_low", "target_high", "target"),
    *("limit_price", "filled_quantity", "reserved_quantity"),
    *(
        "expense_ratio_bps",
        "coupon_rate_pct",
        "denomination",
        "spread_bps",
        "fx_rate",
        "split_new",
        "split_old",
        "basis_share",
    ),
}
PER_UNIT = {  # money elsewhere; here a dividend of one unit, or the interest on 100 of face
    ("raw/corporate_action", "amount"),
    *((f"marts/{mart}", "accrued") for mart in ("fact_price_daily", "fact_own_price_daily", "fact_position_daily")),
    ("marts/fact_bond_valuation_daily", "accrued"),
}
EMPTY = {  # the bundled market has no actions and no jump at its end; the demo places no orders, has no funds, posts no
    # prices; nobody is held
    *("raw/corporate_action", "raw/pg_fund_details", "raw/pg_order", "raw/pg_order_fill"),
    *("raw/pg_posted_price", "raw/own_price", "raw/unconfirmed_price", "marts/fact_own_price_daily", "meta/held"),
}
RETURNS = ("twr", "twr_annual", "twr_gross", "mwr", "xirr", "benchmark_twr", "active_return")
GRAPH = Path(__file__).parents[1] / "pipelines" / "asset_graph.txt"


@pytest.fixture(scope="module")
def tables(platform_home) -> dict[str, DeltaTable]:
    """Every table of the newest release, at its version."""
    lake = platform_home.settings.lake
    return {
        name: DeltaTable(f"{lake}/{name}", version=version) for name, version in platform_home.head.versions.items()
    }


def files(table: DeltaTable) -> list[str]:
    return [unquote(urlparse(uri).path) for uri in table.file_uris()]


def rows(table: DeltaTable, where: str = "true") -> list[dict]:
    connection = duckdb.connect()
    found = connection.execute(f"from read_parquet({files(table)}) where {where}").to_arrow_table().to_pylist()
    connection.close()
    return found


def test_the_release_names_every_asset_of_the_graph(tables) -> None:
    assets = {line.split()[0] for line in GRAPH.read_text().splitlines() if line and not line.startswith(" ")}

    assert set(tables) == assets - {"meta/release", "risk/risk_analysis_score"}  # that is made after each quarter


def test_deltalake_and_duckdb_count_the_same_rows(tables) -> None:
    with duckdb.connect() as connection:
        counted = {
            name: connection.execute(f"select count(*) from read_parquet({files(table)})").fetchone()[0]
            for name, table in tables.items()
            if files(table)
        }

    assert counted == {name: table.to_pyarrow_dataset().count_rows() for name, table in tables.items() if files(table)}
    assert counted.keys() == tables.keys() - EMPTY
    assert min(counted.values()) > 0


def test_no_row_of_the_bundled_market_is_in_quarantine(platform_home) -> None:
    assert platform_home.lake.read("meta/quarantine").num_rows == 0


def test_decimals_have_the_two_agreed_types(tables) -> None:
    kinds = {
        (name, field.name): field.type
        for name, table in tables.items()
        for field in pa.schema(table.schema().to_arrow())
        if pa.types.is_decimal(field.type)
    }

    assert len(kinds) > 30
    for (name, column), kind in kinds.items():
        is_price = column in QUANTITIES or (name, column) in PER_UNIT
        assert kind == pa.decimal128(18 if is_price else 28, 8), f"{name}.{column}"


def test_money_is_never_a_double(tables) -> None:
    doubles = {
        f"{name}.{field.name}"
        for name, table in tables.items()
        if not name.startswith(("simulation/", "risk/"))
        for field in pa.schema(table.schema().to_arrow())
        if pa.types.is_floating(field.type)
    }

    assert not {column for column in doubles if column.endswith(("value", "cost", "cost_basis", "price", "close"))}


def test_the_api_shows_the_rows_of_the_tables(platform_home, tables) -> None:
    here, own = f"/portfolios/{platform_home.portfolio_id}", f"portfolio_id = '{platform_home.portfolio_id}'"
    with platform_home.client() as client:
        positions = client.get(f"{here}/positions", params={"on": "2009-03-09"}).json()
        values = client.get(f"{here}/values").json()
        performance = client.get(f"{here}/performance").json()
        risk = client.get(f"{here}/risk").json()
        price = client.get("/securities/JPM/price", params={"on": "2009-03-08"}).json()

    assert {answer["release_id"] for answer in (positions, values, performance)} == {platform_home.head.release_id}
    names = {row["security_id"]: row["ticker"] for row in rows(tables["marts/dim_security"])}
    held = rows(tables["marts/fact_position_daily"], f"business_date = date '2009-03-09' and {own}")
    assert {row["ticker"]: exact(row, "quantity", "cost_basis", "market_value") for row in positions["positions"]} == {
        names[row["security_id"]]: exact(row, "quantity", "cost_basis", "market_value") for row in held
    }
    assert [(row["business_date"], *exact(row, "total_value", "cash")) for row in values["values"]] == [
        (str(row["business_date"]), *exact(row, "total_value", "cash"))
        for row in sorted(rows(tables["marts/fact_portfolio_value_daily"], own), key=lambda row: row["business_date"])
    ]
    shown = {period["period"]: period for period in performance["periods"]}
    for measured in rows(tables["marts/fact_performance"], f"level = 'PORTFOLIO' and {own}"):
        assert {name: shown[measured["period"]][name] for name in RETURNS} == {
            name: None if measured[name] is None else pytest.approx(measured[name], rel=1e-9) for name in RETURNS
        }
    (measured,) = rows(tables["marts/fact_risk"], f"basis = 'REALISED' and {own}")
    assert [risk["risk"]["profiles"][0][name] for name in ("sharpe", "volatility", "max_drawdown")] == [
        pytest.approx(measured[name], rel=1e-9) for name in ("sharpe", "volatility", "max_drawdown")
    ]
    (quoted,) = rows(tables["raw/price_daily"], "ticker = 'JPM' and price_date = date '2009-03-06'")
    assert (price["price_date"], Decimal(price["close"])) == ("2009-03-06", quoted["close"])


def exact(row: dict, *names: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(row[name]) for name in names)


def test_what_was_shown_in_an_older_release_can_still_be_asked(platform_home) -> None:
    """The first release has the numbers and no results yet."""
    first = platform_home.platform.releases.get(1)
    portfolio = UUID(platform_home.portfolio_id)

    then = LakeAnalyticsRepository.at(platform_home.lake, first).get_values(portfolio, date(2009, 3, 9), None)
    now = LakeAnalyticsRepository.at(platform_home.lake, platform_home.head).get_values(
        portfolio, date(2009, 3, 9), None
    )

    assert not [table for table in first.versions if is_result(table)]
    assert then == now


def test_where_people_sign_in_a_release_shows_what_the_door_let_them_to(platform_home) -> None:
    """Every table that belongs to somebody, without any filter of a question's own; the control sees everything."""
    filtered, open_to_all = (
        mounted(platform_home.lake, platform_home.head, seen) for seen in (portfolios_in_sight, None)
    )
    everybodys = [UUID(row["portfolio_id"]) for row in open_to_all.rows("select portfolio_id from raw.pg_portfolio")]
    one, *others = everybodys
    assert others, "there are several"

    def counted(release, *seen: UUID) -> dict[str, int]:
        with also_seeing(seen):
            return {
                name: release.rows(f"select count(*) as n from {name.replace('/', '.')}")[0]["n"]
                for name in platform_home.head.versions
            }

    everything, nothing = counted(open_to_all), counted(filtered)
    somebodys = {name for name, rows in everything.items() if rows != nothing[name]}
    assert {name for name in somebodys if nothing[name]} == set()
    assert {
        "raw/pg_account",
        "raw/pg_transaction_ledger",
        "marts/fact_position_daily",
        "simulation/simulation_fan",
    } < somebodys
    assert counted(filtered, *everybodys) == everything
    with also_seeing([one]):
        for name in sorted(somebodys):
            columns = {row["column_name"] for row in filtered.rows(f"describe {name.replace('/', '.')}")}
            if "portfolio_id" in columns:
                whose = filtered.rows(f"select distinct portfolio_id as id from {name.replace('/', '.')}")
                assert {row["id"] for row in whose} <= {str(one)}, name


@pytest.mark.parametrize("column", [None, *mounted_lake._OWN])
def test_each_condition_of_the_lakes_views_hides_a_strangers_rows(
    platform_home, column: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is removed: whoever may see nothing sees the rows that it was for. The first case is the control."""
    open_to_all = mounted(platform_home.lake, platform_home.head, None)
    tables = {name: key_of(open_to_all, name) for name in platform_home.head.versions}
    hidden = {name for name, key in tables.items() if key and key == column and counts(open_to_all, name)}
    if column is not None:
        monkeypatch.setitem(mounted_lake._OWN, column, "true")
    filtered = mounted(platform_home.lake, platform_home.head, portfolios_in_sight)
    shown = {name for name, key in tables.items() if key and counts(filtered, name)}
    assert shown >= hidden
    # No order was ever filled in this state, and nobody has prices of their own: test_own_prices.py looks at those.
    assert bool(shown) == (column not in (None, "order_id", "owner_id"))


def counts(release: MountedRelease, name: str) -> int:
    return int(release.rows(f"select count(*) as n from {name.replace('/', '.')}")[0]["n"])


def key_of(release: MountedRelease, name: str) -> str | None:
    """The column by which rows of a table belong to somebody."""
    columns = {row["column_name"] for row in release.rows(f"describe {name.replace('/', '.')}")}
    key = next((key for key in mounted_lake._OWN if key in columns), None)
    return None if key == "user_id" and name in mounted_lake._NOBODYS else key
