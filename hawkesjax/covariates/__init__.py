"""Covariates on a clock, and what is made from them."""
