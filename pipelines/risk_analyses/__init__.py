"""Risk analyses: requested ones written from the newest release, and how they came out."""
