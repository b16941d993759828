"""What platforms outside have in common: what a channel is lent, and what is done around it."""
