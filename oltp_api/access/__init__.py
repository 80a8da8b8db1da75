"""The door: who asks, and whether they may. Every route says whom it lets in; nothing behind it decides again."""
