"""Tests mirror the source: the test of bot/inbox.py is tests/bot/test_inbox.py."""
