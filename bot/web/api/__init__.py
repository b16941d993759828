"""The JSON API: a file per noun, each a list of routes."""
