"""The report on the folder of prices, on real tables: what goes in, what does not, and splits that ledgers have."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from price_downloads import DOWNLOADS
from test_own_price_rules import TODAY, posted
from test_price_files import IDENTIFIERS, YAHOO

from pipelines.ingestion.own_prices import IDENTIFIERS as NAMES
from pipelines.ingestion.own_prices import LEDGER, POSTED, SECURITIES, ledger_splits
from pipelines.ingestion.price_report import report
from pipelines.quality.split_histories import LedgerSplit
from storage.errors import SetupError
from storage.lake.delta import Lake

ROWS = [
    {"seq": 1, "txn_type": "BUY"},
    {"seq": 2, "txn_type": "SPLIT", "split_new": 4, "split_old": 1},
    {"seq": 3, "txn_type": "SPLIT", "split_new": 7, "split_old": 1},
    {"seq": 4, "txn_type": "REVERSAL", "reverses_seq": 3},
]


@dataclass
class StandIn:
    """Everything that the report asks of a platform."""

    lake: Lake
    settings: Any
    market_today: date = TODAY


@pytest.fixture
def platform(lake: Lake, tmp_path: Path) -> Any:
    return StandIn(lake, SimpleNamespace(prices=tmp_path))


def publish(lake: Lake) -> None:
    """A registry, nothing posted, and a ledger with one split that stands and one that was taken back."""
    lake.publish(SECURITIES, pa.table({"security_id": [1], "currency": ["USD"], "price_kind": ["AS_TRADED"]}))
    named = [{"valid_from": None, "valid_to": None, **row} for row in IDENTIFIERS if row["security_id"] == 1]
    dated = pa.schema(
        [
            ("security_id", pa.int64()),
            ("id_type", pa.string()),
            ("id_value", pa.string()),
            ("is_primary", pa.bool_()),
            ("valid_from", pa.date32()),
            ("valid_to", pa.date32()),
        ]
    )
    lake.publish(NAMES, pa.Table.from_pylist(named, schema=dated))
    lake.publish(POSTED, posted((1, 9, "2017-03-28", "1")).slice(0, 0))
    ledger = pa.schema(
        [
            ("portfolio_id", pa.string()),
            ("seq", pa.int64()),
            ("txn_type", pa.string()),
            ("security_id", pa.int64()),
            ("business_date", pa.date32()),
            ("split_new", pa.decimal128(18, 8)),
            ("split_old", pa.decimal128(18, 8)),
            ("reverses_seq", pa.int64()),
        ]
    )
    of_all = {"portfolio_id": "p", "security_id": 1, "business_date": date(2017, 3, 23)}
    lake.publish(LEDGER, pa.Table.from_pylist([{**of_all, **row} for row in ROWS], schema=ledger))


def test_every_file_is_in_it_with_what_goes_in_or_why_not(platform: Any, tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        list(report(platform))
    publish(platform.lake)
    (tmp_path / "ACME.csv").write_text(YAHOO.replace("12.25,11.60", "12.x5,11.60"))
    (tmp_path / "HistoricalData_1.csv").write_text(DOWNLOADS["BIG.csv"][0])
    (tmp_path / "BIG.csv").write_text(DOWNLOADS["BIG.csv"][0])
    (tmp_path / "DGS10.csv").write_text("observation_date,DGS10\n2017-03-27,2.38\n")

    said = list(report(platform))

    starts = {line.split(":")[0]: line for line in said if not line.startswith(" ")}
    assert starts["ACME.csv"] == "ACME.csv: 3 prices go in"
    assert "ACME.csv line 3" in next(line for line in said if "UNREADABLE" in line)
    assert any("4" in line and "split" in line for line in said)
    assert starts["DGS10.csv"] == "DGS10.csv: 1 rates"
    for name in ("BIG.csv", "HistoricalData_1.csv"):
        assert starts[name].startswith(f"{name}: not read: ")


def test_splits_that_stand_in_a_ledger_are_those_that_were_not_taken_back(platform: Any) -> None:
    publish(platform.lake)
    version = platform.lake.version(LEDGER)

    found = ledger_splits(platform, {LEDGER: version})

    assert found == {1: [LedgerSplit(date(2017, 3, 23), Decimal(4), Decimal(1))]}
    assert ledger_splits(platform, {}) == {}
