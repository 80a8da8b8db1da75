"""Work that both contexts do: with the ledger, snapshots, rankings and simulations, and with a release's numbers."""
