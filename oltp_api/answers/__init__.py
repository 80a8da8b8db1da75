"""Answers for language models over HTTP."""
