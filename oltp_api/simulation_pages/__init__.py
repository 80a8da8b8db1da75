"""Simulations as pages: one with all that it rests on, and two side by side."""
