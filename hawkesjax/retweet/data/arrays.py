"""Cascades from arrays of posts and reposts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from hawkesjax.inputs.checks import ROWS, counted, same_length, unique_names
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.labels import read_indices
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, joined
from hawkesjax.retweet.data.audience import read_followers, read_levels


class FromArrays:
    """What `Cascades` reads from arrays."""

    @classmethod
    def from_arrays(
        cls,
        post_times: Any,
        post_followers: Any,
        times: Any,
        followers: Any,
        post: Any,
        *,
        sentiment: Any = None,
        window: Any = None,
        horizon: Any = None,
        names: Collection[Any] | None = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        early: str = "error",
        late: str = "error",
    ) -> Self:
        """Cascades from arrays, posts and reposts apart, in any order.

        Args:
            post_times: (P,) numbers in `unit`, or datetimes.
            post_followers: (P,) numbers of at least 0.
            times: (N,) times of the reposts, of the same kind.
            followers: (N,) numbers of at least 0.
            post: (N,) whole numbers 0 .. P-1: the post that each reposts; or its name.
            sentiment: (P,) levels of at least 0, or one number for all; 1 by default.
            names: P names, "0", "1", ... by default.
            window, horizon, unit, timezone, covariates, missing_followers, early, late: as in
                `from_dataframe`.

        Raises:
            ValueError: as `from_dataframe`.
        """
        chosen = Policies(missing_followers=missing_followers, early=early, late=late)
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
        levels = read_levels(sentiment, size, "sentiment")
        posts = Rowset(x, audience, ROWS, "post_times", "post_followers")
        reposts = Rowset(y, reached, ROWS, "times", "followers")
        seen = window, horizon, covariates, chosen
        return cls(**assemble(clock, posts, reposts, codes, levels, known, *seen))
