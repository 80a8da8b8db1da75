"""The release, what it holds back, and what must be true before it."""
