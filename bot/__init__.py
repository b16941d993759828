"""The house itself: one door in, a ledger of effects, approvals, and the parts that serve them."""
