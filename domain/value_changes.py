"""The change of a portfolio's value between two closes, as terms that add up to it.

A row of the ledger is in one term only, at the rate of its day's close. Of a security the term is what is left of its
change once all that was paid into it and came out of it is known, parted into price and exchange rate; of cash it is
what is left once every row is known. So terms miss nothing. Between two releases of one day the rows that only one of
them has are corrections. Source: RULEBOOK, change of value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.money import ZERO

_MOST_NAMED = 3


class ChangeCause(StrEnum):
    """Kinds of terms, in the order in which they are shown."""

    PAID_IN = "PAID_IN"
    TAKEN_OUT = "TAKEN_OUT"
    TRANSFERRED = "TRANSFERRED"
    PRICE = "PRICE"
    RATE = "RATE"
    CASH_RATE = "CASH_RATE"
    CONVERSION = "CONVERSION"
    DIVIDEND = "DIVIDEND"
    COUPON = "COUPON"
    INTEREST = "INTEREST"
    ACCRUED_INTEREST = "ACCRUED_INTEREST"
    TAX = "TAX"
    FEE = "FEE"
    TRADE_FEE = "TRADE_FEE"
    EVENT = "EVENT"
    CORRECTION = "CORRECTION"


FLOWS = (ChangeCause.PAID_IN, ChangeCause.TAKEN_OUT, ChangeCause.TRANSFERRED)
_WORDS = {
    ChangeCause.PAID_IN: "paid in",
    ChangeCause.TAKEN_OUT: "taken out",
    ChangeCause.TRANSFERRED: "units transferred in, less those transferred out",
    ChangeCause.PRICE: "price of {what}",
    ChangeCause.RATE: "exchange rate of {currency} on {what}",
    ChangeCause.CASH_RATE: "exchange rate of {currency} on cash",
    ChangeCause.CONVERSION: "conversions beside the day's close",
    ChangeCause.DIVIDEND: "dividends",
    ChangeCause.COUPON: "coupons",
    ChangeCause.INTEREST: "interest",
    ChangeCause.ACCRUED_INTEREST: "accrued interest, sold less bought",
    ChangeCause.TAX: "tax",
    ChangeCause.FEE: "fees",
    ChangeCause.TRADE_FEE: "fees of trades",
    ChangeCause.EVENT: "units that came or went at a worth that no price confirms",
    ChangeCause.CORRECTION: "ledger rows of {what} that only one of the releases has",
}


@dataclass(frozen=True, slots=True)
class ChangeTerm:
    """Amount that one cause added, in the portfolio's currency; of `n_rows` ledger rows, where it is of rows.

    `ticker` is of a PRICE, RATE or CORRECTION, `currency` of a rate. A CORRECTION without a ticker is of cash alone;
    `seqs` are the first of its rows.
    """

    cause: ChangeCause
    amount: Decimal
    ticker: str | None = None
    currency: str | None = None
    n_rows: int = 0
    seqs: Sequence[int] = ()

    @property
    def name(self) -> str:
        """How the term is called among the others."""
        return "-".join(part for part in (self.cause, self.ticker, self.currency) if part)

    @property
    def label(self) -> str:
        return _WORDS[self.cause].format(what=self.ticker or "cash", currency=self.currency)


@dataclass(frozen=True, slots=True)
class ValueChange:
    """From the close of `begins` to that of `ends`, or between two releases of one day.

    `rounding` is what the terms, each rounded to 8 places, leave of the change.
    """

    begins: date
    ends: date
    currency: str
    begin_value: Decimal
    end_value: Decimal
    terms: Sequence[ChangeTerm]

    @property
    def change(self) -> Decimal:
        return self.end_value - self.begin_value

    @property
    def rounding(self) -> Decimal:
        return self.change - sum((term.amount for term in self.terms), ZERO)

    def total(self, *causes: ChangeCause) -> Decimal:
        return sum((term.amount for term in self.terms if term.cause in causes), ZERO)

    @property
    def sentences(self) -> Sequence[str]:
        """The change in words, the largest causes first; the same to the byte for the same terms."""
        if self.begins == self.ends:
            when = f"of {self.ends}, as the later release tells it instead of the earlier one,"
        else:
            when = f"from {self.begins} to {self.ends}"
        values = f"from {_amount(self.begin_value)} to {_amount(self.end_value)} {self.currency}"
        if not self.change:
            return [f"The value {when} is the same: {_amount(self.end_value)} {self.currency}.", *self._causes()]
        grew = "rose" if self.change > 0 else "fell"
        return [
            f"The value {when} {grew} by {_amount(abs(self.change))} {self.currency}, {values}.",
            *self._flows(),
            *self._causes(),
        ]

    def _flows(self) -> list[str]:
        net = self.total(*FLOWS)
        if not net:
            return []
        went = "came from outside" if net > 0 else "went outside"
        rest = self.change - net
        by_itself = "gained" if rest > 0 else "lost"
        earned = f"the portfolio itself {by_itself} {_amount(abs(rest))}" if rest else "the portfolio earned nothing"
        return [f"{_amount(abs(net))} {went}; {earned}."]

    def _causes(self) -> list[str]:
        """The largest of either sign, each with the largest terms first."""
        ranked = sorted((term for term in self.terms if term.cause not in FLOWS), key=_by_size)
        found = []
        for said, signed in (("Most was added by", 1), ("Most was taken by", -1)):
            named = [term for term in ranked if term.amount * signed > 0][:_MOST_NAMED]
            if named:
                found.append(
                    f"{said} {', '.join(f'{one.label} ({_amount(one.amount, signed=True)})' for one in named)}."
                )
        return found


def by_size(terms: Sequence[ChangeTerm]) -> list[ChangeTerm]:
    """Terms of any amount, by cause and within one cause the largest first."""
    order = list(ChangeCause)
    return sorted((term for term in terms if term.amount), key=lambda term: (order.index(term.cause), *_by_size(term)))


def _by_size(term: ChangeTerm) -> tuple[Decimal, str]:
    return -abs(term.amount), term.name


def _amount(value: Decimal, *, signed: bool = False) -> str:
    text = f"{abs(value):,.2f}"
    sign = "" if not text.strip("0.,") else "-" if value < 0 else "+" if signed else ""
    return f"{sign}{text}"
