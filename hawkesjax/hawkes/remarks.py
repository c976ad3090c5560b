"""Remarks on a fit of the Hawkes model that should not be overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.core.draws import thinned
from hawkesjax.evaluation.rounding import step_of
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw

MEANS = (
    "an event triggers one or more others on average, so that the process grows without bound "
    "and has no long-run rates"
)


def remarks(
    model: HawkesLaw, draws: Mapping[str, Any], data: EventPanel, most: int = 400
) -> list[str]:
    """Whether half-lives are below the step of the times, and whether alpha is at or above
    criticality: a spectral radius of 1 or more, checked for at most that many draws (one of 100
    marks takes 10 ms)."""
    said = _too_short(model, draws, data)
    mean = draws["alpha_mean" if "alpha_mean" in draws else "alpha"]
    alpha = thinned({"alpha": np.asarray(mean, np.float64)}, most)["alpha"]
    if model.link != "identity":
        return said + _of_link(alpha, data)
    radius = np.abs(np.linalg.eigvals(alpha)).max(axis=-1)
    beyond = np.mean(radius >= 1)
    if beyond == 0:
        return said
    if len(radius) == 1:
        return [
            *said,
            f"The estimate is supercritical, alpha's spectral radius is {radius[0]:.3g}: {MEANS}.",
        ]
    return [
        *said,
        f"{100 * beyond:.3g} % of the draws are supercritical, alpha's spectral radius is 1 or "
        f"more: {MEANS}.",
    ]


def _of_link(alpha: np.ndarray, data: EventPanel) -> list[str]:
    """Which effects inhibit, and whether those above 0 alone would be supercritical: below 1 the
    process is stable (Bremaud and Massoulie 1996, Ann. Probab. 24, 1563-1588, theorem 7)."""
    names, middle = data.mark_names, np.median(alpha, axis=0)
    places = np.argwhere(middle < 0)
    order = np.argsort([middle[tuple(place)] for place in places]) if len(places) else []
    shown = [f"{names[j]} -> {names[i]} ({middle[i, j]:.2g})" for i, j in places[order][:4]]
    said = []
    if shown:
        more = f" and {len(places) - len(shown)} more" if len(places) > len(shown) else ""
        said.append(
            f"Effects below 0 are inhibition: {', '.join(shown)}{more}; the value is the number of "
            f"target events that one source event prevents, where the rate stays above 0."
        )
    radius = np.abs(np.linalg.eigvals(np.maximum(alpha, 0))).max(axis=-1)
    beyond = np.mean(radius >= 1)
    if beyond:
        who = "The estimate's" if len(radius) == 1 else f"In {100 * beyond:.3g} % of the draws the"
        said.append(
            f"{who} effects above 0 alone have a spectral radius of 1 or more: only the inhibition "
            f"then keeps the process from growing without bound."
        )
    return said


def _too_short(model: HawkesLaw, draws: Mapping[str, Any], data: EventPanel) -> list[str]:
    """Half-lives below the resolution of the times, declared or inferred from ties."""
    if "gamma" not in draws:
        return []
    step = data.resolution
    if not step:
        between = np.asarray(data.waits)[np.diff(np.asarray(data.sequence), prepend=-1) == 0]
        ties = np.any(between == 0)
        step = step_of(between, float(np.abs(data.window).max())) if ties else 0.0
    if not step:
        return []
    gamma, alpha = (np.median(np.asarray(draws[name]), axis=0) for name in ("gamma", "alpha"))
    half = float(np.median(model.kernel.half_life(draws)))
    gamma = np.broadcast_to(gamma, alpha.shape)
    short = (gamma * step > half) & (alpha != 0) & (gamma > 0)
    if not short.any():
        return []
    target, source = np.argwhere(short)[np.argmax(np.abs(alpha[short]))]
    names, unit = data.mark_names, f" {data.unit}s" if data.unit else ""
    who = f"{names[source]} -> {names[target]}"
    much = f"{half / gamma[target, source]:.2g}{unit}"
    more = f", and of {short.sum() - 1} effects more," if short.sum() > 1 else ""
    if data.resolution:
        return [
            f"The half-life of {who} ({much}){more} is below the times' resolution "
            f"({step:g}{unit}): how far below cannot be determined, but alpha can."
        ]
    return [
        f"The half-life of {who} ({much}){more} is below the step of the times ({step:g}{unit}), "
        f"of which all are multiples: it reflects the step. Declare the resolution of the times."
    ]
