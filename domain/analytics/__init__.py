"""Numbers about returns, risk, bonds and futures. The only place in the domain that may use numpy."""
