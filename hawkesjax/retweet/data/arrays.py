"""Cascades from arrays of posts and reposts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hawkesjax.inputs.checks import ROWS, counted, same_length, unique_names
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.labels import read_indices
from hawkesjax.inputs.moments import Fields
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, joined
from hawkesjax.retweet.data.audience import read_followers, read_levels


def fields_of_arrays(
    post_times: Any,
    post_followers: Any,
    times: Any,
    followers: Any,
    post: Any,
    *,
    sentiment: Any,
    window: Any,
    horizon: Any,
    names: Sequence[Any] | None,
    unit: str,
    timezone: str | None,
    covariates: Any,
    **policies: str,
) -> Fields:
    """The fields of cascades; arguments as in `Cascades.from_arrays`."""
    chosen = Policies.of(**policies)
    first = read_times(post_times, "post_times", unit, timezone)
    later = read_times(times, "times", unit, timezone if len(times) else None)
    audience = read_followers(post_followers, "post_followers")
    reached = read_followers(followers, "followers")
    same_length({"post_times": len(first.values), "post_followers": len(audience)})
    same_length({"times": len(later.values), "followers": len(reached), "post": len(post)})
    size = len(first.values)
    known = unique_names(range(size) if names is None else names, "post")
    if len(known) != size:
        raise ValueError(f"{counted(len(known), 'name')} for {counted(size, 'post')}.")
    codes, _ = read_indices(post, known, "post", "post", size)
    clock, x, y = joined(first, later)
    return assemble(
        clock,
        Rowset(x, audience, ROWS, "post_times", "post_followers"),
        Rowset(y, reached, ROWS, "times", "followers"),
        codes,
        read_levels(sentiment, size, "sentiment"),
        names=known,
        window=window,
        horizon=horizon,
        covariates=covariates,
        policies=chosen,
    )
