"""Forms of pages: drawn, read into the bodies of the API's own operations, and shown again with what is wrong."""
