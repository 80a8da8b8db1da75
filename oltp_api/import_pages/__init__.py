"""Imports as pages: a file is tried, read row by row, recorded and undone in a browser without script."""
