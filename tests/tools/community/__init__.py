"""Tests of what a community has of its own."""
