"""The command line: a file per group of verbs, each a client of the running house."""
