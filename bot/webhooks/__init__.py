"""One file per sender of webhooks that is no channel."""
