"""Count forecasts, rolling evaluation, comparison, tests of residuals."""
