"""The engine in a process of its own, killed at every named point and at random ones."""
