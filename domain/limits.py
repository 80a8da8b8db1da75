"""How large a number may be: what the door accepts, the fold, PostgreSQL, DuckDB and the marts can value.

Units, prices and rates are kept in 18 digits, 8 after the point, and money in 28, so that it ends at 10^20. The limits
leave room below that for what is made of accepted numbers:

* A row's amounts, in its own and in the base currency, and what they add up to (cash of a currency, cost and gain of a
  holding) are at most 10^15, at every moment. The largest rate of a central bank is some 2.5 x 10^4, rupiah for a
  pound, so that a balance has a value of at most 2.5 x 10^19.
* Units are below 10^10 and a price is at most 10^8, so that a holding at any price is worth less than 10^18. A price
  that a split carries beyond 10^10 is none, nor is one at which a holding is worth more than 10^15.

They are rules for what is new. Rows that were recorded before stay as they are, and `Positions.apply` never looks.
"""

from decimal import Decimal

from domain.errors import InvalidNumber, plain

UNITS_BELOW = Decimal(10) ** 10
MONEY_BELOW = Decimal(10) ** 20
MOST_MONEY = Decimal(10) ** 15
MOST_PRICE = Decimal(10) ** 8
MOST_RATE = Decimal(10) ** 8
MOST_SPLIT = Decimal(10) ** 6
"""Units of one that become so many, or the other way round."""
MOST_COUPON_PCT = Decimal(1000)
MOST_SPREAD_BPS = Decimal(10_000)
MOST_EXPENSE_BPS = Decimal(10_000)
MOST_ID = 2**63 - 1
"""A bigint of PostgreSQL's."""


class OutOfRange(InvalidNumber):
    """Larger than what everything that is made of it has room for."""

    code = "out_of_range"

    def __init__(self, name: str, value: Decimal, most: Decimal) -> None:
        super().__init__(name, value, f"is larger than the most that is kept, which is {plain(most)}")
        self.facts["most"] = plain(most)


def refuse_beyond(name: str, value: Decimal, most: Decimal) -> None:
    """OutOfRange if `value` is further from 0 than `most`."""
    if abs(value) > most:
        raise OutOfRange(name, value, most)
