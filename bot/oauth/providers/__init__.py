"""One record per provider: addresses, scopes and quirks."""
