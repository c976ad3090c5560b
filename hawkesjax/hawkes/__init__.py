"""The Hawkes model, from its likelihood to its forecasts."""

from hawkesjax.hawkes.attribution import Attribution
from hawkesjax.hawkes.bootstrap import residual_bootstrap
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.readers import read_events
from hawkesjax.hawkes.drift import Drift, DriftWarning, drift, with_trend
from hawkesjax.hawkes.effect_tests import effect_tests
from hawkesjax.hawkes.evaluation import Evaluation
from hawkesjax.hawkes.forecast import Forecast
from hawkesjax.hawkes.horseshoe import Horseshoe
from hawkesjax.hawkes.intensity import intensity_at
from hawkesjax.hawkes.kernels import Kernel, PowerLaw, RisingExponential, SumOfExponentials
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.hawkes.predictive import PredictiveCheck
from hawkesjax.hawkes.results import HawkesEstimate, HawkesPosterior
from hawkesjax.hawkes.shrink import Shrunken, shrink
from hawkesjax.hawkes.trends import TrendChoice, choose_trend

__all__ = [
    "Attribution",
    "Drift",
    "DriftWarning",
    "Evaluation",
    "EventPanel",
    "Forecast",
    "Hawkes",
    "HawkesEstimate",
    "HawkesPosterior",
    "Horseshoe",
    "Kernel",
    "PowerLaw",
    "PredictiveCheck",
    "RisingExponential",
    "Shrunken",
    "SumOfExponentials",
    "TrendChoice",
    "choose_trend",
    "drift",
    "effect_tests",
    "intensity_at",
    "read_events",
    "residual_bootstrap",
    "shrink",
    "with_trend",
]
