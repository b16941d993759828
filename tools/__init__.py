"""One integration per file, grouped by what it is for."""
