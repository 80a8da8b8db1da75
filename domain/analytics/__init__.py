"""Numbers about returns, risk and futures. The only place in the domain that may use numpy."""
