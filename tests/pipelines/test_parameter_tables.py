"""The marts of parameters from a small lake: every row that is refused, and what must hold before any is published."""

from datetime import date
from decimal import Decimal
from math import log
from typing import Any

import pyarrow as pa
import pytest

from pipelines.simulations.parameter_tables import (
    CORRELATION,
    FORWARD_MU,
    HISTORICAL_MU,
    MARTS,
    Parameter,
    broken_rules,
    refusals,
)
from pipelines.simulations.parameters import PRICES, SECURITIES, TARGETS, estimated, names_of
from storage.lake.delta import Lake, memory_duckdb

SECURITY_ROWS = "select * from (values (1, 'AAA'), (2, 'BBB'), (3, 'NEW'), (4, 'WILD')) as t(security_id, ticker)"
# 100 days of AAA and BBB, the last 59 of NEW; WILD moves by 0.7 a day.
PRICE_ROWS = """
    select
        security_id::bigint as security_id, (date '2016-01-01' + day::int) as price_date,
        (100 + day)::decimal(18, 8) as close, 'USD' as currency,
        case when security_id = 2 then 'TOTAL_RETURN' else 'AS_TRADED' end as price_kind,
        1::decimal(18, 8) as split_factor,
        case
            when day = 0 and security_id = 1 then 5.0
            when security_id = 4 then if(day % 2 = 0, 0.7, -0.7)
            else sin(day * security_id) / 100
        end as log_return
    from (values (1), (2), (3), (4)) as t(security_id), range(0, 4000, 1) as d(day)
    where (day = 0 or day >= 3900) and (security_id <> 3 or day >= 3941)
"""
TARGET_ROWS = """
    select
        col0 as ticker, col1::date as as_of, col2::decimal(18, 8) as target_mean,
        col3::decimal(18, 8) as target_median, 7::int as n_analysts, 'USD' as currency, false as is_illustrative
    from (values
        ('AAA', date '2016-01-01', 9, 9), ('AAA', date '2016-01-01' + 3990, 4509, 1),
        ('BBB', date '2016-01-01' + 3990, 1, 1), ('NEW', date '2016-01-01' + 3990, null, 5000),
        ('WILD', date '2016-01-01' + 3990, null, 4099), ('ELSE', date '2016-01-01' + 3990, 3, 3)
    )
"""


def rows(query: str) -> pa.Table:
    with memory_duckdb() as connection:
        return connection.execute(query).to_arrow_table()


