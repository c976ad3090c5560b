"""Exact simulation of posts and their reposts, a whole generation at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.core.draws import params_of
from hawkesjax.core.random import generator
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.inputs.arguments import Count, Key, Positive, checked, numbers
from hawkesjax.inputs.checks import counted
from hawkesjax.inputs.clock import Clock, ticks_of
from hawkesjax.inputs.gaps import (
    ALONE,
    FORMS_ALONE,
    merged,
    pairs_of,
    plain_gaps,
    read_gaps,
    within,
)
from hawkesjax.inputs.moments import moment
from hawkesjax.inputs.warned import warn
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.data.gaps import Gaps
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.memory.kernel import kernel_integral, kernel_quantile
from hawkesjax.retweet.prepared import lengths_of
from hawkesjax.retweet.swing import pair_of, polar_of, wave

FINE = 1e-3  # of s0, by which times may be off
MAX_EVENTS = 20_000_000  # beyond it, mistaken parameters are likelier than data of that size


class ExplosionWarning(UserWarning):
    """Each repost begets one or more at first: sizes are without bound but for the window."""


@checked
def simulate(
    model: RetweetLaw,
    params: Any,
    *,
    key: Key,
    followers: Any,
    window: Any = None,
    gaps: Any = None,
    post_followers: Any = None,
    sentiment: Any = None,
    post_times: Any = None,
    covariates: Covariates | None = None,
    horizon: Positive | None = None,
    unit: str = "day",
    max_events: Count = MAX_EVENTS,
) -> Cascades:
    """Draw posts, their authors' followers and sentiment, and all their reposts.

    Nothing comes before the window: there is no history.

    Args:
        model: a `RetweetHawkes`.
        params: `beta`, `tau`, `r0` and `phi0` (or `swing`), `theta` where it is learned, and `p0`
            (one for all, or one per post) or the parameters of its distribution; or an `Estimate`.
        key: PRNG key; the same key gives the same data.
        followers: numbers of followers of reposters, to draw from with replacement.
        window: (start, end): numbers in the unit, or datetimes with their zone where the
            covariates have an origin; None: all that the covariates cover.
        gaps: stretches of the record in which nothing is seen, as in `Cascades.from_arrays`, in
            the window's terms. What happens there is drawn and reposted, and left out; and so are
            all reposts of posts that are.
        post_followers: likewise of the posts' authors; `followers` by default. With `post_times`,
            as many as there are posts are taken as they are.
        sentiment: levels to draw from, 1 by default; with `post_times` likewise.
        post_times: numbers in `unit`, in place of posts drawn from the background.
        covariates: features of time over the window; without them beta is one log rate.
        horizon: for how long after each post its reposts are collected.
        unit: unit of time, where there are no covariates.
        max_events: give up with an error, never with truncated data, beyond so many reposts.

    Raises:
        ValueError: for parameters outside their support, a window without covariates, empty
            pools, and more reposts than `max_events`.

    Example:
        >>> truth = {"beta": [1.0], "p0": 3e-4, "r0": 0.1, "phi0": 0.1, "tau": 2.0}
        >>> data = hj.simulate(hj.RetweetHawkes(), truth, window=(0, 30),
        ...                    followers=[10, 200, 3000], key=jax.random.key(0))
    """
    rng = generator(key)
    values: dict[str, Any] = dict(params_of(params))
    low, high, clock = _window(window, covariates, unit)
    s0, _ = lengths_of(model, SimpleNamespace(**clock))
    _refuse_endless(max(-low, high), s0, clock["unit"])
    holes = _gaps(gaps, low, high, clock)
    pools = {"followers": followers, "post_followers": post_followers, "sentiment": sentiment}
    optional = ("post_followers", "sentiment")
    pools = {n: _pool(n, v) for n, v in pools.items() if n not in optional or v is not None}
    if post_times is None:
        times = _posts(rng, values, covariates, low, high)
    else:
        times = np.sort(np.atleast_1d(numbers(post_times, "post_times")))
        if len(times) and not (low <= times[0] and times[-1] <= high):
            raise ValueError(f"post_times reach beyond the window {low:g} to {high:g}.")
    size = len(times)
    if not size:
        raise ValueError("No post was drawn: the rate is too small for the window.")

    def chosen(pool: np.ndarray) -> np.ndarray:
        given = post_times is not None and len(pool) == size
        return pool if given else rng.choice(pool, size)

    authors = chosen(pools.get("post_followers", pools["followers"]))
    levels = chosen(pools.get("sentiment", np.ones(1)))
    empty = Cascades.from_arrays(
        times, authors, [], [], [], sentiment=levels, window=(low, high), horizon=horizon,
        unit=clock["unit"],
    )  # fmt: skip
    start, clock = _from_midnight(low, clock)
    empty = replace(empty, start=start, **clock)
    params = settled(model, values, empty, rng)
    first = np.arange(size), times - low, authors
    post, since, reached = grow(rng, model, params, empty, pools["followers"], first, max_events)
    order = np.lexsort((since, post))
    post, since, reached = post[order], since[order], reached[order]
    covering = None if covariates is None else covariates.aligned(empty)
    posted = np.asarray(empty.post_times)
    known = ~holes.holds(posted)
    seen = known[post] & ~holes.holds(since)
    post, since, reached = post[seen], since[seen], reached[seen]
    columns = {"times": since, "ages": since - posted[post], "followers": reached}
    columns |= {"post": post.astype(np.int32), "gaps": holes}
    whole = replace(empty, **columns, covariates=covering)
    if not known.any():
        raise ValueError("Every post that was drawn lies in a gap. Give fewer or shorter gaps.")
    return whole if known.all() else whole.select(known)


def settled(
    model: RetweetLaw, values: dict[str, Any], data: Cascades, rng: np.random.Generator
) -> dict[str, Any]:
    """`swing` as a pair, `tau`, `theta` and `p0` of each post, drawn where it has a distribution.

    Raises:
        ValueError: for parameters that are missing, outside their support, or do not fit the posts.
    """
    _, period = lengths_of(model, data)
    levels = np.asarray(data.sentiment, np.float64)
    size = data.num_posts

    def number(name: str) -> float:
        if name not in values:
            raise ValueError(f"params do not have {name!r}; they have {', '.join(values)}.")
        value = float(np.asarray(values[name]))
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; it must be positive and finite.")
        return value

    if "swing" in values and "r0" not in values:
        swing = np.asarray(values["swing"], np.float64)
        r0, phi0 = polar_of(swing, period)
    else:
        r0, phi0 = float(values.get("r0", 0.0)), float(values.get("phi0", 0.0))
        swing = pair_of(r0, phi0, period)
    if not (np.isfinite(phi0) and r0 >= 0 and r0 * levels.max() < 1):
        raise ValueError(
            f"r0={r0:g}, phi0={phi0:g}: r0 must be at least 0 and below 1 / max S = "
            f"{1 / max(levels.max(), 1e-300):g}, or a chance would be negative."
        )
    if "p0" in values:
        p0 = np.asarray(values["p0"], np.float64)
        if p0.ndim and p0.shape != (size,):
            raise ValueError(f"p0 has shape {p0.shape} for {counted(size, 'post')}.")
        p0 = np.broadcast_to(p0, size)
    else:
        shape = number("p0_shape")
        if "p0_mean" in values:
            mean = np.full(size, number("p0_mean"))
        else:
            slope = float(np.asarray(values["p0_slope"])) * levels
            mean = np.exp(float(np.asarray(values["p0_level"])) + slope)
        p0 = rng.gamma(shape, mean / shape)
    if not (np.isfinite(p0).all() and (p0 >= 0).all()):
        raise ValueError("p0 has values that are negative or not finite.")
    theta = number("theta") if model.theta == "learned" else float(model.theta)
    return {"swing": swing, "tau": number("tau"), "theta": theta, "p0": p0}


def grow(
    rng: np.random.Generator,
    model: RetweetLaw,
    params: dict[str, Any],
    data: Cascades,
    pool: np.ndarray,
    first: tuple[np.ndarray, np.ndarray, np.ndarray],
    max_events: int,
) -> list[np.ndarray]:
    """Post, times and followers of all that the events of a first generation set off, not sorted.

    Each event draws a Poisson number of candidates from the kernel at the highest chance that
    its post has from then on, and keeps each with the chance's share of it. Parameters are as
    `settled` gives them; the reposters' followers are drawn from `pool` with replacement.
    """
    s0, period = lengths_of(model, data)
    kernel = params["theta"], s0, model.tail
    p0, tau, until = params["p0"], params["tau"], np.asarray(data.until)
    sentiment = np.asarray(data.sentiment, np.float64)
    level = sentiment * np.hypot(*params["swing"])
    highest = p0 * (1 + level)
    mean = float(np.mean(pool))
    explosive = int(np.sum(p0 * mean >= 1))
    if explosive:
        warn(
            f"p0 times the reposters' mean followers ({mean:.4g}) is 1 or more for "
            f"{counted(explosive, 'post')} (largest {float(p0.max()) * mean:.3g}): their "
            f"cascades explode until the decay ends them.",
            ExplosionWarning,
        )
    post, times, followers = first
    out = [(post[:0], times[:0], followers[:0])]
    total = 0
    while len(post):
        left = np.maximum(until[post] - times, 0)
        age = times - np.asarray(data.post_times)[post]
        expected = highest[post] * np.exp(-age / tau) * followers
        expected = expected * kernel_integral(left, *kernel)
        if total + expected.sum() > max_events:
            raise ValueError(
                f"More than {max_events:,} reposts: p0 or the followers are too large for the "
                f"window, or raise max_events."
            )
        number = rng.poisson(expected)
        parent = np.repeat(np.arange(len(post)), number)
        wait = kernel_quantile(rng.random(len(parent)), left[parent], *kernel)
        post, times = post[parent], times[parent] + wait
        swing = wave(params["swing"], sentiment[post], times + float(data.start), period)
        chance = np.exp(-wait / tau) * swing / (1 + level[post])
        # What events before the window set off before it is known, and no part of what is drawn.
        real = (rng.random(len(parent)) < chance) & (times >= 0) & (times <= until[post])
        post, times = post[real], times[real]
        followers = rng.choice(pool, len(post))
        total += len(post)
        out.append((post, times, followers))
    return [np.concatenate(part) for part in zip(*out, strict=True)]


def _window(
    window: Any, covariates: Covariates | None, unit: str
) -> tuple[float, float, dict[str, Any]]:
    clock: dict[str, Any] = {"unit": unit, "origin": None, "timezone": None}
    if covariates is not None:
        clock = {name: getattr(covariates, name) for name in clock}
    if window is None and covariates is not None:
        window = covariates.window
    if not isinstance(window, Sequence | np.ndarray) or len(window) != 2:
        raise ValueError(f"window={window!r} is not a pair (start, end).")
    frame = SimpleNamespace(**clock)
    low, high = (moment(v, frame, n, "data") for v, n in zip(window, ("start", "end"), strict=True))
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"The window {window} has no length. Give (start, end) with start < end.")
    if covariates is not None:
        covariates.require(low, high)
    return low, high, clock


def _refuse_endless(far: float, s0: float, unit: str) -> None:
    """Refuse times so far off that float64 cannot tell them apart as finely as s0 asks."""
    most = FINE * s0 / np.finfo(np.float64).eps
    if far > most:
        raise ValueError(
            f"The window reaches {far:.6g}{unit and f' {unit}s'} from time 0, where numbers lie "
            f"too far apart for a memory that begins with s0 = {s0:.3g}. Give a window within "
            f"{most:.3g}."
        )


def _gaps(gaps: Any, low: float, high: float, known: dict[str, Any]) -> Gaps:
    """The gaps within the window; `known` is the clock of the covariates, or the unit."""
    if gaps is None:
        return Gaps.none()
    frame, pairs = SimpleNamespace(**known), plain_gaps(gaps, FORMS_ALONE)
    if not isinstance(pairs, Mapping):
        pairs = [
            [moment(bound, frame, "a bound of gaps", "data") for bound in pair]
            for pair in pairs_of(pairs, "gaps", FORMS_ALONE)
        ]
    clock = Clock(np.array([low, high]), known["unit"])
    found = within(read_gaps(pairs, clock, ALONE), clock, ALONE, *np.array([[low], [high]]))
    _, start, end = merged(found)
    return Gaps(start - low, end - start)


def _from_midnight(start: float, clock: dict[str, Any]) -> tuple[np.float64, dict[str, Any]]:
    """A time, and its clock, counted from the midnight before the clock's origin."""
    if clock["origin"] is None:
        return np.float64(start), clock
    zero = ticks_of(clock["origin"])
    zone = clock["timezone"] or pd.Timestamp(clock["origin"]).tzinfo
    dates = Clock(np.array([zero]), clock["unit"], True, zone)
    begin = dates.midnight(zero)
    return start + dates.in_units(zero - begin), clock | {"origin": dates.show(begin)}


