"""Draws of how long after their parents children come."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Terms = tuple[np.ndarray, np.ndarray]

STEPS = 60  # halvings of a bracket: below a double's last place


def delays(terms: Terms, size: int, rng: np.random.Generator) -> Float[np.ndarray, " children"]:
    r"""Draw times of density `sum_k w_k r_k exp(-r_k t) / sum_k w_k`, in units of 1 / gamma.

    Args:
        terms: ratios r and weights w; negative ones as long as the density is none.
        size: how many.
        rng: source of randomness.
    """
    ratios, weights = terms
    if len(ratios) == 1:
        return rng.standard_exponential(size) / ratios[0]
    if np.all(weights >= 0):
        chosen = rng.choice(ratios, size, p=weights / weights.sum())
        return rng.standard_exponential(size) / chosen
    # Beyond this the tail, at most sum |w| exp(-r t), is smaller than any that is drawn.
    top = np.log(np.abs(weights).sum() / weights.sum() * 2.0**54) / ratios.min()
    return inverted(np.broadcast_to(weights, (size, len(weights))), ratios, np.full(size, top), rng)


def inverted(
    weights: Float[np.ndarray, "children terms"],
    rates: Float[np.ndarray, "*children terms"],
    top: Float[np.ndarray, " children"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " children"]:
    """Draw times of density proportional to `sum_k w_k rho_k exp(-rho_k t)` on [0, top], of any
    signs of w: by halving, where the distribution function reaches a uniform number."""

    def reached(time: np.ndarray) -> np.ndarray:
        return -np.sum(weights * np.expm1(-rates * time[:, None]), axis=1)

    chance = rng.random(len(top)) * reached(top)
    low, high = np.zeros_like(top), top.copy()
    for _ in range(STEPS):
        middle = (low + high) / 2
        over = reached(middle) > chance
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return (low + high) / 2
