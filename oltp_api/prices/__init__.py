"""Prices that a user posts."""
