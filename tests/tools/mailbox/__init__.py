"""Tests of the tools for a person's own mail."""
