"""Reading files and web pages."""
