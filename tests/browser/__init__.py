"""The pages in a real browser, against a server with scripted answers."""
