"""The security registry, which all users share."""
