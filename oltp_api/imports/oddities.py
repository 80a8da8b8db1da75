"""Oddities of a file's rows: nothing that a rule refuses, and nothing that a broker writes; each is a flag on its row.

A sign that its type does not have and no word of its line explains, an amount that rounding may explain in a file whose
others need none, a total that is not the sum of its rows.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.errors import plain
from domain.ledger import TxnType
from oltp_api.imports.drafts import Draft
from oltp_api.imports.ordering import effect_of, strays_among

_BACK = (
    r"rebat|refund|revers|reclaim|waive|discount|correct|storno|korrekt|erstatt|rimbors|rembours|reembols|devol|teru"
    r"|cancel|cleared|courtes|promo|compensat"
)
_EXPLAINED = {
    TxnType.FEE: re.compile(rf"{_BACK}|credit|adjust|return|cashback|gutschr"),
    TxnType.TAX: re.compile(rf"{_BACK}|gutschr|return|optimi"),
    TxnType.INTEREST: re.compile(
        rf"{_BACK}|adjust|debit|débit|margin|paid|charg|loan|short|negativ|soll|belast|overdraft|überzieh|passiv"
        r"|créanc|cargo|encargo|débiteur|borrow"
    ),
}
_OF_INCOME = re.compile(rf"{_BACK}|adjust|cancel|reclass|in lieu|manufactured|short|charg|return|tax")


def flag_oddities(drafts: Sequence[Draft], cells: Mapping[int, Sequence[str]]) -> None:
    """Flag signs that nothing explains, and totals that no sum comes to."""
    for draft in drafts:
        if draft.has_other_sign and draft.kind is not None:
            words = " ".join(cells.get(draft.line, ())).casefold()
            if not _EXPLAINED.get(draft.kind, _OF_INCOME).search(words):
                moved = "leaves" if draft.kind not in (TxnType.FEE, TxnType.TAX) else "comes"
                draft.flag(f"its amount has the sign of what {moved}, and no word of the row says why")
    _flag_other_currencies(drafts)
    totals = [each for each in drafts if each.skipped is not None and "total" in each.numbers]
    added = _sum(drafts) if totals else None
    for total in totals:
        if added is not None and added != (stated := total.numbers["total"]):
            total.flag(f"{plain(stated)} is not the sum of the rows, {plain(added)}")


def _flag_other_currencies(drafts: Sequence[Draft]) -> None:
    """Flag a row that prices a security in another currency than most rows of the file do."""
    priced: dict[str, list[Draft]] = {}
    for draft in drafts:
        name = draft.naming.isin or draft.naming.ticker
        if name and "price_currency" in draft.texts:
            priced.setdefault(name, []).append(draft)
    for name, rows in priced.items():
        ((usual, _), *others) = Counter(each.texts["price_currency"] for each in rows).most_common()
        for each in rows if others else ():
            if each.texts["price_currency"] != usual:
                each.flag(f"it prices {name} in {each.texts['price_currency']}, and other rows in {usual}")


def flag_inexact(drafts: Sequence[Draft]) -> None:
    """Flag trades whose amount needs rounding to be quantity x price, if nearly all others of the file need none."""
    trades = [each for each in drafts if each.inexact is not None]
    for draft in strays_among(trades, [each for each in trades if each.inexact]):
        draft.flag(f"{draft.inexact}; rounding may be why, but the other trades of the file need none")


def _sum(drafts: Sequence[Draft]) -> Decimal | None:
    """All that the rows moved; None if one of them does not say."""
    moving = [each for each in drafts if each.skipped is None and not _is_of_units_alone(each)]
    effects = [effect_of(each) for each in moving]
    return sum((each for each in effects if each is not None), Decimal(0)) if None not in effects else None


def _is_of_units_alone(draft: Draft) -> bool:
    kinds = (TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT, TxnType.SPLIT)
    return draft.refusal is None and draft.kind in kinds and not draft.numbers.get("amount")
