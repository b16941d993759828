"""The worked examples, installed and run."""
