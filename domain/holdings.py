"""Cost of what is held: the average-cost rule, once.

`Holding` is the state of one security in one account. `after` folds one trade into it; everything that needs cost
(the projection, the position intervals, the back-dating check) goes through it.
"""

from dataclasses import dataclass
from decimal import Decimal

from domain.money import ZERO, money, product, share


@dataclass(frozen=True, slots=True)
class Holding:
    """Units held, what they cost, and the gain realised so far.

    `quantity` is negative for a short; `cost_basis` then is the (negative) proceeds it was opened with, so that
    `cost_basis / quantity` is the average cost either way.
    """

    quantity: Decimal = ZERO
    cost_basis: Decimal = ZERO
    realised: Decimal = ZERO

    @property
    def avg_cost(self) -> Decimal:
        return share(self.cost_basis, Decimal(1), self.quantity) if self.quantity else ZERO

    def after(self, quantity: Decimal, price: Decimal, fees: Decimal) -> "Holding":
        """The holding after `quantity` (signed) traded at `price`, with `fees` >= 0.

        A trade that opens or adds raises cost by quantity x price + fees. A trade that reduces relieves
        round(cost x traded / held) and never moves the average; the last one takes the remainder. A trade
        through zero is two legs, closing and opening, its fee with the closing leg.
        """
        if not quantity:
            return self
        same_side = not self.quantity or (self.quantity > 0) == (quantity > 0)
        if same_side:
            cost = money(self.cost_basis + product(quantity, price) + fees)
            return Holding(money(self.quantity + quantity), cost, self.realised)
        closing = quantity if abs(quantity) <= abs(self.quantity) else -self.quantity
        closed = self._reduced(closing, price, fees)
        return closed.after(quantity - closing, price, ZERO)

    def _reduced(self, quantity: Decimal, price: Decimal, fees: Decimal) -> "Holding":
        proceeds = money(-product(quantity, price) - fees)
        if -quantity == self.quantity:
            return Holding(ZERO, ZERO, money(self.realised + proceeds - self.cost_basis))
        relieved = share(self.cost_basis, -quantity, self.quantity)
        return Holding(
            money(self.quantity + quantity),
            money(self.cost_basis - relieved),
            money(self.realised + proceeds - relieved),
        )
