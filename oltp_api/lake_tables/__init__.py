"""Tables of a release, as they are: for notebooks elsewhere."""
