"""What `bot/settings.py` is made of: sections, values, the file with its places, mistakes."""
