"""Stand-ins for the world outside, with the same door as the real thing."""
