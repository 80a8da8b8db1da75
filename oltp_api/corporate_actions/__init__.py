"""Splits and dividends that the market tells: what the ledger lacks, and recording it."""
