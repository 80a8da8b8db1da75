"""Return, risk and concentration of a portfolio, as JSON and as a page."""
