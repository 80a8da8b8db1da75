"""A user's accounts at brokers."""
