"""Residuals of posts and of reposts by time rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import checked
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.likelihood import exponent, mean
from hawkesjax.retweet.memory.sums import reach
from hawkesjax.retweet.prepared import lengths_of
from hawkesjax.retweet.swing import wave
from hawkesjax.retweet.values import draws_of

KINDS = ("original", "repost")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


@checked
def residuals(
    model: RetweetLaw, values: Any, data: Cascades, *, join: bool = False
) -> pd.DataFrame:
    r"""Expected posts between successive posts, and expected reposts between reposts of a post.

    For posts the residuals are :math:`\int \mu(t) dt` from the post before (or the window's
    start), for reposts of post i :math:`\int p_i(t) f_i(t) dt` from its repost before (or from the
    post, or the window's start). Under the true parameters they are independent and unit
    exponential. Times in whole seconds tie, and ties have residuals of 0: with many of them the
    smallest residuals are too small whatever the model. A first post exactly on the window's start
    has waited for no time: its residual is NaN, and tests leave it out.

    What is left between a post's last repost and the end of its observation belongs to no
    residual. Where posts have few reposts that makes residuals too short: `join=True` lays posts
    end to end and adds each left-over to the next repost's residual.

    With integrated p0 the intensity of a post's reposts given its past is `(a + n) / (b + L)`
    times that of p0 = 1, with n reposts and exposure L so far and `Gamma(a, rate b)` the law of
    p0: a residual is `(a + n) log((b + L_after) / (b + L_before))`, and no post's own number of
    reposts is used before it is known. Otherwise p0 is as given, or `R / L` (profiled), which
    makes the residuals of posts with few reposts too even.

    Nothing is expected within gaps of the record, and what happened there is not known.

    Where all posts lie at the window's start (cascades without calendar time) there are no waiting
    times between posts: they have no rows, and `attrs["left out"]` says so.

    Integrals are sums over Gauss-Legendre nodes of panels that double from s0.

    Args:
        model: the model.
        values: natural parameters, an `Estimate`, or a `Posterior` (its mean is taken).
        data: the cascades.
        join: lay posts end to end.

    Returns:
        One row per event, posts first: mark ("original" or "repost"), sequence (the post's name),
        time (absolute), residual.
    """
    params = {name: v.mean(axis=0) for name, v in draws_of(values, model, data).items()}
    first = 0 if data.posts_at_once else -np.inf
    posts = np.flatnonzero(data.posts_seen & (data.post_times > first))
    posts = posts[np.argsort(np.asarray(data.post_times)[posts], kind="stable")]
    own = _posts(params["beta"], data, np.asarray(data.post_times)[posts])
    own[:1] = np.where(np.asarray(data.post_times)[posts[:1]] > 0, own[:1], np.nan)
    inside = np.flatnonzero(np.asarray(data.times) >= 0)
    between = _reposts(model, params, data, join)[inside]
    owner = np.concatenate([posts, np.asarray(data.post)[inside]])
    since = np.concatenate([np.asarray(data.post_times)[posts], np.asarray(data.times)[inside]])
    kind = np.repeat([0, 1], [len(posts), len(inside)])
    table = pd.DataFrame(
        {
            "sequence": pd.Categorical.from_codes(owner, list(data.names)),
            "mark": pd.Categorical.from_codes(kind, list(KINDS)),
            "time": since + float(data.start),
            "residual": np.concatenate([own, between]),
        }
    )
    if data.posts_at_once:
        table.attrs["left out"] = {KINDS[0]: "all at the window's start: no waiting times"}
    return table


def _posts(beta: np.ndarray, data: Cascades, times: np.ndarray) -> np.ndarray:
    gaps = data.gaps
    if data.covariates is None:
        return np.exp(beta[0]) * np.diff(times - gaps.before(times), prepend=0.0)
    cut = data.covariates.between(*data.window)
    ends = np.asarray(cut.edges) - float(data.start)
    edges = np.unique(np.concatenate([ends, gaps.start, gaps.end]))
    cell = np.clip(np.searchsorted(ends, edges[:-1], side="right") - 1, 0, len(ends) - 2)
    width = np.diff(edges - gaps.before(edges))
    total = np.concatenate([[0], np.cumsum(np.exp(cut.values @ beta)[cell] * width)])
    return np.diff(np.interp(times, edges, total), prepend=0.0)


def _reposts(model: RetweetLaw, params: dict, data: Cascades, join: bool) -> np.ndarray:
    """A residual for every repost (0 for those before the window)."""
    s0, period = lengths_of(model, data)
    rows = _rows(data, s0, period)
    kernel = {"theta": float(exponent(model, params)), "s0": s0, "tail": model.tail}
    here = reach(rows["age"], rows["weight"], rows["first"], **kernel)
    post, age = rows["post"], rows["age"]
    clock = np.remainder(float(data.start), period) + np.asarray(data.post_times)[post] + age
    swing = wave(params["swing"], np.asarray(data.sentiment)[post], clock, period)
    value = rows["quadrature"] * swing * np.exp(-age / float(params["tau"])) * here
    sums = np.bincount(rows["wait"], value, data.num_reposts + data.num_posts)
    out, left = _scaled(model, params, data, sums[: data.num_reposts], sums[data.num_reposts :])
    if join:
        inside = np.flatnonzero(np.asarray(data.times) >= 0)
        posts, first = np.unique(np.asarray(data.post)[inside], return_index=True)
        ahead = dict(zip(posts.tolist(), inside[first].tolist(), strict=True))
        carried = 0.0
        for i in range(data.num_posts):
            if i in ahead:
                out[ahead[i]] += carried
                carried = 0.0
            carried += left[i]
    return out


def _scaled(
    model: RetweetLaw, params: dict, data: Cascades, steps: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exposures between reposts, and after the last, times p0: known, or learned on the way."""
    post = np.asarray(data.post)
    if model.p0 != "integrated" and "p0" not in params:
        shape, rate = (np.asarray(part, np.float64) for part in model.p0_given(params, data))
        params = params | {"p0": (shape - 1) / np.maximum(rate, 1e-300)}
    if "p0" in params:
        return steps * params["p0"][post], left * params["p0"]
    shape = float(params["p0_shape"])
    rate = shape / np.asarray(mean(model, params, data), np.float64)
    inside = np.asarray(data.times) >= 0
    seen = np.concatenate([[0], np.cumsum(inside)])
    total = np.concatenate([[0.0], np.cumsum(steps)])
    first = np.searchsorted(post, np.arange(data.num_posts))
    before = total[:-1] - total[first][post]
    number = seen[:-1] - seen[first][post]
    reached = np.bincount(post, steps, data.num_posts)
    return (
        (shape + number) * np.log1p(steps / (rate[post] + before)),
        (shape + data.counts) * np.log1p(left / (rate + reached)),
    )


def _rows(data: Cascades, s0: float, period: float) -> dict[str, np.ndarray]:
    """Events and the nodes between them, by post and age, with the wait each node belongs to.

    Waits, without the gaps of the record, are numbered as the repost that ends them; the last one
    of post i is `N + i`.
    """
    num, size = data.num_posts, data.num_reposts
    post, ages = np.asarray(data.post), np.asarray(data.ages, np.float64)
    first = np.searchsorted(post, np.arange(num))
    previous = np.concatenate([[0.0], ages])[:size]
    previous[first[first < size]] = 0.0
    counts = np.bincount(post, minlength=num)
    last = np.where(counts > 0, np.append(ages, 0.0)[first + counts - 1], 0.0)
    begin = np.concatenate([previous, last])
    end = np.concatenate([ages, np.asarray(data.until) - np.asarray(data.post_times)])
    owner = np.concatenate([post, np.arange(num)])
    since, pieces = np.asarray(data.post_times)[owner], []
    for first, last in zip(*data.gaps.watched(), strict=True):
        low, high = np.maximum(begin, first - since), np.minimum(end, last - since)
        wait = np.flatnonzero(low < high)
        pieces.append((wait, low[wait], high[wait]))
    wait, low, high = map(np.concatenate, zip(*pieces, strict=True))
    parts = [(wait[:0], low[:0], low[:0])]
    step = np.full(len(wait), s0)
    while len(wait):
        stop = np.minimum(low + step, high)
        half = (stop - low)[:, None] / 2
        nodes = low[:, None] + half * (1 + NODES)
        parts.append((np.repeat(wait, 4), nodes.ravel(), (half * WEIGHTS).ravel()))
        going = stop < high
        wait, low, high = wait[going], stop[going], high[going]
        step = np.minimum(2 * step[going], period / 8)
    waits, nodes, factors = map(np.concatenate, zip(*parts, strict=True))
    age = np.concatenate([np.zeros(num), ages, nodes])
    whose = np.concatenate([np.arange(num), post, owner[waits]])
    weight = np.concatenate([data.post_followers, data.followers, np.zeros(len(nodes))])
    kind = np.repeat([0, 1, 2], [num, size, len(nodes)])
    order = np.lexsort((kind, age, whose))
    pad = np.zeros(num + size)
    whose = whose[order]
    return {
        "age": age[order],
        "weight": np.asarray(weight, np.float64)[order],
        "post": whose,
        "first": np.searchsorted(whose, np.arange(num)),
        "quadrature": np.concatenate([pad, factors])[order],
        "wait": np.concatenate([pad.astype(np.int64), waits])[order],
    }
