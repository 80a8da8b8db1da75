"""Explanations of figures: kinds by their places, and the rows that they are made of."""
