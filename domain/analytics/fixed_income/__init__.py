"""Bonds, bills and the curves that they are valued from."""
