"""Pages of users: sessions, tokens, invitations, shares, themselves; and of administrators. They do as the API does."""
