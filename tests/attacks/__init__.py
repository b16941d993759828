"""Attacks of the security plan, each tried on the real engine."""
