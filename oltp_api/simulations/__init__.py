"""Simulations as they are asked for and answered."""
