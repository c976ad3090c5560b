"""Exact Hawkes process inference for event data, on JAX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hawkesjax._version import __version__

if TYPE_CHECKING:
    from hawkesjax import datasets, inference, models, plots
    from hawkesjax.criticism import (
        Evaluation,
        Forecast,
        PredictiveCheck,
        compare,
        evaluate,
        forecast,
        predictive_check,
        residual_bootstrap,
        residual_tests,
        residuals,
    )
    from hawkesjax.data import Covariates, EventPanel, read_events
    from hawkesjax.inference import Attribution, Estimate, Posterior, attribution, fit, load, sample
    from hawkesjax.models import Hawkes, PowerLaw, SumOfExponentials, simulate

__all__ = [
    "Attribution",
    "Covariates",
    "Estimate",
    "Evaluation",
    "EventPanel",
    "Forecast",
    "Hawkes",
    "Posterior",
    "PowerLaw",
    "PredictiveCheck",
    "SumOfExponentials",
    "__version__",
    "attribution",
    "compare",
    "datasets",
    "evaluate",
    "fit",
    "forecast",
    "inference",
    "load",
    "models",
    "plots",
    "predictive_check",
    "read_events",
    "residual_bootstrap",
    "residual_tests",
    "residuals",
    "sample",
    "simulate",
]

# Imported when first asked for: `hawkesjax --help` needs no jax.
_HOMES = {
    "Evaluation": "criticism",
    "Forecast": "criticism",
    "PredictiveCheck": "criticism",
    "compare": "criticism",
    "evaluate": "criticism",
    "forecast": "criticism",
    "predictive_check": "criticism",
    "residual_bootstrap": "criticism",
    "residual_tests": "criticism",
    "residuals": "criticism",
    "Covariates": "data",
    "EventPanel": "data",
    "read_events": "data",
    "Attribution": "inference",
    "Estimate": "inference",
    "Posterior": "inference",
    "attribution": "inference",
    "fit": "inference",
    "load": "inference",
    "sample": "inference",
    "Hawkes": "models",
    "PowerLaw": "models",
    "SumOfExponentials": "models",
    "simulate": "models",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"hawkesjax.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in __all__:
        return importlib.import_module(f"hawkesjax.{name}")
    raise AttributeError(f"module 'hawkesjax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
