"""Gains of a portfolio by year: disposals, income, taxes and fees, as JSON, CSV and a page."""
