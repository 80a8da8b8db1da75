"""Copies of PostgreSQL's tables in the lake."""
