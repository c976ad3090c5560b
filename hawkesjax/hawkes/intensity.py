"""The intensity at any times, for many draws at once."""

from __future__ import annotations

from collections.abc import Iterator

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
    mu = _at_points(mu, len(at), alpha.shape[-1])
    found = _excited(at, times, marks, len(mu), alpha, gamma, ratios, weights, factors)
    out = np.stack([state.sum(axis=(1, 3)) for state, _ in found], axis=1) + mu
    return np.asarray(rate(link, out, np.broadcast_to(mu, out.shape), host=True))


def mean_intensity(
    edges: Float[np.ndarray, " edges"],
    times: Float[np.ndarray, " events"],
    marks: Int[np.ndarray, " events"],
    mu: Float[np.ndarray, "#draws marks"] | Float[np.ndarray, "#draws #bins marks"],
    alpha: Float[np.ndarray, "#draws marks marks"],
    gamma: Float[np.ndarray, "draws ..."],
    ratios: Float[np.ndarray, " terms"] | None = None,
    weights: Float[np.ndarray, "#draws terms"] | None = None,
    factors: Float[np.ndarray, "#draws events marks"] | None = None,
) -> Float[np.ndarray, "draws bins marks"]:
    """Every mark's mean intensity between successive edges, exactly.

    What is expected in a bin is what earlier events still owe at its beginning, and what those
    within it add, less what all owe at its end. Arguments as those of `intensity_at`; mu by bin.
    """
    size, bins = alpha.shape[-1], len(edges) - 1
    mu = _at_points(mu, bins, size)
    found = _excited(edges, times, marks, len(mu), alpha, gamma, ratios, weights, factors)
    owed = np.stack([(state / decay).sum(axis=(1, 3)) for state, decay in found], axis=1)
    inside = (times >= edges[0]) & (times < edges[-1])
    place = np.searchsorted(edges, times[inside], side="right") - 1
    each = np.ones((1, inside.sum(), size)) if factors is None else factors[:, inside]
    added = np.zeros((len(each), bins, size, size))  # by target and source
    np.add.at(added, (slice(None), place, slice(None), marks[inside]), each.transpose(1, 0, 2))
    whole = alpha if weights is None else alpha * weights.sum(axis=-1)[:, None, None]
    children = (whole[:, None] * added).sum(axis=-1)
    return mu + (owed[:, :-1] - owed[:, 1:] + children) / np.diff(edges)[:, None]


def _at_points(mu: np.ndarray, points: int, size: int) -> np.ndarray:
    mu = mu if mu.ndim == 3 else mu[:, None]
    return np.broadcast_to(mu, (len(mu), points, size))


def _excited(
    at: np.ndarray,
    times: np.ndarray,
    marks: np.ndarray,
    draws: int,
    alpha: np.ndarray,
    gamma: np.ndarray,
    ratios: np.ndarray | None,
    weights: np.ndarray | None,
    factors: np.ndarray | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """At each time the excitation by term, target and source, with the terms' decays."""
    size = alpha.shape[-1]
    ratios = np.ones(1) if ratios is None else ratios
    weights = np.ones((1, 1)) if weights is None else weights
    gamma = by_pair(gamma, size)[:, None] * ratios[:, None, None]
    weight = alpha[:, None] * gamma * weights[:, :, None, None]
    state = np.zeros((max(draws, len(weight)), len(ratios), size, size))
    seen = np.searchsorted(times, at, side="left")
    now, done = 0.0, 0
    for t, known in zip(at, seen, strict=True):
        for event in range(done, known):
            state *= np.exp(-gamma * (times[event] - now))
            now = times[event]
            jump = weight[..., marks[event]]
            state[..., marks[event]] += jump if factors is None else jump * factors[:, None, event]
        done = max(done, known)
        yield state * np.exp(-gamma * (t - now)), gamma


def by_pair(gamma: np.ndarray, num_marks: int) -> np.ndarray:
    """Draws of gamma as (draws, target, source) that broadcast."""
    if gamma.ndim == 1:
        return np.broadcast_to(gamma[:, None, None], (len(gamma), num_marks, num_marks))
    if gamma.ndim == 2:
        return np.broadcast_to(gamma[:, None, :], (len(gamma), num_marks, num_marks))
    return gamma
