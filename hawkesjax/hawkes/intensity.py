"""The intensity at any times, for many draws at once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.links import Link, rate


def intensity_at(
    at: Float[np.ndarray, " points"],
    times: Float[np.ndarray, " events"],
    marks: Int[np.ndarray, " events"],
    mu: Float[np.ndarray, "#draws marks"] | Float[np.ndarray, "#draws #points marks"],
    alpha: Float[np.ndarray, "#draws marks marks"],
    gamma: Float[np.ndarray, "draws ..."],
    ratios: Float[np.ndarray, " terms"] | None = None,
    weights: Float[np.ndarray, "#draws terms"] | None = None,
    factors: Float[np.ndarray, "#draws events marks"] | None = None,
    link: Link = "identity",
) -> Float[np.ndarray, "draws points marks"]:
    r"""Every mark's intensity in one sequence, given the events strictly before each time.

    .. math:: \lambda_i(t) = \mu_i + \sum_{k:\, t_k < t} \alpha_{i m_k} \gamma_{i m_k}
              e^{-\gamma_{i m_k} (t - t_k)}

    One pass over events and points, on the host; a step handles all draws.

    Args:
        at: times, sorted, on the events' clock.
        times, marks: the sequence's events, sorted.
        mu, alpha, gamma: draws of the parameters; gamma (K,), (K, D) by source, or (K, D, D);
            mu by point where the baseline is not constant.
        ratios, weights: of a kernel `sum_k w_k gamma r_k exp(-gamma r_k t)`, draws of the weights.
        factors: of each event's effect on each target; 1 by default.
        link: from this sum to the rate (`hawkesjax.hawkes.links`).
    """
    size = alpha.shape[-1]
    ratios = np.ones(1) if ratios is None else ratios
    weights = np.ones((1, 1)) if weights is None else weights
    gamma = by_pair(gamma, size)[:, None] * ratios[:, None, None]
    weight = alpha[:, None] * gamma * weights[:, :, None, None]
    draws = max(len(mu), len(weight))
    mu = mu if mu.ndim == 3 else mu[:, None]
    mu = np.broadcast_to(mu, (len(mu), len(at), size))
    state = np.zeros((draws, len(ratios), size, size))
    out = np.empty((draws, len(at), size))
    seen = np.searchsorted(times, at, side="left")
    now, done = 0.0, 0
    for point, (t, known) in enumerate(zip(at, seen, strict=True)):
        for event in range(done, known):
            state *= np.exp(-gamma * (times[event] - now))
            now = times[event]
            jump = weight[..., marks[event]]
            state[..., marks[event]] += jump if factors is None else jump * factors[:, None, event]
        done = max(done, known)
        out[:, point] = mu[:, point] + np.sum(state * np.exp(-gamma * (t - now)), axis=(1, 3))
    return np.asarray(rate(link, out, mu, host=True))


def by_pair(gamma: np.ndarray, num_marks: int) -> np.ndarray:
    """Draws of gamma as (draws, target, source) that broadcast."""
    if gamma.ndim == 1:
        return np.broadcast_to(gamma[:, None, None], (len(gamma), num_marks, num_marks))
    if gamma.ndim == 2:
        return np.broadcast_to(gamma[:, None, :], (len(gamma), num_marks, num_marks))
    return gamma
