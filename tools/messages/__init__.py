"""Messages to places on platforms."""
