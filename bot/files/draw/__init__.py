"""Draws text out of files: the child process that reads them, and one file for each format."""
