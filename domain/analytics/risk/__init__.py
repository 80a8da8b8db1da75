"""Risk of series of returns, and of what is held."""
