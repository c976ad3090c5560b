"""What a known past sets off within stretches that follow it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.clusters import Terms

Born = tuple[np.ndarray, np.ndarray, np.ndarray]


def inherited(
    age: Float[np.ndarray, " past"],
    marks: Int[np.ndarray, " past"],
    sequence: Int[np.ndarray, " past"],
    alpha: Float[np.ndarray, "marks marks"],
    gamma: Float[np.ndarray, "marks marks"],
    terms: Terms,
    length: Float[np.ndarray, " sequences"],
    rng: np.random.Generator,
    factors: Float[np.ndarray, "past marks"] | None = None,
    lag: float = 0.0,
) -> Born:
    r"""Draw the children of past events within a stretch of each sequence.

    The past enters through its decayed counts `S_ij = sum_{m_k = j} exp(-gamma_ij a_k)` at the
    stretch's start: it has Poisson(`alpha_ij S_ij (1 - exp(-gamma_ij l))`) children of mark i
    there, at delays of density `gamma_ij exp(-gamma_ij s)` truncated at the length l.

    Args:
        age: time from each past event to its sequence's stretch.
        marks, sequence: of these events.
        alpha, gamma, terms: as in `simulate_clusters`.
        length: of each sequence's stretch.
        rng: source of randomness.
        factors: of each event's effect on each target; 1 by default.
        lag: time from an event to the start of its effect.

    Returns:
        Delays since the stretches' starts, marks and sequences of the children.
    """
    size, num = len(alpha), len(length)
    cells = np.indices((num, size, size)).reshape(3, -1)
    age, parts = age - lag, []
    factors = np.ones((len(age), size)) if factors is None else factors
    if np.any(age < 0):  # effects that begin within the stretch
        late = age < 0
        where = -age[late], marks[late], sequence[late]
        parts += _whole(*where, factors[late], alpha, gamma, terms, length, rng)
        age, marks, sequence, factors = (x[~late] for x in (age, marks, sequence, factors))
    for ratio, weight in zip(*terms, strict=True):
        rates = gamma * ratio
        state = np.zeros((num, size, size))
        for i in range(size):
            decayed = np.exp(-rates[i][marks] * age) * factors[:, i]
            place = sequence.astype(np.int64) * size + marks
            counts = np.bincount(place, weights=decayed, minlength=num * size)
            state[:, i] = counts.reshape(num, size)
        reach = -np.expm1(-rates * length[:, None, None])
        born = rng.poisson(weight * alpha * state * reach)
        owner, target, source = (np.repeat(axis, born.ravel()) for axis in cells)
        chance = rng.random(len(owner)) * reach[owner, target, source]
        parts.append((-np.log1p(-chance) / rates[target, source], target, owner))
    delay, target, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
    return delay, target.astype(np.int32), owner.astype(np.int32)


def _whole(begin, marks, sequence, factors, alpha, gamma, terms, length, rng) -> list[Born]:
    """Children within the stretches of events whose effects begin at given times in them."""
    ratios, weights = terms
    children = rng.poisson(alpha.T[marks] * factors * weights.sum())  # (events, targets)
    parent, target = (
        np.repeat(x, children.ravel()) for x in np.indices(children.shape).reshape(2, -1)
    )
    rate = gamma[target, marks[parent]] * rng.choice(ratios, len(parent), p=weights / weights.sum())
    at = begin[parent] + rng.standard_exponential(len(parent)) / rate
    inside = at <= length[sequence[parent]]
    return [(at[inside], target[inside], sequence[parent][inside])]
