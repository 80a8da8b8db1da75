"""Questions to a release of the lake."""
