"""Ledger rows as the lake has them, for tests of what reads a replica without making one."""

from dataclasses import fields

import pyarrow as pa

from domain.ledger import Transaction

COLUMNS = {field.name: field for field in fields(Transaction)}
NUMBERS = {"quantity", "price", "fx_rate", "split_new", "split_old", "basis_share"}
MONEY = {"gross", "fees", "accrued", "cash_effect", "cost_effect"}
TYPES = {
    **dict.fromkeys(NUMBERS, pa.decimal128(18, 8)),
    **dict.fromkeys(MONEY, pa.decimal128(28, 8)),
    **dict.fromkeys(("security_id", "reverses_seq"), pa.int64()),
    "ex_date": pa.date32(),
}


def replicated(rows: list[Transaction]) -> pa.Table:
    """The rows as the lake has them."""
    columns = {}
    for name in COLUMNS:
        values = [getattr(row, name) for row in rows]
        if name in ("portfolio_id", "transfer_id"):
            values = [str(value) if value else None for value in values]
        columns[name] = pa.array(values, TYPES.get(name))
    for name in ("transfer_id", "external_id"):
        columns[name] = columns[name].cast(pa.string())
    return pa.table(columns)
