"""What happens on each command: load, ask the domain, save."""
