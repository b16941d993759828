"""Nouns and ports of the house. Standard library only, no I/O."""
