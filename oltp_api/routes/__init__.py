"""One router per noun; each route is a few lines that call a handler."""
