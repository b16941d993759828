"""One payload per platform, from the one card."""
