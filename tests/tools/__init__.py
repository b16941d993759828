"""Tests of the tools, and what they share."""
