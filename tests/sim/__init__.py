"""The engine under a seed: virtual time, faults, crashes, and what must hold afterwards."""
