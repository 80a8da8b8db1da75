"""Handlers of commands: load, ask the domain, save."""
