"""Cells of text in a CSV file that a spreadsheet must not run as formulas.

A spreadsheet computes a cell that begins with one of `FORMULA_STARTS`, whatever its quotes (OWASP, "CSV Injection"). An
apostrophe before it keeps it text. Text that already begins with apostrophes before such a character gets one more, so
that `unescaped` gives back exactly what `escaped` was given. Only text is escaped: a number keeps its sign.
"""

import re
from functools import lru_cache

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
"""The signs, the characters that some spreadsheets skip before them, and the signs at full width."""
_RISKY = re.compile(f"'*[{re.escape(FORMULA_STARTS)}]")
_ESCAPED = re.compile(f"'+[{re.escape(FORMULA_STARTS)}]")


@lru_cache(maxsize=4_096)
def escaped(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet would run it."""
    return f"'{text}" if _RISKY.match(text) else text


def unescaped(cell: str) -> str:
    """The text that `escaped` made `cell` of."""
    return cell[1:] if _ESCAPED.match(cell) else cell
