"""Exact Hawkes process inference for event data, on JAX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hawkesjax._version import __version__

if TYPE_CHECKING:
    from hawkesjax import datasets, inference, katz, models, plots
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
    from hawkesjax.data import (
        Activity,
        Cascades,
        Covariates,
        EventPanel,
        read_cascades,
        read_events,
        read_messages,
    )
    from hawkesjax.inference import Attribution, Estimate, Posterior, attribution, fit, load, sample
    from hawkesjax.models import (
        Hawkes,
        KatzSpike,
        PowerLaw,
        RetweetHawkes,
        SumOfExponentials,
        simulate,
    )

__all__ = [
    "Activity",
    "Attribution",
    "Cascades",
    "Covariates",
    "Estimate",
    "Evaluation",
    "EventPanel",
    "Forecast",
    "Hawkes",
    "KatzSpike",
    "Posterior",
    "PowerLaw",
    "PredictiveCheck",
    "RetweetHawkes",
    "SumOfExponentials",
    "__version__",
    "attribution",
    "compare",
    "datasets",
    "evaluate",
    "fit",
    "forecast",
    "inference",
    "katz",
    "load",
    "models",
    "plots",
    "predictive_check",
    "read_cascades",
    "read_events",
    "read_messages",
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
    "Activity": "data",
    "Cascades": "data",
    "Covariates": "data",
    "EventPanel": "data",
    "read_cascades": "data",
    "read_events": "data",
    "read_messages": "data",
    "Attribution": "inference",
    "Estimate": "inference",
    "Posterior": "inference",
    "attribution": "inference",
    "fit": "inference",
    "load": "inference",
    "sample": "inference",
    "Hawkes": "models",
    "KatzSpike": "models",
    "PowerLaw": "models",
    "RetweetHawkes": "models",
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
