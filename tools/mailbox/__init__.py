"""Tools for a person's own mail, at Gmail or Outlook: search, read, draft, send."""
