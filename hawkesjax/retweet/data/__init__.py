"""Cascades, and how they are filled."""
