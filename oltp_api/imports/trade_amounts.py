"""A trade's amount beside its quantity, price and fees: what the one says of the others, and what contradicts it."""

from decimal import Decimal

from domain.currencies import smallest_unit
from domain.errors import plain
from domain.ledger import TxnType
from domain.money import money, payable
from domain.securities import Security
from domain.stated_amounts import rounding_of
from oltp_api.imports.canonical import Reader
from oltp_api.imports.drafts import LEAVES, CellRefused, Draft

_HUNDREDTH, _ONE = Decimal("0.01"), Decimal(1)
_SMALL_SHARE = Decimal("0.003")
_NEAR = 1.03
_MOST_IMPLIED = Decimal(50)
"""Fees that nobody states are odd above so much and a hundredth of the trade."""
_PRICED = frozenset({TxnType.BUY, TxnType.SELL, TxnType.TRANSFER_IN})


def in_per_cent(reader: Reader, draft: Draft, security: Security | None) -> None:
    """Write a bond's price as per cent of par, in a file that has that of one unit."""
    if reader.profile.bond_price == "par" or security is None or security.price_factor == 1:
        return
    if draft.kind in _PRICED and "price" in draft.numbers:
        draft.numbers["price"] = money(draft.numbers["price"] / security.price_factor)


def compare_gross(reader: Reader, draft: Draft, currency: str, factor: Decimal) -> None:
    """Refuse a trade whose amount before fees is not quantity x price."""
    numbers = draft.numbers
    gross, quantity, price = numbers.pop("gross", None), numbers.get("quantity"), numbers.get("price")
    if not gross:
        return
    convention = {"cash": draft.kind is TxnType.SELL, "units": draft.kind is TxnType.BUY, "unsigned": True}
    if reader.profile.gross is not None and (gross > 0) != convention[reader.profile.gross]:
        draft.flag(f"{plain(gross)} before fees has the sign of the other side, in a {draft.kind}")
    if quantity and price:
        tolerance = rounding_of(quantity, price, currency, abs(gross), factor)
        if abs(abs(gross) - quantity * price * factor) > tolerance:
            why = f"{plain(gross)} is not quantity x price, {plain(money(quantity * price * factor))}"
            raise CellRefused(draft.line, reader.header("gross"), why, "amount_differs")
        if abs(abs(gross) - quantity * price * factor) > smallest_unit(currency) / 2:
            draft.inexact = f"{plain(gross)} is not quantity x price, {plain(money(quantity * price * factor))}"
    if "amount" not in numbers:
        fees = draft.fees_in(currency)
        numbers["amount"] = abs(gross) + (fees if draft.kind is TxnType.BUY else -fees)


def with_fees(draft: Draft, currency: str, factor: Decimal, worth: Decimal) -> Decimal:
    """The cash that a trade of units that are `worth` so much moved: the amount, with the fees if the file has it
    without them."""
    numbers = draft.numbers
    quantity, price, amount = numbers["quantity"], numbers["price"], numbers["amount"]
    fees, accrued = draft.fees_in(currency), numbers.get("accrued", Decimal(0))
    if not fees:
        return amount
    sign = 1 if draft.kind is TxnType.BUY else -1
    clean = worth + accrued
    if abs(amount) == abs(clean + sign * fees):
        return amount
    tolerance = rounding_of(quantity, price, currency, amount, factor)
    is_without = abs(abs(amount) - clean) <= tolerance < abs(abs(amount) - abs(clean + sign * fees))
    return abs(amount) + sign * fees if is_without else amount


def compare_whole(reader: Reader, draft: Draft) -> None:
    """Refuse cash or income of which the amount before charges is another, though it has none."""
    gross, amount = draft.numbers.get("gross"), draft.numbers.get("amount")
    moved = (amount or Decimal(0)) * (-1 if draft.kind in LEAVES else 1)
    if gross and amount and reader.profile.gross == "cash" and gross * moved < 0:
        why = f"says {plain(gross)}, and the amount {plain(moved)}; one of them has the wrong sign"
        raise CellRefused(draft.line, reader.header("gross"), why, "sign_contradicts")
    has_charges = bool(draft.numbers.get("withheld") or draft.numbers.get("fees"))
    if gross and amount and not has_charges and abs(abs(gross) - abs(amount)) > _HUNDREDTH / 2:
        why = f"says {plain(gross)}, and nothing is between it and the amount, {plain(amount)}"
        raise CellRefused(draft.line, reader.header("gross"), why, "amount_differs")


def note_inexact(draft: Draft, currency: str, worth: Decimal) -> None:
    """Say on the draft by how much its amount is not quantity x price with fees, to half the smallest coin."""
    numbers = draft.numbers
    fees, accrued = numbers.get("fees", Decimal(0)), numbers.get("accrued", Decimal(0))
    if draft.inexact or (fees and draft.texts.get("fee_currency", currency) != currency):
        return
    expected = worth + accrued
    expected += fees if draft.kind is TxnType.BUY else -fees
    amount, draft.inexact = abs(numbers["amount"]), ""
    if amount != expected and abs(amount - abs(expected)) > smallest_unit(currency) / 2:
        draft.inexact = f"{plain(amount)} {currency} is not quantity x price with fees, {plain(money(expected))}"


def refuse_hundredfold(reader: Reader, draft: Draft, currency: str, amount: Decimal, worth: Decimal) -> None:
    """Ask for the price's unit where the amount is a hundredth of quantity x price; for what is no bond, of which the
    price is per cent of par."""
    fees = draft.fees_in(currency)
    clean = abs(amount) - (fees if draft.kind is TxnType.BUY else -fees)
    if clean > 0 and 1 / _NEAR < float(worth) / float(clean) / 100 < _NEAR:
        why = (
            f"{plain(draft.numbers['price'])} is a hundred times what the amount {plain(amount)} comes to; if it is in "
            "pence or cents, say price_unit=minor"
        )
        raise CellRefused(draft.line, reader.header("price"), why, "price_unit_unclear")


def most_implied(worth: Decimal) -> Decimal:
    """The fees above which those that nobody states are odd, of a trade that is worth so much."""
    return _MOST_IMPLIED + worth * _HUNDREDTH


def _is_small(draft: Draft, fees: Decimal, worth: Decimal, currency: str) -> bool:
    """Say whether so much could be a small charge beside those that are stated, and is no rounding."""
    more = fees - draft.fees_in(currency)
    rounding = rounding_of(draft.numbers["quantity"], draft.numbers["price"], currency, worth)
    return rounding < more <= _ONE + worth * _SMALL_SHARE


def imply_fees(draft: Draft, worth: Decimal, currency: str, are_small: bool) -> None:
    """Take what is between a trade's amount and its units' worth for its fees; flag what is too much for any.

    Where they are small, more than that is none, and some are odd in a file whose other trades have none.
    """
    gap = abs(draft.numbers["amount"]) - worth
    fees = payable(gap if draft.kind is TxnType.BUY else -gap, currency)
    if are_small and not _is_small(draft, fees, worth, currency):
        return
    if fees > 0 and (are_small or not draft.numbers.get("fees")):
        if are_small:
            draft.inexact = (
                f"{plain(draft.numbers['amount'])} {currency} is not quantity x price, {plain(money(worth))}"
            )
        draft.numbers["fees"] = fees
        draft.note(f"its fees, {plain(fees)} {currency}, are what its amount is beside quantity x price")
        if fees > most_implied(worth):
            draft.flag(f"{plain(fees)} {currency} between its amount and quantity x price is much for fees")
