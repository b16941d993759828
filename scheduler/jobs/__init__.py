"""One clock job per file."""
