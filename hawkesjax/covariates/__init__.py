"""Covariates over time, and what is made from them."""
