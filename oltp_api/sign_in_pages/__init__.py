"""Pages to sign in, to register by a link, and to replace a lost password: forms, without a script."""
