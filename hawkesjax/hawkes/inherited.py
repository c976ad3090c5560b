"""What a known past sets off within stretches that follow it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.delays import Terms, delays, inverted

Born = tuple[np.ndarray, np.ndarray, np.ndarray]


def inherited(
    age: Float[np.ndarray, " past"],
    marks: Int[np.ndarray, " past"],
    sequence: Int[np.ndarray, " past"],
    alpha: Float[np.ndarray, "marks marks"],
    gamma: Float[np.ndarray, "#sequences marks marks"],
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
        alpha, terms: as in `simulate_clusters`.
        gamma: decay rates of each sequence, or of all.
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
    gamma = np.broadcast_to(gamma, (num, size, size))
    factors = np.ones((len(age), size)) if factors is None else factors
    if np.any(age < 0):  # effects that begin within the stretch
        late = age < 0
        where = -age[late], marks[late], sequence[late]
        parts += _whole(*where, factors[late], alpha, gamma, terms, length, rng)
        age, marks, sequence, factors = (x[~late] for x in (age, marks, sequence, factors))
    place = sequence.astype(np.int64) * size + marks
    states = []
    for ratio, weight in zip(*terms, strict=True):
        rates = gamma * ratio
        state = np.zeros((num, size, size))
        for i in range(size):
            decayed = np.exp(-rates[sequence, i, marks] * age) * factors[:, i]
            counts = np.bincount(place, weights=decayed, minlength=num * size)
            state[:, i] = counts.reshape(num, size)
        states.append(weight * alpha * state)
    rates = gamma[:, None] * terms[0][:, None, None]
    reach = -np.expm1(-rates * length[:, None, None, None])
    expected = np.stack(states, axis=1) * reach  # (M, K, D, D)
    if np.all(terms[1] >= 0):  # the children of each term by themselves
        for k in range(len(states)):
            owner, target, source = _born(cells, expected[:, k], rng)
            chance = rng.random(len(owner)) * reach[owner, k, target, source]
            parts.append((-np.log1p(-chance) / rates[owner, k, target, source], target, owner))
    else:
        owner, target, source = _born(cells, np.maximum(expected.sum(axis=1), 0), rng)
        each = np.stack(states, axis=1)[owner, :, target, source]
        at = inverted(each, rates[owner, :, target, source], length[owner], rng)
        parts.append((at, target, owner))
    delay, target, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
    return delay, target.astype(np.int32), owner.astype(np.int32)


def _born(cells: np.ndarray, expected: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Sequence, target and source of each of so many children."""
    born = rng.poisson(expected).ravel()
    return [np.repeat(axis, born) for axis in cells]


def _whole(begin, marks, sequence, factors, alpha, gamma, terms, length, rng) -> list[Born]:
    """Children within the stretches of events whose effects begin at given times in them."""
    children = rng.poisson(alpha.T[marks] * factors * terms[1].sum())  # (events, targets)
    parent, target = (
        np.repeat(x, children.ravel()) for x in np.indices(children.shape).reshape(2, -1)
    )
    owner = sequence[parent]
    at = begin[parent] + delays(terms, len(parent), rng) / gamma[owner, target, marks[parent]]
    inside = at <= length[owner]
    return [(at[inside], target[inside], owner[inside])]
