"""Figures of the Hawkes model."""

from __future__ import annotations

from typing import Any

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.plots.effects import kernels, network
from hawkesjax.hawkes.plots.fits import intensity, residuals


def figures(model: HawkesLaw, values: Any, data: EventPanel) -> dict[str, Any]:
    """Every figure of a fit, by name.

    Args:
        model: the model.
        values: an `Estimate` or a `Posterior`.
        data: the events.
    """
    return model.common_figures(values, data) | {
        "intensity": intensity(values, data, model=model),
        "residuals": residuals(values, data, model=model),
        "network": network(values, model=model),
        "kernels": kernels(values, model=model, unit=data.unit),
    }
