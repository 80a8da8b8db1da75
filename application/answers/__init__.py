"""Answers for language models: twelve read-only tools over the HTTP API, spoken over MCP."""
