"""Does the model fit, which fits better, and what comes next."""

from hawkesjax.criticism.bootstrap import residual_bootstrap
from hawkesjax.criticism.comparison import compare
from hawkesjax.criticism.evaluation import Evaluation, evaluate_hawkes
from hawkesjax.criticism.forecast import Forecast, forecast_hawkes
from hawkesjax.criticism.intensity import intensity_at
from hawkesjax.criticism.katz_forecast import SpikeForecast, forecast_katz
from hawkesjax.criticism.katz_residuals import residuals_katz, spike_residual_tests
from hawkesjax.criticism.predictive import PredictiveCheck, predictive_check
from hawkesjax.criticism.residual_tests import residual_tests
from hawkesjax.criticism.residuals import residuals_hawkes
from hawkesjax.criticism.retweet_forecast import RetweetForecast, forecast_retweet
from hawkesjax.criticism.retweet_residuals import residuals_retweet
from hawkesjax.criticism.rolling import Past, Rolling, rolling
from hawkesjax.criticism.verbs import evaluate, forecast, residuals

__all__ = [
    "Evaluation",
    "Forecast",
    "Past",
    "PredictiveCheck",
    "RetweetForecast",
    "Rolling",
    "SpikeForecast",
    "compare",
    "evaluate",
    "evaluate_hawkes",
    "forecast",
    "forecast_hawkes",
    "forecast_katz",
    "forecast_retweet",
    "intensity_at",
    "predictive_check",
    "residual_bootstrap",
    "residual_tests",
    "residuals",
    "residuals_hawkes",
    "residuals_katz",
    "residuals_retweet",
    "rolling",
    "spike_residual_tests",
]
