"""Sharing: a portfolio's owner grants a role to a user by email; the user accepts; either side ends it."""
