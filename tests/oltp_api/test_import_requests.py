"""Requests of a file's rows that are not validated: only such as validation would leave as they are."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import TxnType
from oltp_api.imports.requests import is_sound
from oltp_api.ledger.schemas import TransactionRequest

_NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=-(10**12), max_value=10**12, places=8),
    st.sampled_from([Decimal(each) for each in ("1E+2", "1E-7", "-0", "0E-8", "9" * 40, "9" * 41, "0." + "1" * 41)]),
)
_TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["", "x" * 200, "x" * 201, "a\0b", "Zürich", "\ud800", "two\nlines"])
)
_CURRENCIES = st.sampled_from(["USD", "EUR", "GBX", "GBp", "ZAc", "usd", "XXX", "US", "", "ÜSD"])
_FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(TxnType), "business_date": st.just(date(2016, 1, 4))},
    optional={
        **dict.fromkeys(("quantity", "price", "fees", "amount", "withheld", "fx_rate", "split_new"), _NUMBERS),
        **dict.fromkeys(("account", "note", "ticker", "into"), _TEXTS),
        "currency": _CURRENCIES,
        "fee_currency": _CURRENCIES,
        "ex_date": st.one_of(st.none(), st.just(date(2016, 1, 4)), st.just(datetime(2016, 1, 4))),  # noqa: DTZ001
    },
)


@given(_FIELDS)
def test_what_is_not_validated_is_what_validation_would_make_of_it(fields: dict[str, Any]) -> None:
    kind = fields.pop("type")
    if not is_sound(fields):
        return
    said = {**fields, "type": kind}
    validated = TransactionRequest.model_validate(said).fields()

    assert {name: repr(value) for name, value in validated.items()} == {name: repr(said[name]) for name in said}


def test_usual_rows_are_not_validated() -> None:
    usual = {"quantity": Decimal("5"), "price": Decimal("10.00"), "note": "APPLE", "currency": "USD"}

    assert is_sound({**usual, "ticker": "id:1", "business_date": date(2016, 1, 4)})
