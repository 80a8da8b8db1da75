"""What the API and the pipelines both stand on: PostgreSQL, its migrations, the lake and its releases."""
