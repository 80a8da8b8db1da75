"""What stands in front of both our web applications."""
