"""Runs agents: loader, prompt, loop, gate, memory and the one door to models."""
