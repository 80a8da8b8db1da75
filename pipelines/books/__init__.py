"""Books as assets: snapshots and collateral rankings."""
