"""Exact Hawkes process inference for event data, on JAX."""

from hawkesjax import datasets, inference, models, plots
from hawkesjax._version import __version__
from hawkesjax.criticism import Forecast, forecast, residuals
from hawkesjax.data import EventPanel, read_events
from hawkesjax.inference import Estimate, Posterior, fit, load, sample
from hawkesjax.models import Hawkes, simulate

__all__ = [
    "Estimate",
    "EventPanel",
    "Forecast",
    "Hawkes",
    "Posterior",
    "__version__",
    "datasets",
    "fit",
    "forecast",
    "inference",
    "load",
    "models",
    "plots",
    "read_events",
    "residuals",
    "sample",
    "simulate",
]
