"""The decayed counts of a Hawkes likelihood, in each of their forms."""
