"""The review as one page without a script."""
