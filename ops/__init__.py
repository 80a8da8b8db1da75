"""How the parts are started, stopped and shown: the commands behind the Makefile. Talks to the API over HTTP only."""
