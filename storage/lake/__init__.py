"""The lake: Delta tables, releases, and how they are mounted."""
