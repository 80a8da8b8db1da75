"""Users: they register by invitation, sign in, see and end their sessions, and make tokens for their programs."""
