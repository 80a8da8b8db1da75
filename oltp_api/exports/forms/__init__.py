"""Forms of an export, one a module: each makes bytes of what `repository` reads, a piece at a time."""
