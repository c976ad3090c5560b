"""Figures of the Hawkes model."""
