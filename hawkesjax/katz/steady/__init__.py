"""Steady states: solve, rank, sweep, evaluate. No model is fitted here."""
