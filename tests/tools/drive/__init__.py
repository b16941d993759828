"""Tests of the tools for files on a connected drive."""