def made(lake: Lake, **queries: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of every mart, made from what `queries` say of PRICES, SECURITIES and TARGETS."""
    found = {"prices": PRICE_ROWS, "securities": SECURITY_ROWS, "targets": TARGET_ROWS, **queries}
    tables = {"prices": PRICES, "securities": SECURITIES, "targets": TARGETS}
    versions = {tables[name]: lake.publish(tables[name], rows(query)).version for name, query in found.items()}
    names = names_of(lake, versions)
    by_table = estimated(lake, versions, MARTS)
    assert [broken_rules(MARTS[table], each, names) for table, each in by_table.items()] == [[]] * 4
    return {table.removeprefix("marts/security_"): each.to_pylist() for table, each in by_table.items()}


def test_returns_are_of_the_last_ten_years_and_sixty_of_them_are_needed(lake: Lake) -> None:
    parameters = made(lake)

    last = date(2026, 12, 13)
    for table in ("historical_mu", "volatility"):
        found = {row["security_id"]: row for row in parameters[table]}
        assert {number: row["n_observations"] for number, row in found.items()} == {1: 100, 2: 100, 3: 59, 4: 100}
        assert {number: row["status"] for number, row in found.items()} == {
            **dict.fromkeys((1, 2, 4), "OK"),
            3: "INSUFFICIENT",
        }
        assert found[3]["reason"] == "59 returns are fewer than 60"
        assert (found[3]["window_start"], found[3]["window_end"]) == (date(2026, 10, 16), last)
        assert {row["method"] for row in parameters[table]} == {"HISTORICAL"}


def test_a_pair_is_refused_with_the_reason(lake: Lake) -> None:
    found = {(row["security_id_a"], row["security_id_b"]): row for row in made(lake)["correlation"]}

    assert len(found) == 16
    assert found[1, 2]["status"] == "OK"
    assert found[1, 2]["correlation"] == found[2, 1]["correlation"]
    assert found[1, 1]["correlation"] == found[1, 1]["correlation_shrunk"] == 1.0
    assert (found[1, 3]["status"], found[1, 3]["reason"]) == ("INSUFFICIENT", "fewer than 60 common returns")
    assert (found[1, 3]["n_observations"], found[1, 3]["window_start"]) == (59, date(2026, 10, 16))
    for pair in ((1, 4), (4, 4), (4, 3)):
        assert found[pair]["status"] == "TOO_LARGE"
        assert found[pair]["reason"] == "squared returns of a security sum to 32 or more"
        assert found[pair]["correlation"] is found[pair]["correlation_shrunk"] is None
    assert {(row["shrinkage_method"], row["psd_distance"]) for row in found.values()} == {("LEDOIT_WOLF", 0.0)}


def test_a_target_is_set_against_the_newest_price(lake: Lake) -> None:
    found = {row["security_id"]: row for row in made(lake)["forward_mu"]}

    assert {number: row["status"] for number, row in found.items()} == {
        1: "OK",
        2: "NOT_AS_TRADED",
        3: "INSUFFICIENT",
        4: "OK",
    }
    assert found[1]["mu_annual"] == pytest.approx(log(4509 / 4099)), "of the newest of two targets"
    assert (found[1]["target"], found[1]["price"]) == (Decimal(4509), Decimal(4099))
    assert found[3]["reason"] == "a median target needs a volatility, and there is none"
    assert found[4]["mu_annual"] == pytest.approx(0.49 * 252 * 100 / 99 / 2), "of a median that is the price, s^2 / 2"


def test_a_target_from_before_a_split_is_refused(lake: Lake) -> None:
    early = "select 'AAA' as ticker, date '2026-12-01' as as_of, * exclude (ticker, as_of) from ({}) limit 1"
    factor = "if(price_date < date '2026-12-05', 2, 1)::decimal(18, 8) as split_factor"
    split = f"select * replace ({factor}) from ({PRICE_ROWS})"

    (found,) = made(lake, targets=early.format(TARGET_ROWS), prices=split)["forward_mu"]

    assert (found["status"], found["reason"]) == ("SPLIT_SINCE", "a unit has become 2 since the target was set")


def test_without_any_return_the_marts_are_empty(lake: Lake) -> None:
    found = made(lake, prices=f"select * from ({PRICE_ROWS}) where false")

    assert {table for table, each in found.items() if each} == {"forward_mu"}
    assert {row["reason"] for row in found["forward_mu"]} == {"there is no price above 0"}


def row_of(mart: Parameter, **values: Any) -> pa.Table:
    nothing: dict[str, Any] = dict.fromkeys(mart.columns)
    return mart.table({name: [value] for name, value in {**nothing, "status": "OK", **values}.items()})


@pytest.mark.parametrize(
    ("mart", "values", "rule"),
    [
        (HISTORICAL_MU, {"security_id": 9, "mu_annual": 0.1}, "security_id is in dim_security"),
        (HISTORICAL_MU, {"security_id": 1}, "mu_annual is finite, and there if and only if the status is OK"),
        (
            FORWARD_MU,
            {"security_id": 1, "mu_annual": 0.1, "status": "STALE", "reason": "old"},
            "mu_annual is finite, and there if and only if the status is OK",
        ),
        (HISTORICAL_MU, {"security_id": 1, "status": "INSUFFICIENT"}, "what is refused has a reason"),
        (
            CORRELATION,
            {"security_id_a": 1, "security_id_b": 1, "correlation": 1.5},
            "correlation is from -1 to 1",
        ),
    ],
)
def test_what_must_hold_of_a_row_is_named_when_it_does_not(mart: Parameter, values: dict[str, Any], rule: str) -> None:
    assert broken_rules(mart, row_of(mart, **values), {1}) == [rule]


def test_a_key_stands_once() -> None:
    row = row_of(HISTORICAL_MU, security_id=1, mu_annual=0.1)
    assert broken_rules(HISTORICAL_MU, pa.concat_tables([row, row]), {1}) == ["security_id name one row"]


def test_who_is_refused_is_named_once() -> None:
    pairs = [
        {"security_id_a": a, "security_id_b": b, "status": "INSUFFICIENT", "reason": "few"}
        for a, b in ((1, 1), (1, 2), (2, 1))
    ]
    table = pa.concat_tables([row_of(CORRELATION, **pair) for pair in pairs])
    assert refusals(CORRELATION, table, {1: "AAA"}) == {"AAA": "few"}
    one = row_of(HISTORICAL_MU, security_id=2, status="INSUFFICIENT", reason="few")
    assert refusals(HISTORICAL_MU, one, {1: "AAA"}) == {"2": "few"}
