"""Logging in at vendors: the flow, and a record per provider."""
