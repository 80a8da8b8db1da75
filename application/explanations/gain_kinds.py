"""Figures of gains: disposals and their sums, income, taxes and fees, and closed positions."""

from application.explanations.kinds import kind
from application.explanations.market import rates, registered, setting, stated
from application.explanations.sources import disposals, ledger, reference_of
from domain.disposals import LONG_TERM_DAYS

_DISPOSAL = "/disposals/(?P<disposal>[^/]+)"
_INCOME = "/income/(?P<income>[^/]+)"
_OF_LOT = ledger(seqs=("seq", "sale_seq", "lot_seq"))
_OF_ROW = ledger(seqs=("seq",))
_SUM = "(?:/total|/by_term/(?P<term_>[^/]+)|/by_currency/(?P<sum_>[^/]+))"
_PAID = ("DIVIDEND", "COUPON", "INTEREST", "TAX", "FEE", "BUY", "SELL", "CASH_IN_LIEU")

KINDS = (
    kind(
        f"{_DISPOSAL}/(?P<name>gain|gain_base|fx_gain_base)",
        "{name} of {units} {ticker}, disposed of on {realised_on}",
        "Gains",
        "domain.disposals:disposals",
        "proceeds - cost, in base currency each at the rate of its own trade",
        reference_of("/disposals/{seq}-{part}/proceeds"),
        reference_of("/disposals/{seq}-{part}/cost"),
        _OF_LOT,
        ledger(ticker="{ticker}"),
    ),
    kind(
        f"{_DISPOSAL}/(?P<name>proceeds|proceeds_base|cost|cost_base|units)",
        "{name} of {ticker}, disposed of on {realised_on}",
        "Gains",
        "domain.disposals:disposals",
        "units that left with this row; proceeds less its fees, cost with those of the purchase",
        setting("cost_method"),
        _OF_LOT,
        ledger(ticker="{ticker}"),
    ),
    kind(
        f"{_DISPOSAL}/days_held",
        "days from {acquired_on} to {sold_on}",
        "Gains",
        "domain.disposals:disposals",
        "calendar days between both; 0 for a short",
        _OF_LOT,
    ),
    kind(
        f"{_DISPOSAL}/(?P<name>seq|sale_seq|lot_seq|part|account_id|security_id)",
        "{name} of a disposal of {ticker}",
        "Gains",
        "domain.disposals:disposals",
        "names the row, lot, account or security; it is not computed",
        registered,
        _OF_LOT,
    ),
    kind(
        f"{_SUM}/(?P<name>[a-z_]+)",
        "{name}, summed over the disposals",
        "Gains",
        "domain.gains:gain_total",
        "sum over the disposals of the year; those of unknown basis are in proceeds_unknown alone",
        disposals("before"),
        ledger(since="before"),
    ),
    kind(
        f"{_INCOME}/(?P<name>amount|amount_base)",
        "{name} of {income_type} on {business_date}",
        "Income, fees, tax",
        "domain.gains:income_total",
        "cash that the row moved, in base currency at the rate of the day's close",
        _OF_ROW,
        rates,
    ),
    kind(
        f"{_INCOME}/(?P<name>seq|account_id|security_id)",
        "{name} of {income_type} on {business_date}",
        "Income, fees, tax",
        "domain.gains:income_total",
        "names the row, account or security; it is not computed",
        _OF_ROW,
    ),
    kind(
        "/income_by_(?:type|currency)/(?P<sum_>[^/]+)/(?P<name>[a-z_]+)",
        "{name} of {income_type}",
        "Income, fees, tax",
        "domain.gains:income_total",
        "sum over the rows of the year",
        ledger(types=_PAID, since="before"),
    ),
    kind(
        "/closed/(?P<ticker>[^/]+)/(?P<name>realised|realised_base|security_id)",
        "{name} of {ticker}, closed on {closed_on}",
        "Gains",
        "domain.gains:ClosedPosition",
        "gain of all units that were ever disposed of",
        registered,
        ledger(ticker="{ticker}"),
    ),
    kind(
        "/long_term_days",
        "days beyond which a gain is long term",
        "Gains",
        "oltp_api.gains.handlers:gains_of",
        "chosen by the owner, or the default",
        setting("long_term_days", default=LONG_TERM_DAYS),
        ledger(),
    ),
    kind(
        "/(?P<name>ledger_version|year|years/[0-9]+)",
        "{name} of the gains",
        "Gains",
        "oltp_api.gains.handlers:gains_of",
        "the last ledger row that is in them, the year that was asked for, or years in which there is something",
        stated("it names what is shown; it is not computed"),
        ledger(),
    ),
)
