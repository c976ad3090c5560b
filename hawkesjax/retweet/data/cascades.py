"""Posts, the reposts of each with their followers, and the window in which they were seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.retweet.data import assemble as cascades_assemble
from hawkesjax.retweet.data.arrays import FromArrays
from hawkesjax.retweet.data.frames import FromTables
from hawkesjax.retweet.data.lists import FromLists
from hawkesjax.retweet.data.text import AsTables

Count = tuple[str, str, int]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Cascades(FromTables, FromArrays, FromLists, AsTables):
    """P posts and their N reposts, seen from `start` to `start + length`.

    Times are differences to the window's start, formed in whole numbers or float64 before
    anything is rounded. What lies before the window has negative times: it triggers reposts
    within the window, but is no term of the likelihood. Reposts are sorted by post, then time,
    then row: where several have one time, the earlier row counts as the earlier.

    Absolute time `start + times` counts from `origin`; for datetimes that is the midnight (on
    the clock of their zone) before the window's start, so that whole days of absolute time are
    the host's midnights, up to daylight-saving changes within the window.

    Build cascades with `from_dataframe`, `from_arrays`, `from_cascades` or
    `hawkesjax.read_cascades`; they check what they are given. The dataclass itself checks
    nothing: it is a JAX pytree, and its leaves may be anything under a transformation.

    Args:
        post_times: (P,) time of each post since the window's start, in `unit`.
        post_followers: (P,) followers of its author.
        sentiment: (P,) level S of the post, at least 0; 1 where none was given.
        until: (P,) end of the observation of the post's reposts, at most `length`.
        times: (N,) time of each repost since the window's start.
        ages: (N,) time of each repost since its post.
        followers: (N,) followers of the reposter.
        post: (N,) the repost's post, 0 .. P-1.
        start: start of the window in absolute time.
        length: length of the window.
        covariates: features of time over the window (`Covariates`), or None.
        names: P names of the posts.
        unit: name of the unit of time, "" if it has none.
        origin: ISO datetime of absolute time 0 with its offset from UTC, None for numbers.
        timezone: name of the zone in which times are shown, None if they have none.
        touched: what named policies touched: (policy, choice, rows).

    Example:
        >>> data = hj.Cascades.from_arrays(
        ...     post_times=[0.0, 3.0], post_followers=[900, 20], times=[0.5, 1.0],
        ...     followers=[10, 30], post=[0, 0], window=(0, 5), unit="hour")
        >>> data.counts.tolist()
        [2, 0]
    """

    post_times: Float[AnyArray, " posts"]
    post_followers: Float[AnyArray, " posts"]
    sentiment: Float[AnyArray, " posts"]
    until: Float[AnyArray, " posts"]
    times: Float[AnyArray, " reposts"]
    ages: Float[AnyArray, " reposts"]
    followers: Float[AnyArray, " reposts"]
    post: Int[AnyArray, " reposts"]
    start: Float[Scalar, ""]
    length: Float[Scalar, ""]
    covariates: Any
    names: tuple[str, ...] = field(metadata={"static": True})
    unit: str = field(default="", metadata={"static": True})
    origin: str | None = field(default=None, metadata={"static": True})
    timezone: str | None = field(default=None, metadata={"static": True})
    touched: tuple[Count, ...] = field(default=(), metadata={"static": True})

    @property
    def num_posts(self) -> int:
        """P, those before the window too."""
        return len(self.names)

    @property
    def num_reposts(self) -> int:
        """N, those before the window too."""
        return self.post.shape[-1]

    @property
    def num_events(self) -> int:
        """Posts and reposts inside the window: the terms of the likelihood."""
        return int(np.sum(self.post_times >= 0) + np.sum(self.times >= 0))

    @property
    def window(self) -> tuple[float, float]:
        """Start and end, in absolute time."""
        return float(self.start), float(self.start + self.length)

    @property
    def counts(self) -> Int[np.ndarray, " posts"]:
        """Reposts of each post inside the window."""
        inside = np.asarray(self.times) >= 0
        return np.bincount(self.post[inside], minlength=self.num_posts).astype(np.int64)

    def between(self, a: Any, b: Any) -> Cascades:
        """The same posts and reposts seen through the window [a, b).

        What lies before a becomes history; what lies at or after b is not there yet. At the
        window's own end the end belongs to it, so that `between(*window)` keeps everything.

        Args:
            a, b: absolute times in `unit`, or datetimes where there is an `origin`.

        Raises:
            ValueError: if a is not before b, or they reach beyond the window.
        """
        return replace(self, **cascades_assemble.cut(self, a, b))

    def select(self, posts: Any) -> Cascades:
        """Some posts and their reposts, in the order given.

        Args:
            posts: names, or positions 0 .. P-1, or a mask of P booleans; a single name or
                position will do.

        Raises:
            ValueError: if one is unknown or repeated.
        """
        return replace(self, **cascades_assemble.choose(self, posts))

    def with_covariates(self, covariates: Any) -> Cascades:
        """The same cascades with other features of time.

        Raises:
            ValueError: if they do not cover the window.
        """
        return replace(self, covariates=cascades_assemble.fitting(covariates, self))
