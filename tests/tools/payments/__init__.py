"""Tests of the tools for payments."""
