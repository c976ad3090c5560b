"""Reposts that a model would draw in place of those seen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from hawkesjax.core.random import generator
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.simulate import ExplosionWarning, grow, settled


def replicated(
    model: RetweetLaw, data: Cascades, params: Any = None, key: Any = None, max_events: int = 0
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Reposts of each post within the window, of the data or drawn: for ArviZ's predictive groups.

    Drawn are the reposts of the same posts, given what came before the window, each post's p0 from
    its distribution, and the reposters' followers from those seen; and the number of posts, where
    the data have calendar time.
    """
    prepared = model.prepare(data)
    if params is None:
        reposts, posts = data.counts, int(np.sum(data.posts_seen))
    else:
        rng = generator(key)
        pool = np.asarray(data.followers)
        own, before = np.asarray(data.post_times), np.asarray(data.times) < 0
        first = (
            np.concatenate([np.arange(data.num_posts), np.asarray(data.post)[before]]),
            np.concatenate([own, np.asarray(data.times)[before]]),
            np.concatenate([np.asarray(data.post_followers), pool[before]]),
        )
        law = settled(model, dict(params), data, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExplosionWarning)  # of draws beyond the cap
            grown = grow(
                rng, model, law, data, pool if len(pool) else np.zeros(1), first, max_events
            )
        seen = ~data.gaps.holds(grown[1])
        reposts = np.bincount(grown[0][seen], minlength=data.num_posts)
        rates = np.exp(np.asarray(prepared.features) @ np.asarray(params["beta"]))
        expected = float(np.sum(np.asarray(prepared.durations) * rates))
        posts = rng.poisson(expected) if expected <= max_events else np.nan
    found: dict[str, Any] = {"reposts": (("post",), np.asarray(reposts))}
    return found if data.posts_at_once else found | {"num_posts": ((), np.asarray(posts))}
