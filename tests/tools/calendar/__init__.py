"""Tests of tools for calendars."""
