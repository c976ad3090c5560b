"""Sums over the memory kernel."""
