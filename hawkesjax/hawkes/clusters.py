"""Hawkes processes as clusters: immigrants and their descendants, generation by generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import expm

from hawkesjax.hawkes.delays import Terms, delays

Place = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

ONE_TERM: Terms = (np.ones(1), np.ones(1))
MAX_CLUSTER = 100.0
MAX_EXPECTED = 1e9
MAX_DRAWN = 1e9


def simulate_clusters(
    mu: Float[np.ndarray, "sequences marks"],
    alpha: Float[np.ndarray, "marks marks"],
    gamma: Float[np.ndarray, "..."],
    duration: Float[np.ndarray, " sequences"],
    rng: np.random.Generator,
    *,
    max_events: int | None = None,
    inherited: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    place: Place | None = None,
    terms: Terms = ONE_TERM,
    offspring: Any = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    r"""Draw the events of independent Hawkes processes as Poisson cluster processes.

    Immigrants of mark i in sequence m are Poisson with rate `mu[m, i]` on [0, T_m]. Each event
    of mark j then has Poisson(`alpha[i, j]`) children of mark i, at independent delays with
    density `gamma[i, j] exp(-gamma[i, j] s)`. The children of n parents are drawn together: their
    number is Poisson(`alpha[i, j] n`), and each picks its parent uniformly, which has the same
    distribution. A child beyond the window's end is dropped with its descendants, which are later
    still.

    Args:
        mu: immigrants per unit of time, on average over the window.
        alpha: expected direct children, row = target.
        gamma: decay rates, (D, D), (D,) by source, or a scalar; 1 / unit of time.
        duration: length of each sequence's window.
        rng: source of randomness.
        max_events: cap on the number of events.
        inherited: times, marks and sequences of events inside the windows that a known past
            triggers; they have offspring as immigrants do.
        place: maps (shares, marks, sequences) of immigrants to times since the window's start,
            where their rate is not constant; a share is the part of the window's expected
            immigrants that come earlier.
        terms: ratios r and weights w of a kernel `sum_k w_k gamma r_k exp(-gamma r_k s)`.
        offspring: the factors and the lag of events' effects (`Offspring`); None for factors of 1
            and no lag.

    Returns:
        Times since the start of each event's window, marks, sequences; sorted by sequence and
        time; and magnitudes if `offspring` is given, else None.

    Raises:
        ValueError: see `hawkesjax.hawkes.simulate`.

    Source: Hawkes and Oakes (1974), J. Appl. Prob. 11, 493-503.
    """
    num = len(alpha)
    gamma = np.broadcast_to(gamma, (num, num)).ravel()
    paces = None if offspring is None else offspring.paces
    ratios, weights = terms
    alpha = alpha * weights.sum()  # the remaining children never come
    expected = mu * duration[:, None]
    if max_events is None:
        most = alpha if offspring is None else alpha * offspring.bound
        fastest = gamma * ratios.max() * (1.0 if paces is None else paces.max(axis=0))
        refuse_explosion(expected.sum(axis=0), most, fastest, duration)
    cap = np.inf if max_events is None else max_events
    if expected.sum() > max(10 * cap, MAX_EXPECTED):
        raise _over(cap, 0, 0, alpha, f"about {expected.sum():.3g} immigrants alone are expected")

    # Immigrants, grouped by mark as every later generation is.
    counts = rng.poisson(expected.T)
    _check(counts.sum(), cap, 0, 0, alpha)
    marks = np.repeat(np.arange(num, dtype=np.int32), counts.sum(axis=1))
    owners = np.tile(np.arange(len(mu), dtype=np.int32), num)
    sequence = np.repeat(owners, counts.ravel())
    share = rng.random(len(marks))
    times = share * duration[sequence] if place is None else place(share, marks, sequence)
    if inherited is not None:
        parts = zip((times, marks, sequence), inherited, strict=True)
        times, marks, sequence = (np.concatenate(part) for part in parts)
        grouped = np.argsort(marks, kind="stable")
        times, marks, sequence = times[grouped], marks[grouped], sequence[grouped]

    generations, carried = [(times, marks, sequence)], []
    total, lag = len(times), 0.0 if offspring is None else offspring.lag
    targets: np.ndarray = np.repeat(np.arange(num, dtype=np.int32), num)
    sources = np.tile(np.arange(num), num)
    while len(times):
        sizes = np.bincount(marks, minlength=num)
        offsets = np.cumsum(sizes) - sizes
        sums = None
        if offspring is None:
            children = rng.poisson((alpha * sizes).ravel())
        else:
            magnitude, factors = offspring.draw(times, marks, sequence, rng)
            carried.append(magnitude)
            sums = np.concatenate([np.zeros((1, num)), np.cumsum(factors, axis=0)])
            ends = sums[offsets + sizes] - sums[offsets]
            children = rng.poisson((alpha * ends.T).ravel())
        if children.sum() > max(MAX_DRAWN, 2 * cap):
            raise _over(cap, len(generations), total, alpha, f"{children.sum()} children follow")
        pair = np.repeat(np.arange(num * num), children)
        source: np.ndarray = sources[pair]
        if sums is None:
            parent = offsets[source] + (rng.random(len(pair)) * sizes[source]).astype(np.int64)
        else:
            parent = _weighted(sums, pair, offsets, sizes, rng)
        owner: np.ndarray = sequence[parent]
        rates = gamma[pair] if paces is None else gamma[pair] * paces[owner, pair]
        at = times[parent] + lag + delays(terms, len(pair), rng) / rates
        inside: np.ndarray = at <= duration[owner]
        times, marks, sequence = at[inside], targets[pair][inside], owner[inside]
        _check(total + len(times), cap, len(generations), total, alpha)
        total += len(times)
        generations.append((times, marks, sequence))

    times, marks, sequence = (np.concatenate(part) for part in zip(*generations, strict=True))
    order = np.argsort(times)
    if len(mu) > 1:
        order = order[np.argsort(sequence[order], kind="stable")]
    sizes = None if offspring is None else np.concatenate([*carried, np.zeros(0)])[order]
    return times[order], marks[order], sequence[order], sizes


def _weighted(sums, pair, offsets, sizes, rng) -> np.ndarray:
    """A parent for each child, drawn in proportion to the parents' factors for its target."""
    num = len(offsets)
    chance, parent = rng.random(len(pair)), np.empty(len(pair), np.int64)
    for target in range(num):
        for source in range(num):
            mine = np.flatnonzero(pair == target * num + source)
            begin, end = offsets[source], offsets[source] + sizes[source]
            low, high = sums[begin, target], sums[end, target]
            at = low + chance[mine] * (high - low)
            found = np.searchsorted(sums[:, target], at, side="right") - 1
            parent[mine] = np.clip(found, begin, end - 1)
    return parent


