"""Backup of the whole state, and its restoration from an archive that nobody trusts."""
