"""Count forecasts, rolling evaluation, comparison, tests of residuals."""

from hawkesjax.evaluation import forecasters

__all__ = ["forecasters"]
