"""Tests of what an agent does with files."""
