"""Views of what a portfolio's ledger says is held, made of the rows of `reads`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.holdings import average_cost
from oltp_api.ledger.schemas import AccountHoldingView, HoldingsView, HoldingView, LotView

_COSTS = ("cost_basis", "cost_basis_base")
_GAINS = ("realised", "realised_base", "realised_fx_base")


def holdings_view(portfolio_id: UUID, rows: Sequence[Mapping[str, Any]]) -> HoldingsView:
    by_security = groupby(rows, key=lambda row: row["security_id"])
    return HoldingsView(portfolio_id=portfolio_id, holdings=[_holding(list(accounts)) for _, accounts in by_security])


def _holding(rows: Sequence[Mapping[str, Any]]) -> HoldingView:
    first = rows[0]
    summed = {name: sum((row[name] for row in rows), Decimal(0)) for name in ("quantity", *_COSTS, *_GAINS)}
    known = {name: all(row[name] for row in rows) for name in ("is_basis_known", "is_realised_known")}
    return HoldingView(
        security_id=first["security_id"],
        ticker=first["ticker"],
        currency=first["currency"],
        accounts=[
            AccountHoldingView(account=row["account"], reserved=row["reserved"], lots=_lots(row), **_figures(row))
            for row in rows
        ],
        **_figures({**summed, **known}),
    )


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """Quantity, cost and gains; what rests on an unknown basis is absent, never 0."""
    known = row["is_basis_known"]
    costs = {name: row[name] if known else None for name in _COSTS}
    gains = {name: row[name] if row["is_realised_known"] else None for name in _GAINS}
    avg_cost = average_cost(row["cost_basis"], row["quantity"]) if known else None
    basis = "KNOWN" if known else "UNKNOWN"
    return {"quantity": row["quantity"], "avg_cost": avg_cost, "basis": basis, **costs, **gains}


def _lots(row: Mapping[str, Any]) -> list[LotView] | None:
    if row["lots"] is None:
        return None
    return [LotView(**dict(zip(LotView.model_fields, lot, strict=False))) for lot in row["lots"]]
