"""How people write to the ledger and read from a release over HTTP: routes, handlers, SQL adapters."""
