"""Pictures of the card as each platform shows it, drawn from the very payload that is sent."""
