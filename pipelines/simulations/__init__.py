"""Simulations and the parameters that they start from."""
