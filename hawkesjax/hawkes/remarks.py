"""What a fit of the Hawkes model says that nobody should overlook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.core.draws import thinned
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw

MEANS = (
    "an event sets off one or more in the end, so that the process grows without bound and has no "
    "long-run rates"
)


def remarks(
    model: HawkesLaw, draws: Mapping[str, Any], data: EventPanel, most: int = 400
) -> list[str]:
    """Whether alpha is at or above criticality: a spectral radius of 1 or more, of at most that
    many draws (one of 100 marks takes 10 ms)."""
    alpha = thinned({"alpha": np.asarray(draws["alpha"], np.float64)}, most)["alpha"]
    radius = np.abs(np.linalg.eigvals(alpha)).max(axis=-1)
    beyond = np.mean(radius >= 1)
    if beyond == 0:
        return []
    if len(radius) == 1:
        return [
            f"The estimate is supercritical, alpha's spectral radius is {radius[0]:.3g}: {MEANS}."
        ]
    return [
        f"{100 * beyond:.3g} % of the draws are supercritical, alpha's spectral radius is 1 or "
        f"more: {MEANS}."
    ]
