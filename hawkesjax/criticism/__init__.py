"""Does the model fit, and what comes next: residuals, intensity over time, forecasts."""

from hawkesjax.criticism.forecast import Forecast, forecast
from hawkesjax.criticism.intensity import intensity_at
from hawkesjax.criticism.residuals import residual_tests, residuals

__all__ = ["Forecast", "forecast", "intensity_at", "residual_tests", "residuals"]
