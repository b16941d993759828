"""Tests of what an agent does inside the house."""
