"""The one HTTP server: pages, JSON API, streams."""
