"""Positions: the ledger replayed by the domain's own rule."""
