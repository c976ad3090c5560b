"""Does the model fit, which fits better, and what comes next."""

from hawkesjax.criticism.comparison import compare
from hawkesjax.criticism.evaluation import Evaluation, evaluate
from hawkesjax.criticism.forecast import Forecast, forecast
from hawkesjax.criticism.intensity import intensity_at
from hawkesjax.criticism.residuals import residual_tests, residuals

__all__ = [
    "Evaluation",
    "Forecast",
    "compare",
    "evaluate",
    "forecast",
    "intensity_at",
    "residual_tests",
    "residuals",
]
