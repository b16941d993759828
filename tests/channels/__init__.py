"""Tests of the platforms, each against its own server that plays it."""
