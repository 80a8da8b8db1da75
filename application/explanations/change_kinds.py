"""Figures of a change of value: both ends, and the terms between them."""

from collections.abc import Iterator

from application.explanations.asked import AskedFigure, Source
from application.explanations.kinds import kind
from application.explanations.market import price, rates
from application.explanations.sources import FLOWS, INCOME, ledger, reference_of, returns, value
from domain.explanations import Explained
from domain.value_changes import ChangeCause

_FROM = "/(?P<since>[^/]+)"
_TERM = f"{_FROM}/terms/(?P<term>{{}})(?:-[^/]*)?/amount"
_BETWEEN = "application.value_change:value_change"
_SECTION = "Change of value"


def on(day: str, source: Source) -> Source:
    """The source of the day that a field says."""

    def found(asked: AskedFigure) -> Iterator[Explained]:
        yield from source(asked.named({"business_date": asked.names[day]}))

    return found


_PRICES = (on("begins", price), on("ends", price))
_ENDS = (value("total_value", "begins"), value("total_value", "ends"))
_OF_ROWS = (
    (f"{ChangeCause.PAID_IN}|{ChangeCause.TAKEN_OUT}|{ChangeCause.TRANSFERRED}", FLOWS),
    (f"{ChangeCause.DIVIDEND}|{ChangeCause.COUPON}|{ChangeCause.INTEREST}|{ChangeCause.ACCRUED_INTEREST}", INCOME),
    (f"{ChangeCause.TAX}|{ChangeCause.FEE}|{ChangeCause.TRADE_FEE}", ("TAX", "FEE", "BUY", "SELL", "CASH_IN_LIEU")),
)

KINDS = (
    kind(
        _TERM.format(f"{ChangeCause.PRICE}|{ChangeCause.RATE}"),
        "{label}, {begins} to {ends}",
        _SECTION,
        _BETWEEN,
        "change of its value, less what was paid into it, with what came out; part of that is the rate of its currency",
        *_PRICES,
        returns("POSITION", "begins", "{ticker}"),
        on("ends", rates),
        ledger(ticker="{ticker}"),
    ),
    kind(
        _TERM.format(f"{ChangeCause.CASH_RATE}|{ChangeCause.CONVERSION}"),
        "{label}, {begins} to {ends}",
        _SECTION,
        _BETWEEN,
        "change of the balance in the portfolio's currency, less what rows moved at their days' rates",
        on("begins", rates),
        on("ends", rates),
        ledger(),
    ),
    *(
        kind(
            _TERM.format(causes),
            "{label}, {begins} to {ends}",
            _SECTION,
            _BETWEEN,
            "what ledger rows moved, at the rates of their days' closes",
            ledger(types=types, since="begins"),
        )
        for causes, types in _OF_ROWS
    ),
    kind(
        _TERM.format(ChangeCause.CORRECTION),
        "{label}, about {ends}",
        _SECTION,
        "application.value_change:value_restated",
        "cash that these rows moved, and the units by which the holding differs, at its newer price",
        ledger(seqs=("seqs",)),
        on("ends", price),
    ),
    kind(
        _TERM.format(ChangeCause.EVENT),
        "{label}, {begins} to {ends}",
        _SECTION,
        _BETWEEN,
        "units that an event or a transfer moved at a worth that the day's closes do not confirm",
        ledger(since="begins"),
    ),
    kind(
        f"{_FROM}/terms/(?P<term>[^/]+)/(?P<name>n_rows|seqs/[0-9]+)",
        "{name} of: {label}",
        _SECTION,
        _BETWEEN,
        "ledger rows that the term is of",
        ledger(since="begins"),
    ),
    kind(
        f"{_FROM}/(?P<name>begin_value|end_value|change|rounding)",
        "{name} from {begins} to {ends}",
        _SECTION,
        _BETWEEN,
        "change = end - begin; rounding is what the terms leave of it",
        reference_of("/{since}/begin_value"),
        reference_of("/{since}/end_value"),
        *_ENDS,
        ledger(),
    ),
    kind(
        f"{_FROM}/(?P<name>release_id|before_release)",
        "number of the release",
        "Release",
        "storage.lake.releases:Releases",
        "counted up with every release",
        ledger(),
    ),
)
