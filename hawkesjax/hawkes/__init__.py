"""The Hawkes model, from its likelihood to its forecasts."""

from hawkesjax.hawkes.attribution import Attribution, attribution
from hawkesjax.hawkes.bootstrap import residual_bootstrap
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.readers import read_events
from hawkesjax.hawkes.evaluation import Evaluation
from hawkesjax.hawkes.forecast import Forecast
from hawkesjax.hawkes.intensity import intensity_at
from hawkesjax.hawkes.kernels import PowerLaw, SumOfExponentials
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.hawkes.predictive import PredictiveCheck, predictive_check
from hawkesjax.hawkes.residuals import residuals_hawkes as _residuals  # noqa: F401
from hawkesjax.hawkes.results import HawkesEstimate, HawkesPosterior
from hawkesjax.hawkes.simulate import simulate_hawkes as _simulate  # noqa: F401

__all__ = [
    "Attribution",
    "Evaluation",
    "EventPanel",
    "Forecast",
    "Hawkes",
    "HawkesEstimate",
    "HawkesPosterior",
    "PowerLaw",
    "PredictiveCheck",
    "SumOfExponentials",
    "attribution",
    "intensity_at",
    "predictive_check",
    "read_events",
    "residual_bootstrap",
]
