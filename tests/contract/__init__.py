"""What every database, performer, channel and tool must pass, whoever wrote it."""
