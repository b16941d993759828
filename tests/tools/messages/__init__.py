"""Tests of messages to places."""
