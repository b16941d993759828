"""The one fetcher of outside addresses: which may be asked, how, and what a page says."""
