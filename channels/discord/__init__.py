"""Discord: messages, cards, forms, drafts and slash commands, by gateway or by webhook."""
