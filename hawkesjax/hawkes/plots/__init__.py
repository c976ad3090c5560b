"""Figures of the Hawkes model."""

from __future__ import annotations

from typing import Any

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.effect_tests import effect_tests
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.plots.effects import kernels, network
from hawkesjax.hawkes.plots.fits import intensity, residuals

MOST = 8  # marks up to which effects are tested for the figure, which takes a few seconds


def figures(model: HawkesLaw, values: Any, data: EventPanel) -> dict[str, Any]:
    """Every figure of a fit, by name.

    Args:
        model: the model.
        values: an `Estimate` or a `Posterior`.
        data: the events.
    """
    few = data.num_marks <= MOST and "alpha" not in dict((*model.fixed, *model.tied))
    few = few and model.link == "identity"
    tests = effect_tests(values, data, model=model) if few else None
    return model.common_figures(values, data) | {
        "intensity": intensity(values, data, model=model),
        "residuals": residuals(values, data, model=model),
        "network": network(values, model=model, tests=tests),
        "kernels": kernels(values, model=model, unit=data.unit),
    }
