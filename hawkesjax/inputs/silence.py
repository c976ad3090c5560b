"""Silences of a record that look like undeclared gaps."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FEW = 10  # silences needed to judge what is long
MANY = 5  # most gaps that are looked for


def apart(silences: Float[np.ndarray, " silences"]) -> int:
    """How many of the longest stand apart from all others: up to 5, each more than 5 times the
    longest of the others and 10 times their mean; 0 if none does, or there are fewer than 10."""
    falling = -np.sort(-silences)
    if len(falling) < FEW:
        return 0
    for k in range(MANY):
        rest = falling[k + 1 :]
        if falling[k] > 5 * rest[0] and falling[k] > 10 * rest.mean():
            return k + 1
    return 0


def asked(longest: float, else_longest: float, unit: str, of: str = "", more: str = "") -> str:
    """The remark on such a silence; `of` names its sequence, `more` counts further sequences."""
    unit = f" {unit}s" if unit else ""
    return (
        f"{longest:.4g}{unit} without an event in the middle{of}{more} (longest otherwise "
        f"{else_longest:.3g}): was it observed then? Gaps of the record can be declared."
    )
