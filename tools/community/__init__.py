"""A community's own things: recognition, roles, and its score."""