def _pool(name: str, values: Any) -> np.ndarray:
    array = np.atleast_1d(numbers(values, name))
    if array.ndim != 1 or not len(array) or not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError(f"{name} must be one or more numbers of at least 0.")
    return array


def _posts(
    rng: np.random.Generator,
    values: dict[str, Any],
    covariates: Covariates | None,
    low: float,
    high: float,
) -> np.ndarray:
    """Times of posts drawn from the background."""
    if "beta" not in values:
        raise ValueError("params do not have 'beta', the log rates of posts; or give post_times=.")
    beta = np.atleast_1d(np.asarray(values["beta"], np.float64))
    if covariates is None:
        rows, edges = np.ones((1, 1)), np.array([low, high])
    else:
        cut = covariates.between(low, high)
        rows, edges = cut.values, cut.edges
    if beta.shape != (rows.shape[1],) or not np.isfinite(beta).all():
        raise ValueError(f"beta has {beta.size} values for {counted(rows.shape[1], 'feature')}.")
    width = np.diff(edges)
    expected = np.exp(rows @ beta) * width
    if expected.sum() > MAX_EVENTS:
        raise ValueError(f"beta asks for {expected.sum():.3g} posts, more than {MAX_EVENTS:,}.")
    cell = np.repeat(np.arange(len(width)), rng.poisson(expected))
    return np.sort(edges[cell] + rng.random(len(cell)) * width[cell])
