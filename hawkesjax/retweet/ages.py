"""Cascades as counts in bins of age, and what many of them have in common."""

from __future__ import annotations

import numpy as np

from hawkesjax.inputs.checks import counted, listed
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.memory.kernel import kernel_integral
from hawkesjax.retweet.memory.volterra import transfer
from hawkesjax.retweet.prepared import lengths_of
from hawkesjax.retweet.swing import wave

SURE = 1e4  # precision of what is known of a cascade: a standard error of 0.01 in its log
EXTRAS = 2  # beside w: log of the reposters' mean followers, log of the author's
STEPS = ((12, 0.2), (72, 1), (288, 3), (np.inf, 12))  # up to an age: step, in units of s0
# Of the EM algorithm. With 300 cascades and 8 pieces the mean is then 5e-4 and the covariance 2e-3
# from their limits (6e-3 after 20), far below the standard error of either.
ROUNDS = 40


def sizes_at(cascades: Cascades, age: float) -> np.ndarray:
    """Reposts of each cascade before an age since its post."""
    return np.bincount(_before(cascades, age)[0], minlength=cascades.num_posts)


def _before(cascades: Cascades, age: float) -> list[np.ndarray]:
    """Post, age and followers of the reposts before an age."""
    early = np.asarray(cascades.ages) < age
    return [np.asarray(part)[early] for part in (cascades.post, cascades.ages, cascades.followers)]


def check_observed(cascades: Cascades, age: float, option: str) -> None:
    """Refuse cascades that were not observed, without a gap of the record, up to an age; `option`
    is where it was given."""
    span = np.asarray(cascades.until) - np.asarray(cascades.post_times)
    short = span < age * (1 - 1e-9)
    if short.any():
        names = [cascades.names[row] for row in np.flatnonzero(short)]
        raise ValueError(
            f"{counted(len(names), 'cascade')} ({listed(names, 5)}) were observed for less than "
            f"{age:g}. Select the others (Cascades.select), or pass a smaller {option}."
        )
    begin = np.asarray(cascades.post_times)
    lost = cascades.gaps.meets(begin, begin + age)
    if lost.any():
        names = [cascades.names[row] for row in np.flatnonzero(lost)]
        raise ValueError(
            f"{counted(len(names), 'cascade')} ({listed(names, 5)}) have a gap of the record "
            f"before age {age:g}. Select the others (Cascades.select), or pass a smaller {option}."
        )


def fine_edges(ages: np.ndarray, s0: float, until: float) -> np.ndarray:
    """Bins of age up to `until`, finer while young; the edges of the pieces are among them."""
    low, parts = 0.0, [ages, [until]]
    for high, step in STEPS:
        end = min(high * s0, until)
        parts.append(np.arange(low, end, step * s0))
        low = end
    edges = np.concatenate(parts)
    return distinct(edges[edges <= until], 1e-9 * until)


def steps_ahead(ages: np.ndarray, s0: float, observed: float, horizon: float) -> np.ndarray:
    """Steps from one age to another that grow with the distance, cut at the ages."""
    edges, last = [], observed
    while last < horizon:
        edges.append(last)
        last += min(24 * s0, max(s0, 0.15 * (last - observed)))
    inside = ages[(ages > observed) & (ages < horizon)]
    return distinct(np.concatenate([edges, inside, [horizon]]), 1e-6 * s0)


def distinct(edges: np.ndarray, near: float) -> np.ndarray:
    edges = np.unique(edges)
    return edges[np.append(np.diff(edges) > near, True)]


def binned(model: RetweetLaw, cascades: Cascades, edges: np.ndarray, until: float):
    """Reposts, reach and followers of each cascade in bins of age; nothing from `until` on."""
    post, ages, weights = _before(cascades, until)
    place = np.searchsorted(edges, ages, side="right") - 1
    shape = cascades.num_posts, len(edges) - 1
    cell = post.astype(np.int64) * shape[1] + np.minimum(place, shape[1] - 1)
    size = shape[0] * shape[1]
    counts = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
    followers = np.bincount(cell, weights, size).reshape(shape)
    s0, _ = lengths_of(model, cascades)
    root = np.asarray(cascades.post_followers)[:, None]
    reach = root * np.diff(kernel_integral(edges, model.theta, s0))
    return counts, reach + followers @ transfer(edges, edges, model.theta, s0).T, followers


def wave_of(model, cascades, ages, swing) -> np.ndarray:
    """`1 - S r0 sin(w (t + phi0))` of each cascade at each age."""
    _, period = lengths_of(model, cascades)
    clock = np.asarray(cascades.post_times)[:, None] + ages + np.remainder(cascades.start, period)
    return wave(swing, np.asarray(cascades.sentiment)[:, None], clock, period)


def by_piece(values: np.ndarray, piece: np.ndarray, pieces: int) -> np.ndarray:
    """Sums over the bins of each piece."""
    return values @ (piece[:, None] == np.arange(pieces)).astype(np.float64)


def in_pieces(model, cascades, edges, fine, counts, reach, swing) -> tuple[np.ndarray, np.ndarray]:
    """Reposts, and reach times the swing, of each cascade between the edges."""
    piece = np.searchsorted(edges, fine[:-1], side="right") - 1
    turned = reach * wave_of(model, cascades, (fine[1:] + fine[:-1]) / 2, swing)
    return by_piece(counts, piece, len(edges) - 1), by_piece(turned, piece, len(edges) - 1)


