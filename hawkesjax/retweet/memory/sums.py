r"""The followers reached by what came before, `sum_k d_k psi(t - t_k)`, at every repost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hawkesjax.retweet.memory.kernel import scale

TOLERANCE = 1e-8  # relative error of the kernel that the fit aims at ...
ACCEPTED = 1e-5  # ... and the worst it may end with
MOST_TERMS = 48  # beyond them rounding, not the number of terms, limits the fit
# Events at once, 2 MB per exponent. Measured on 2 CPU cores, 2 million reposts of 20,000 posts:
# 3.2 s by 2**14, 2.6 by 2**16, 2.3 by 2**18, 2.5 by 2**20, 2.7 by 2**24.
CHUNK = 1 << 18


@dataclass(frozen=True)
class ExponentialSum:
    r"""`(s / s0)^-(1 + theta)` for s0 <= s <= horizon as `sum_q w_q exp(-rate_q s / s0)`."""

    rates: np.ndarray  # (terms,)
    weights: np.ndarray  # (terms, exponents), of both signs
    error: float  # largest relative error over the horizon, on a fine grid


def exponential_sum(ratio: float, thetas: np.ndarray) -> ExponentialSum:
    """Fit rates in a geometric row and, by least squares of the relative error, their weights.

    Terms are added until the error is below 1e-8; exponents above 0.5 end at 1e-6 or so, where
    rounding stops them. The same rates serve every exponent; `ratio` is horizon / s0.
    """
    thetas = np.atleast_1d(np.asarray(thetas, np.float64))
    ratio = max(float(ratio), 2.0)
    fine = np.geomspace(1, ratio, 4001)
    best = None
    for size in range(8, MOST_TERMS + 1, 4):
        for least, most in ((0.3, 10.0), (0.3, 14.0), (0.1, 20.0)):
            rates = np.geomspace(least / ratio, most, size)
            s = np.geomspace(1, ratio, 20 * size)
            decays, exact = np.exp(-np.outer(s, rates)), np.log(s)[:, None]
            whole = np.exp(-np.outer(fine, rates))
            columns, error = [], 0.0
            for theta in thetas:
                relative = decays * np.exp((1 + theta) * exact)
                weight = np.linalg.lstsq(relative, np.ones(len(s)), rcond=1e-15)[0]
                ours = whole @ weight * fine ** (1 + theta)
                error = max(error, float(np.abs(ours - 1).max()))
                columns.append(weight)
            if best is None or error < best.error:
                best = ExponentialSum(rates, np.stack(columns, axis=1), error)
        if best is not None and best.error <= TOLERANCE:
            return best
    if best is None or best.error > ACCEPTED:
        raise ValueError(
            f"No sum of exponentials comes near the kernel with exponents {thetas} up to "
            f"{ratio:.3g} s0. Choose a smaller theta, or history='pairs', which is exact."
        )
    return best


def sum_log_reach(
    ages: np.ndarray,
    weights: np.ndarray,
    first: np.ndarray,
    counted: np.ndarray,
    *,
    thetas: np.ndarray,
    s0: float,
    tail: float = 1.0,
    form: str = "sums",
    horizon: float = 0.0,
) -> np.ndarray:
    r"""`sum_j log h_j` of every cascade, `h_j = sum_{k before j} d_k psi(t_j - t_k)`.

    The flat head of the kernel is summed exactly by running sums, its tail by a sum of
    exponentials (`exponential_sum` says how near): linear in the events. Rows before an
    event are before it, also at the same time. Form `"pairs"` is exact and quadratic.

    Args:
        ages: (N,) time since the cascade's own first event, ascending within a cascade.
        weights: (N,) followers d.
        first: (C,) where each cascade begins, ascending.
        counted: (N,) mask of the events j that the sum is over; the first of a cascade never is.
        thetas: (E,) exponents of the kernel.
        horizon: age up to which the sum of exponentials is fitted at least: that of the whole data,
            of which these may be a part.

    Returns:
        (C, E); minus infinity where an event has h = 0.
    """
    thetas = np.atleast_1d(np.asarray(thetas, np.float64))
    logs = np.zeros((len(first), len(thetas)))
    how = thetas, s0, tail, form, horizon
    for own, rows, starts, reached in _reaches(ages, weights, first, *how):
        use = counted[rows]
        with np.errstate(divide="ignore"):
            terms = np.where(use[:, None], np.log(np.where(use[:, None], reached, 1)), 0)
        logs[own] = np.add.reduceat(terms, starts, axis=0)
        number = np.add.reduceat(use.astype(np.float64), starts)
        logs[own] += number[:, None] * np.log(scale(thetas, s0))
    return logs


def reach(
    ages: np.ndarray,
    weights: np.ndarray,
    first: np.ndarray,
    *,
    theta: float,
    s0: float,
    tail: float = 1.0,
    form: str = "sums",
) -> np.ndarray:
    """`h_j = sum_{k before j} d_k psi(t_j - t_k)` of every event j; arguments as `sum_log_reach`.

    Rows of weight 0 reach nobody: put them where h is wanted between events.
    """
    out = np.zeros(len(ages))
    thetas = np.array([float(theta)])
    for _, rows, _, reached in _reaches(ages, weights, first, thetas, s0, tail, form):
        out[rows] = reached[:, 0]
    return out * scale(theta, s0)


def _reaches(
    ages, weights, first, thetas, s0, tail, form, horizon=0.0
) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Cascades, their events, where each begins among these, and h / c of each event and exponent,
    in runs of whole cascades of about `CHUNK` events."""
    last = np.append(first[1:], len(ages))
    horizon = float(np.max(ages, initial=horizon))
    fitted = exponential_sum(horizon / s0, thetas) if form == "sums" and horizon > s0 else None
    low = 0
    while low < len(first):
        high = max(int(np.searchsorted(last, first[low] + CHUNK, side="right")), low + 1)
        rows = slice(first[low], last[high - 1])
        starts = first[low:high] - first[low]
        sums, how = (_by_pairs, thetas) if form == "pairs" else (_by_sums, fitted)
        reached = sums(ages[rows], weights[rows], starts, how, s0, tail)
        yield slice(low, high), rows, starts, reached
        low = high


