"""Disposals as columns of the lake: of the rule, row by row, and of the compiled fold of average cost."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.disposals import Disposal, term_of
from pipelines.positions.decimal_columns import decimals

if TYPE_CHECKING:
    from domain.analytics.average_cost import Closings  # compiles when it is imported

_QUANTITY, _MONEY = pa.decimal128(18, 8), pa.decimal128(28, 8)
SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("account_id", pa.int64()),
        ("security_id", pa.int64()),
        ("seq", pa.int64()),
        ("part", pa.int32()),
        ("txn_type", pa.string()),
        ("realised_on", pa.date32()),
        ("sale_seq", pa.int64()),
        ("lot_seq", pa.int64()),
        ("acquired_on", pa.date32()),
        ("sold_on", pa.date32()),
        ("days_held", pa.int32()),
        ("term", pa.string()),
        ("units", _QUANTITY),
        ("currency", pa.string()),
        ("proceeds", _MONEY),
        ("cost", _MONEY),
        ("gain", _MONEY),
        ("proceeds_base", _MONEY),
        ("cost_base", _MONEY),
        ("gain_base", _MONEY),
        ("fx_gain_base", _MONEY),
    ]
)
"""The fields of a `Disposal`, and its term by the portfolio's own number of days."""
_UNKNOWN_OF_AN_AVERAGE = ("acquired_on", "days_held", "term")


def of_disposals(disposed: Sequence[Disposal], long_term_days: Mapping[str, int]) -> pa.Table:
    """The rows of `disposed`; `long_term_days` by portfolio."""
    columns = {field.name: [getattr(one, field.name) for one in disposed] for field in fields(Disposal)}
    columns["portfolio_id"] = [str(identifier) for identifier in columns["portfolio_id"]]
    columns["term"] = [term_of(one.days_held, long_term_days[str(one.portfolio_id)]) for one in disposed]
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def of_closings(closings: "Closings", trades: pa.Table, owners: pa.ChunkedArray) -> pa.Table:
    """The rows of what the compiled fold has closed; their lots are averages, which have no row and no day."""
    rows = trades.take(pa.array(closings.trade))
    is_short = closings.quantity > 0
    seq, day = rows["seq"], rows["business_date"]
    amounts = {
        "proceeds": np.where(is_short, -closings.cost, closings.proceeds),
        "cost": np.where(is_short, -closings.proceeds, closings.cost),
        "gain": closings.proceeds - closings.cost,
        "proceeds_base": np.where(is_short, -closings.cost_base, closings.proceeds_base),
        "cost_base": np.where(is_short, -closings.proceeds_base, closings.cost_base),
        "gain_base": closings.proceeds_base - closings.cost_base,
        "fx_gain_base": closings.proceeds_base - closings.cost_base - closings.gain_at_rate,
    }
    columns: dict[str, Any] = {
        "portfolio_id": owners.take(rows["owner"]),
        **{name: rows[name] for name in ("account_id", "security_id", "txn_type", "currency")},
        "seq": seq,
        "part": pa.array(np.ones(len(rows), np.int32)),
        "realised_on": day,
        "sale_seq": pc.if_else(pa.array(is_short), None, seq),
        "lot_seq": pc.if_else(pa.array(is_short), seq, None),
        "sold_on": pc.if_else(pa.array(is_short), None, day),
        **{name: pa.nulls(len(rows), SCHEMA.field(name).type) for name in _UNKNOWN_OF_AN_AVERAGE},
        "units": decimals(np.abs(closings.quantity), _QUANTITY),
        **{name: decimals(values, _MONEY) for name, values in amounts.items()},
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}).cast(SCHEMA)
