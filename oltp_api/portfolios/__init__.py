"""Portfolios: created, renamed, archived, listed."""
