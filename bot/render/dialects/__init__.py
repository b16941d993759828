"""One writer per dialect, from the one tree."""
