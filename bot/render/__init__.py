"""Text and cards in the form that each platform shows: see `markdown`, `card` and `codes`."""
