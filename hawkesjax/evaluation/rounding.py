"""Are times rounded."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FEW = 3


def step_of(gaps: Float[np.ndarray, " gaps"], largest: float) -> float:
    """The step of which all gaps between times are multiples; 0 where there is none.

    Euclid's algorithm on the smaller half of the gaps, up to what float64 holds of the times; fewer
    than FEW say nothing.

    Args:
        gaps: differences of times.
        largest: largest absolute time, whose last digit is the error of the gaps.
    """
    error = 8 * np.finfo(float).eps * largest
    gaps = np.sort(gaps[gaps > error])
    gaps = gaps[: -(-len(gaps) // 2)]
    if len(gaps) < FEW:
        return 0.0
    step = float(gaps[0])
    while step * step > 64 * error * (step + gaps[-1]):  # multiples are still told apart
        times = np.round(gaps / step)
        rest = np.abs(gaps - step * times)
        if not np.any(off := rest > error * (1 + times)):
            return step
        step = float(rest[off].min())
    return 0.0