def _behind(ages: np.ndarray, starts: np.ndarray, s0: float) -> np.ndarray:
    """For each event, where the events of its cascade within s0 before it begin."""
    behind = np.empty(len(ages), np.int64)
    for a, b in _spans(starts, len(ages)):
        own = ages[a:b]
        behind[a:b] = a + np.searchsorted(own, own - s0)
    return behind


def _spans(starts: np.ndarray, size: int) -> Iterator[tuple[int, int]]:
    """Where each cascade begins and ends among `size` events."""
    return zip(starts, np.append(starts[1:], size), strict=True)


def _by_sums(ages, weights, starts, fitted: ExponentialSum | None, s0, tail) -> np.ndarray:
    """h / c of each event, (N, E)."""
    size = len(ages)
    cascade = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, size)))
    behind = np.minimum(_behind(ages, starts, s0), np.arange(size))
    total = np.concatenate([[0.0], np.cumsum(weights)])
    if not (weights == np.rint(weights)).all():  # whole numbers add up exactly, others do not
        for a, b in _spans(starts, size):
            total[a:b] = np.concatenate([[0.0], np.cumsum(weights[a : b - 1])])
    head = total[:size] - total[behind]
    if fitted is None:
        return head[:, None]
    # An event joins the tail at the first later event of its cascade more than s0 away.
    order = np.arange(size)
    joins = np.searchsorted(behind, order, side="right")
    joins = np.minimum(joins, size - 1)
    gone = (cascade[joins] != cascade) | (behind[joins] <= order)
    source = np.flatnonzero(~gone & (weights > 0))
    joins = joins[source]
    lag = (ages[joins] - ages[source]) / s0
    gaps = np.diff(ages, prepend=0.0) / s0
    gaps[starts] = np.inf
    lanes = max(1, int(np.sqrt(size)))
    steps = -(-size // lanes)
    laid = np.append(gaps, np.zeros(lanes * steps - size))
    laid = np.ascontiguousarray(laid.reshape(lanes, steps).T)
    out = np.repeat(head[:, None], fitted.weights.shape[1], axis=1)
    for rate, weight in zip(fitted.rates, fitted.weights, strict=True):
        arrived = np.bincount(joins, weights[source] * np.exp(-rate * lag), lanes * steps)
        state = _decayed(np.exp(-rate * laid), arrived.reshape(lanes, steps).T)
        out += state.T.reshape(-1)[:size, None] * (tail * weight)
    return out


def _decayed(decay: np.ndarray, arrived: np.ndarray) -> np.ndarray:
    """`u <- u decay + arrived` down the steps (rows) of each lane (column), which goes on from the
    lane before."""
    steps, lanes = decay.shape
    state, whole = np.zeros(lanes), np.ones(lanes)
    for step in range(steps):
        state = state * decay[step] + arrived[step]
        whole = whole * decay[step]
    start = np.zeros(lanes)
    for lane in range(1, lanes):
        start[lane] = start[lane - 1] * whole[lane - 1] + state[lane - 1]
    out = np.empty((steps, lanes))
    state = start
    for step in range(steps):
        state = state * decay[step] + arrived[step]
        out[step] = state
    return out


def _by_pairs(ages, weights, starts, thetas, s0, tail, block: int = 512) -> np.ndarray:
    """The same over every pair, in blocks of events."""
    out = np.zeros((len(ages), len(thetas)))
    for a, b in _spans(starts, len(ages)):
        for low in range(a, b, block):
            rows = np.arange(low, min(low + block, b))
            gaps = ages[rows, None] - ages[None, a:b]
            before = np.arange(a, b)[None, :] < rows[:, None]
            for column, theta in enumerate(thetas):
                power = np.where(gaps > s0, gaps, s0) / s0
                kernel = np.where(gaps > s0, tail * power ** -(1 + theta), 1.0)
                out[rows, column] = (kernel * before) @ weights[a:b]
    return out
