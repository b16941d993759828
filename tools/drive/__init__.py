"""Tools for files on a connected drive: find, read, upload, share."""
