"""PostgreSQL: the server, its roles, its schema, and what of it a release has seen."""