def refuse_explosion(immigrants, alpha, gamma, duration) -> None:
    """Refuse simulations that are expected to be too large. With the fastest decay for all pairs
    children come earlier, which bounds the mean cluster.

    Raises:
        ValueError: for clusters, or totals, beyond `MAX_CLUSTER` and `MAX_EXPECTED`.
    """
    if not immigrants.sum() > 0:
        return
    num = len(alpha)
    radius = float(np.max(np.abs(np.linalg.eigvals(alpha))))
    if radius < 1:
        sizes = np.linalg.solve((np.eye(num) - alpha).T, np.ones(num))
    else:
        span = min(float(gamma.max() * duration.max()), 1e6)
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = _cluster_sizes(alpha, span)
        largest = sizes[immigrants > 0].max()
        if largest > MAX_CLUSTER:
            size = f"{largest:.3g} events" if np.isfinite(largest) else "events without bound"
            raise ValueError(
                f"alpha has spectral radius {radius:.4g}, at or above 1: over a window this long "
                f"one immigrant may produce {size} on average. Shorten the window, reduce alpha, "
                f"or set max_events to accept the risk."
            )
    expected = float(sizes @ immigrants)
    if expected > MAX_EXPECTED:
        raise ValueError(
            f"About {expected:.3g} events are expected. Shorten the window, reduce mu or alpha, "
            f"or set max_events to accept the risk."
        )


def _cluster_sizes(alpha, span) -> np.ndarray:
    r"""Mean cluster size by the immigrant's mark, for one decay rate.

    `1^T (I + alpha \int_0^span exp((alpha - I) s) ds)`, s in units of the memory.
    """
    num = len(alpha)
    eye = np.eye(num)
    growth = alpha - eye
    if np.max(np.linalg.eigvals(growth).real) * span < 300:
        block = np.zeros((2 * num, 2 * num))
        block[:num, :num], block[:num, num:] = growth, eye
        return np.sum(eye + alpha @ expm(block * span)[:num, num:], axis=0)
    reach = (eye + alpha) > 0
    for _ in range(num.bit_length()):
        reach = reach @ reach
    sizes = np.full(num, np.inf)
    for mark, reached in enumerate(reach.T):
        part = alpha[np.ix_(reached, reached)]
        if np.max(np.abs(np.linalg.eigvals(part))) < 1:
            total = np.linalg.solve((np.eye(len(part)) - part).T, np.ones(len(part)))
            sizes[mark] = total[np.count_nonzero(reached[:mark])]
    return sizes


def _check(total, cap, generation, before, alpha) -> None:
    if total > cap:
        raise _over(cap, generation, before, alpha, f"the next one brings them to {total}")


def _over(cap, generation, before, alpha, what) -> ValueError:
    radius = float(np.max(np.abs(np.linalg.eigvals(alpha)), initial=0.0))
    return ValueError(
        f"More than max_events = {cap:.12g} events: {before} in {generation} generations, "
        f"{what}, and the spectral radius of alpha is {radius:.4g}. Raise max_events, shorten the "
        f"window, or reduce mu or alpha. Nothing was returned: a truncated panel would be biased."
    )
