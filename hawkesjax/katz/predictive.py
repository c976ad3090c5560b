"""Activity that a model would draw in place of what was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hawkesjax.core.random import generator
from hawkesjax.katz.counts import factor_of, senders_of, target_bins
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.remembered import Remembered
from hawkesjax.katz.simulate import Chain


def replicated(
    model: KatzLaw, data: Activity, params: Any = None, key: Any = None, max_events: int = 0
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Events of each user over the bins of the fit, and of all users by bin, of the data or drawn:
    for ArviZ's predictive groups.

    An event is a bin in which a user was active, or a post for the Poisson link. Drawn is all that
    follows what was heard before the first bin, with baselines from their distribution.
    """
    first, last = target_bins(data)
    counts_posts = model.link_rule.posts
    if params is None:
        part = slice(*np.searchsorted(data.active_bin, (first, last)))
        users = np.asarray(data.active_user)[part]
        bins = np.asarray(data.active_bin)[part] - first
        posts = np.asarray(data.active_posts)[part]
    else:
        rng = generator(key)
        senders = senders_of(data, posts=counts_posts, memory=model.memory)
        state = senders.at(np.arange(data.num_users), np.full(data.num_users, first - 1))
        if model.baseline == "recent":
            b: Any = Remembered.at(params, model, data, first)
        elif "b" in params:
            b = np.asarray(params["b"])
        else:
            shape, mean = float(params["shape"]), float(params["mean"])
            b = rng.gamma(shape, mean / shape, data.num_users)
        factor = factor_of(data, model.common_factor, posts=counts_posts)
        chain = Chain(sparse.csc_array(data.matrix), model)
        heard = data.matrix @ state
        users, bins, posts = chain.run(
            float(params["alpha"]), b, factor, heard, rng, max_posts=max_events
        )
    events = posts if counts_posts else np.ones(len(posts))
    by_user = np.bincount(users, weights=events, minlength=data.num_users)
    by_bin = np.bincount(bins, weights=events, minlength=last - first)
    return {
        "events_of_user": (("user",), by_user.astype(np.int64)),
        "events_in_bin": (("fit_bin",), by_bin.astype(np.int64)),
    }
