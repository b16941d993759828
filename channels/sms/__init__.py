"""Text messages: people write to a phone number, and the agent behind it answers in the thread."""
