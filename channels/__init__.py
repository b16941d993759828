"""One platform per file, strangers to one another."""
