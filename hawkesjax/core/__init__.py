"""What every model shares: the contract, priors, fit, sample, results."""
