"""Tests of the senders of webhooks that are no channels."""
