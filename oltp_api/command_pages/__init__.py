"""Pages of everyday commands: trades, payments, orders, simulations, a new portfolio."""
