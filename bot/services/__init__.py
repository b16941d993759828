"""Services that a tenant connects by a key or an account: how they are kept, and what they tell."""
