"""Benchmarks and the floors they are measured against."""
