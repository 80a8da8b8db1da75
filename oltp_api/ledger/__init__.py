"""A portfolio's ledger: the one way to write to it, and what it says."""
