"""Paperboy: a channel and a tool that live on plain files."""
