"""A row's hash is written out, and is that of its canonical JSON, which stands in ledgers since the first row."""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import Transaction, TxnType, row_hash

_TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(['"', "\\", "Zürich", "\u2028", "a\tb", "\U0001f4b0"]))
_DECIMALS = st.one_of(
    st.decimals(min_value=-(10**19), max_value=10**19, places=8),
    st.sampled_from([Decimal(each) for each in ("0", "-0.00", "1E+3", "1E-8", "10.50", "-7")]),
)
_DAYS = datetime(1970, 1, 2), datetime(2999, 1, 1)  # noqa: DTZ001, a zone is drawn for each
_MAYBE = st.none() | _DECIMALS
_ROWS = st.builds(
    Transaction,
    st.uuids(),
    st.integers(1, 2**62),
    st.integers(1, 2**62),
    st.sampled_from(TxnType),
    st.sampled_from(["USD", "EUR"]),
    _DECIMALS,
    st.datetimes(*_DAYS, timezones=st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")])),
    st.dates(date(1970, 1, 1)),
    st.none() | st.integers(1, 2**62),
    _MAYBE, _MAYBE, _DECIMALS, _TEXTS, _MAYBE, _DECIMALS, _MAYBE,
    st.none() | st.dates(),
    _MAYBE, _MAYBE,
    st.none() | st.uuids(),
    st.none() | st.integers(1, 2**62),
    st.none() | _TEXTS,
    _MAYBE, _MAYBE,
)  # fmt: skip


def number(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) if value else "0"


def canonical(row: Transaction, recorded_at: datetime) -> str:
    recorded: list[object] = [
        str(row.portfolio_id), row.seq, row.account_id, row.txn_type, row.currency, number(row.cash_effect),
        row.event_ts.astimezone(UTC).isoformat(), row.business_date.isoformat(), row.security_id,
        number(row.quantity), number(row.price), number(row.fees), row.note, number(row.gross), number(row.accrued),
        number(row.fx_rate), row.ex_date and row.ex_date.isoformat(), number(row.split_new), number(row.split_old),
        row.transfer_id and str(row.transfer_id), row.reverses_seq, row.external_id, recorded_at.isoformat(),
    ]  # fmt: skip
    later = {"cost_effect": number(row.cost_effect), "basis_share": number(row.basis_share)}
    if set(later.values()) != {None}:
        recorded.append({name: value for name, value in later.items() if value is not None})
    return json.dumps(recorded, separators=(",", ":"))


@given(_ROWS, st.binary(min_size=32, max_size=32))
def test_a_rows_hash_is_that_of_its_canonical_json(row: Transaction, previous: bytes) -> None:
    recorded_at = datetime(2026, 11, 29, 7, 30, tzinfo=UTC)

    assert (
        row_hash(previous, row, recorded_at) == hashlib.sha256(previous + canonical(row, recorded_at).encode()).digest()
    )
