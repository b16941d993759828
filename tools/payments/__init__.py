"""Getting paid: Stripe."""
