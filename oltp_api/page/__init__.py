"""Pages for people, made on the server: whole without a script, and without a request to another host."""
