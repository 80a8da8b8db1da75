"""Marts: dbt's models and those made in Python, written, audited, published."""
