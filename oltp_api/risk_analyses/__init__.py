"""Risk analyses: requests, which the pipeline writes, and what was written."""
