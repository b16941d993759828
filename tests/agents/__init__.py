"""Tests of the agents and what runs them."""
