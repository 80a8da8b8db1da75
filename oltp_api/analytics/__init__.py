"""Released numbers of a portfolio: positions, values, correlations."""
