"""Base of the API and of the pipelines: PostgreSQL, its migrations, the lake and its releases."""
