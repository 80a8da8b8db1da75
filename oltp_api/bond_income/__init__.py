"""Coupons and redemptions: seen from the ledger, posted within a second."""
