"""Reconciliation with a broker's statement."""
