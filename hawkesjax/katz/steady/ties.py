"""The top r of scores with ties: membership and gains in expectation over their orders."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

SAME = 1e-10  # scores closer than this part of each other are one score: rounding tells them apart


def membership(
    scores: Float[np.ndarray, " users"], top: int, same: float = SAME
) -> Float[np.ndarray, " users"]:
    """Probability that each user is among the top, where ties at the cut are broken at random.

    Args:
        scores: not negative.
        top: r.
        same: relative difference up to which scores are tied.
    """
    size = len(scores)
    if top >= size:
        return np.ones(size)
    cut = np.partition(scores, size - top)[size - top]
    above = scores > cut * (1 + same)
    tied = ~above & (scores >= cut * (1 - same))
    return above + tied * ((top - above.sum()) / tied.sum())


def gains_in_order(
    scores: Float[np.ndarray, " users"],
    gains: Float[np.ndarray, " users"],
    top: int,
    same: float = SAME,
) -> Float[np.ndarray, " top"]:
    """Expected gain of the user at each place 1 .. r; tied users share theirs equally."""
    size = len(scores)
    top = min(top, size)
    cut = np.partition(scores, size - top)[size - top]
    users = np.flatnonzero(scores >= cut * (1 - same))
    users = users[np.argsort(-scores[users], kind="stable")]
    ranked = scores[users]
    group = np.concatenate([[0], np.cumsum(ranked[1:] < ranked[:-1] * (1 - same))])
    mean = np.bincount(group, weights=gains[users]) / np.bincount(group)
    return mean[group[:top]]


def walk_order(
    product: np.ndarray | object, b: Float[np.ndarray, " users"], terms: int = 12
) -> Int[np.ndarray, " users"]:
    """Users as alpha goes to 0 from above: by (b, A b, A^2 b, ...), larger first.

    Args:
        product: A.
        b: baselines.
        terms: powers of A that are compared; what is tied in all keeps the order of the users.
    """
    keys = [b]
    for _ in range(terms - 1):
        keys.append(product @ keys[-1])  # type: ignore[operator]
        if not keys[-1].any():
            break
    return np.lexsort([-key for key in reversed(keys)])
