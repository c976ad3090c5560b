"""Cascades of which each process holds some posts, laid out over the devices of all."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import jax
import numpy as np

from hawkesjax.core.hosts import Shares, agreed, all_names, compare, exchange, own_parts
from hawkesjax.core.packing import digest
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.prepared import PreparedCascades, constants_of, prepare, totals_of

OF_POSTS = ("post_times", "post_followers", "sentiment", "until")
OF_REPOSTS = ("times", "ages", "followers")


def share_cascades(
    model: Any, data: Any, mesh: Any, dtype: Any = None
) -> tuple[PreparedCascades, Cascades]:
    """The whole of the cascades of all processes, prepared with a part on each device, and all
    their posts without reposts. Every process calls it.

    Args:
        model: the model.
        data: the cascades of this process.
        mesh: all devices, along the axis "hosts".
        dtype: floating type.

    Raises:
        ValueError: on all processes, where cascades of one of them cannot be evaluated so, or do
            not fit the others.
    """
    cuts = agreed(lambda: _cuts(model, data, mesh))
    own = {name: np.asarray(getattr(data, name)) for name in OF_POSTS}
    facts = exchange(
        {
            "names": data.names,
            "unit": data.unit,
            "origin": data.origin,
            "window": data.window,
            "gaps": (data.gaps.start.tolist(), data.gaps.end.tolist()),
            "covariates": "" if data.covariates is None else digest(data.covariates)[:8],
            "own": own,
            "sums": _sums(data),
            "horizon": float(np.max(data.ages, initial=0.0)),
        }
    )
    given = {name: name for name in ("unit", "window", "gaps", "covariates")}
    compare(facts, {**given, "origin": "window"})
    names = all_names([one["names"] for one in facts], "post")
    whole = {name: np.concatenate([one["own"][name] for one in facts]) for name in OF_POSTS}
    nothing = dict.fromkeys(OF_REPOSTS, np.zeros(0)) | {"post": np.zeros(0, np.int32)}
    frame = replace(data, **whole, **nothing, names=names)
    model.check(frame)

    pieces = [data.select(range(*cut)) for cut in cuts]
    horizon = max(one["horizon"] for one in facts)

    def prepared(least: dict[str, int]) -> list[PreparedCascades]:
        return agreed(lambda: [prepare(model, one, dtype, least, horizon) for one in pieces])

    parts = prepared({})
    known = list(chain.from_iterable(exchange([_known(one) for one in parts])))
    least = {name: max(one["sizes"][name] for one in known) for name in known[0]["sizes"]}
    swinging, backward = (any(one[name] for one in known) for name in ("swinging", "backward"))
    parts = prepared(least)
    parts = [
        replace(
            jax.tree.map(np.asarray, one),
            swinging=swinging,
            exposure=replace(jax.tree.map(np.asarray, one.exposure), backward=backward),
        )
        for one in parts
    ]
    real = np.dtype(parts[0].dtype)
    totals = np.stack([one["totals"] for one in known])
    bound, cut, guess = np.asarray(constants_of(totals, parts[0].period), real)
    identity = whole | {"sums": np.concatenate([one["sums"] for one in facts])}
    none = np.zeros(0, real)
    return replace(
        parts[0],
        exposure=None,
        phases=None,
        log_reach=np.zeros((0, parts[0].log_reach.shape[1]), real),
        reposts=none,
        total_age=none,
        sentiment=none,
        posts=np.sum([one["posts"] for one in known], axis=0).astype(real),
        bound=bound,
        cut=cut,
        guess=guess,
        num_events=np.asarray(sum(one["events"] for one in known), real),
        num_posts=len(names),
        shares=Shares.of(parts, identity | {"posts": parts[0].features}, mesh),
    ), frame


def _cuts(model: Any, data: Any, mesh: Any) -> list[tuple[int, int]]:
    """The posts of each device of this process; what cannot be shared is refused."""
    model.accept(data)
    if model.p0 == "free":
        raise ValueError(
            "p0='free' has a parameter for each post, which one process alone can learn: use "
            "p0='integrated' over hosts, or leave mesh out."
        )
    return own_parts(mesh, np.bincount(data.post, minlength=data.num_posts), "post")


def _known(part: PreparedCascades) -> dict[str, Any]:
    """What the processes tell one another of a part."""
    levels, reposts = (np.asarray(one, np.float64) for one in (part.sentiment, part.reposts))
    sums = part.exposure, part.phases, levels, reposts
    return {
        "sizes": part.sizes,
        "swinging": part.swinging,
        "backward": part.exposure.backward,
        "totals": totals_of(*sums, part.period, part.settings),
        "posts": np.asarray(part.posts, np.float64),
        "events": float(part.num_events),
    }


def _sums(data: Cascades) -> np.ndarray:
    """Sums over the reposts of each post, which tell cascades with equal posts apart."""
    columns = (np.ones(data.num_reposts), data.ages, data.followers)
    sums = [np.bincount(data.post, weights=one, minlength=data.num_posts) for one in columns]
    return np.stack(sums, axis=1)
