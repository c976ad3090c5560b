"""The top r of scores with ties: membership and gains in expectation over their orders."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

SAME = 1e-10  # scores closer than this part of each other are one score: rounding tells them apart
TERMS = 12  # of the walk order; later ones would tell apart only users alike over 11 steps


def membership(scores: Float[np.ndarray, " users"], top: int) -> Float[np.ndarray, " users"]:
    """Probability that each user is among the top, where ties at the cut are broken at random."""
    size = len(scores)
    if top >= size:
        return np.ones(size)
    cut = np.partition(scores, size - top)[size - top]
    above = scores > cut * (1 + SAME)
    tied = ~above & (scores >= cut * (1 - SAME))
    return above + tied * ((top - above.sum()) / tied.sum())


def gains_in_order(
    scores: Float[np.ndarray, " users"], gains: Float[np.ndarray, " users"], top: int
) -> Float[np.ndarray, " top"]:
    """Expected gain of the user at each place 1 .. r; tied users share theirs equally."""
    size = len(scores)
    top = min(top, size)
    cut = np.partition(scores, size - top)[size - top]
    users = np.flatnonzero(scores >= cut * (1 - SAME))
    users = users[np.argsort(-scores[users], kind="stable")]
    ranked = scores[users]
    group = np.concatenate([[0], np.cumsum(ranked[1:] < ranked[:-1] * (1 - SAME))])
    mean = np.bincount(group, weights=gains[users]) / np.bincount(group)
    return mean[group[:top]]


def walk_order(matrix: Any, b: Float[np.ndarray, " users"]) -> Int[np.ndarray, " users"]:
    """Users as alpha goes to 0 from above: by (b, A b, A^2 b, ...), larger first; what is tied in
    all `TERMS` of them keeps the order of the users."""
    keys = [b]
    for _ in range(TERMS - 1):
        keys.append(matrix @ keys[-1])
        if not keys[-1].any():
            break
    return np.lexsort([-key for key in reversed(keys)])
