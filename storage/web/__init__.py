"""The guard and the server in front of both our web applications."""