def learn_swing(model, cascades, edges, counts, reach, piece) -> np.ndarray:
    """The swing by Newton's method on the Poisson likelihood, each cascade's level in each
    piece at its best; it stays inside the disc where no rate is negative."""
    middle = (edges[1:] + edges[:-1]) / 2
    # the wave is linear in the pair: one for each of its parts
    waves = np.stack([1 - wave_of(model, cascades, middle, unit) for unit in np.eye(2)])
    swing = np.zeros(2)
    largest = float(np.max(cascades.sentiment))
    if not largest > 0:
        return swing
    bound = 0.98 / largest
    pieces = int(piece.max()) + 1
    n = by_piece(counts, piece, pieces)
    for _ in range(30):
        factor = 1 - np.tensordot(swing, waves, 1)
        f = np.maximum(by_piece(reach * factor, piece, pieces), 1e-300)
        tilts = np.stack([by_piece(reach * wave, piece, pieces) / f for wave in waves])
        own = waves / factor
        slope = -np.sum(counts * own, axis=(1, 2)) + np.sum(n * tilts, axis=(1, 2))
        curvature = np.einsum("pb,ipb,jpb->ij", counts, own, own) - np.einsum(
            "pk,ipk,jpk->ij", n, tilts, tilts
        )
        step = np.linalg.lstsq(curvature + 1e-9 * np.eye(2), slope, rcond=None)[0]
        fresh = swing + step
        size = np.hypot(*fresh)
        fresh = fresh * min(1.0, bound / size) if size > 0 else fresh
        if np.max(np.abs(fresh - swing)) < 1e-8:
            return fresh
        swing = fresh
    return swing


def extras_of(cascades: Cascades, until: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """What is known of the two numbers beside w, and how well: their precision."""
    post, _, d = _before(cascades, until)
    count = np.bincount(post, minlength=cascades.num_posts)
    total = np.bincount(post, d, cascades.num_posts)
    mean = np.log((total + 1) / np.maximum(count, 1))
    root = np.log1p(np.asarray(cascades.post_followers, np.float64))
    precision = np.stack([count / spread, np.full(len(root), SURE)], axis=1)
    return np.stack([mean, root], axis=1), precision


def spread_of(cascades: Cascades) -> float:
    """Variance over squared mean of a reposter's followers: the median over cascades of at
    least 10 reposts."""
    post, d = np.asarray(cascades.post), np.asarray(cascades.followers, np.float64)
    num = cascades.num_posts
    count = np.bincount(post, minlength=num)
    total, square = np.bincount(post, d, num), np.bincount(post, d**2, num)
    large = (count >= 10) & (total > 0)
    if not large.any():
        raise ValueError("No cascade has 10 reposts with followers: there is nothing to learn.")
    spread = square[large] * count[large] / total[large] ** 2 - 1
    return max(float(np.median(spread)), 1e-3)


def posterior(n, f, known, sure, mean, precision, start=None, rounds=60):
    """Mode and curvature of each cascade's numbers: Poisson counts n of reach f for w, normal
    errors for the others, normal prior."""
    size, pieces = len(mean), n.shape[1]
    x = np.tile(mean, (len(n), 1)) if start is None else start
    diagonal = np.zeros((len(n), size))
    slope = np.empty_like(diagonal)
    identity = np.eye(size)
    for left in range(rounds, -1, -1):
        rate = f * np.exp(np.minimum(x[:, :pieces], 50))
        diagonal[:, :pieces], diagonal[:, pieces:] = rate, sure
        curvature = precision + diagonal[:, :, None] * identity
        if left == 0:
            break
        slope[:, :pieces], slope[:, pieces:] = n - rate, sure * (known - x[:, pieces:])
        slope -= (x - mean) @ precision
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        x = x + step / np.maximum(1, np.abs(step).max(axis=1, keepdims=True) / 2)
        if np.abs(step).max() < 1e-8:
            break
    return x, curvature


def learn_normal(n, f, known, sure) -> tuple[np.ndarray, np.ndarray]:
    """m and Sigma by EM; Sigma with a faint prior about a common level, so that it is regular."""
    total = f.sum(axis=0)
    level = np.log((n.sum(axis=0) + 0.5) / np.where(total > 0, total, 1))
    mean = np.concatenate([level, known.mean(axis=0)])
    pieces, size = len(level), len(level) + EXTRAS
    faint = 0.25 * np.eye(size)
    faint[:pieces, :pieces] = 0.25 * (np.ones((pieces, pieces)) + 0.2 * np.eye(pieces))
    covariance = 4 * faint
    x = np.tile(mean, (len(n), 1))
    for _ in range(ROUNDS):
        x, curvature = posterior(n, f, known, sure, mean, np.linalg.inv(covariance), x, 8)
        mean = x.mean(axis=0)
        off = x - mean
        within = np.linalg.inv(curvature).sum(axis=0)
        covariance = (off.T @ off + within + faint) / (len(n) + 1)
    return mean, covariance
