"""Exports: a portfolio's whole ledger in our own complete form or in another program's, and an owner's archive."""
