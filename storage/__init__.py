"""Base of everything: PostgreSQL, the lake, events; and the settings they are found by."""
