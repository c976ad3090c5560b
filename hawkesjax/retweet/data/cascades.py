"""Posts, the reposts of each with their followers, and the window in which they were seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.inputs.checks import ROWS, column_of, counted, same_length, unique_names
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.labels import read_indices
from hawkesjax.retweet.data import assemble
from hawkesjax.retweet.data.frames import FromTables
from hawkesjax.retweet.data.gaps import Gaps
from hawkesjax.retweet.data.text import AsTables

Count = tuple[str, str, int]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Cascades(Kept, FromTables, AsTables):
    """P posts and their N reposts, seen from `start` to `start + length` outside of the gaps.

    Times are differences to the window's start, formed in whole numbers or float64 before
    anything is rounded. What lies before the window has negative times: it triggers reposts
    within the window, but is no term of the likelihood. Reposts are sorted by post, then time,
    then row: where several have one time, the earlier row counts as the earlier.

    Absolute time `start + times` counts from `origin`; for datetimes that is the midnight (on
    the clock of their zone) before the window's start, so that whole days of absolute time are
    the host's midnights, up to daylight-saving changes within the window.

    Build cascades with `from_dataframe`, `from_arrays`, `from_cascades` or `read_cascades`, which
    check what they are given; the dataclass, a JAX pytree, checks nothing.

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
        length: length of the window, gaps among it.
        covariates: features of time over the window (`Covariates`), or None.
        names: P names of the posts.
        unit: name of the unit of time, "" if it has none.
        origin: ISO datetime of absolute time 0 with its offset from UTC, None for numbers.
        timezone: name of the zone in which times are shown, None if they have none.
        touched: what named policies touched: (policy, choice, rows).
        gaps: stretches of the window in which nothing could be seen.

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
    gaps: Gaps = field(default_factory=Gaps.none)

    @property
    def num_posts(self) -> int:
        """P, those before the window too."""
        return len(self.names)

    @property
    def num_reposts(self) -> int:
        """N, those before the window too."""
        return self.post.shape[-1]

    @property
    def posts_seen(self) -> Bool[np.ndarray, " posts"]:
        """Whether each post was seen within the window: neither before it nor in a gap, where some
        are known from their reposts."""
        times = np.asarray(self.post_times)
        return (times >= 0) & ~self.gaps.holds(times)

    @property
    def num_events(self) -> int:
        """Posts and reposts seen within the window: the terms of the likelihood."""
        return int(np.sum(self.posts_seen) + np.sum(self.times >= 0))

    @property
    def observed(self) -> float:
        """Time that was watched: the window without the gaps of the record."""
        return float(self.length) - float(np.sum(self.gaps.length))

    @property
    def posts_at_once(self) -> bool:
        """Whether all posts of the window lie at its start, as those of cascades without calendar
        time do: such data say nothing of the rate of posts."""
        times = np.asarray(self.post_times)[self.posts_seen]
        return bool(np.any(times == 0)) and not np.any(times > 0)

    @property
    def window(self) -> tuple[float, float]:
        """Start and end, in absolute time."""
        return float(self.start), float(self.start + self.length)

    @property
    def counts(self) -> Int[np.ndarray, " posts"]:
        """Reposts of each post inside the window."""
        inside = np.asarray(self.times) >= 0
        return np.bincount(self.post[inside], minlength=self.num_posts).astype(np.int64)

    @classmethod
    @checked
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
        gaps: Any = None,
        horizon: Any = None,
        names: Sequence[Any] | None = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        early: str = "error",
        late: str = "error",
        zero_followers: str = "keep",
    ) -> Cascades:
        """Cascades from arrays, posts and reposts apart, in any order.

        Args:
            post_times: (P,) numbers in `unit`, or datetimes.
            post_followers: (P,) numbers of at least 0.
            times: (N,) times of the reposts, of the same kind.
            followers: (N,) numbers of at least 0.
            post: (N,) whole numbers 0 .. P-1: the post that each reposts; or its name.
            sentiment: (P,) levels of at least 0, or one number for all; 1 by default.
            names: P names, "0", "1", ... by default.
            window, gaps, horizon, unit, timezone, covariates: as in `from_dataframe`.
            missing_followers, early, late, zero_followers: as there.

        Raises:
            ValueError: as `from_dataframe`.
        """
        chosen = assemble.Policies(
            missing_followers=missing_followers,
            early=early,
            late=late,
            zero_followers=zero_followers,
        )
        times, post = column_of(times, "times"), column_of(post, "post")
        first = read_times(post_times, "post_times", unit, timezone)
        later = read_times(times, "times", unit, timezone if len(times) else None)
        audience = assemble.read_followers(post_followers, "post_followers")
        reached = assemble.read_followers(followers, "followers")
        same_length({"post_times": len(first.values), "post_followers": len(audience)})
        same_length({"times": len(later.values), "followers": len(reached), "post": len(post)})
        size = len(first.values)
        known = unique_names(range(size) if names is None else names, "post")
        if len(known) != size:
            raise ValueError(f"{counted(len(known), 'name')} for {counted(size, 'post')}.")
        codes, _ = read_indices(post, known, "post", "post", size)
        clock, x, y = assemble.joined(first, later)
        levels = assemble.read_levels(sentiment, size, "sentiment")
        posts = assemble.Rowset(x, audience, ROWS, "post_times", "post_followers")
        reposts = assemble.Rowset(y, reached, ROWS, "times", "followers")
        seen = window, gaps, horizon, covariates, chosen
        return cls(**assemble.assemble(clock, posts, reposts, codes, levels, known, *seen))

    def between(self, a: Any, b: Any) -> Cascades:
        """The same posts and reposts seen through the window [a, b).

        What lies before a becomes history; what lies at or after b is not there yet. At the
        window's own end the end belongs to it, so that `between(*window)` keeps everything.

        Args:
            a, b: absolute times in `unit`, or datetimes where there is an `origin`.

        Raises:
            ValueError: if a is not before b, or they reach beyond the window.
        """
        return replace(self, **assemble.cut(self, a, b))

    def select(self, posts: Any) -> Cascades:
        """Some posts and their reposts, in the order given.

        Args:
            posts: names, or positions 0 .. P-1, or a mask of P booleans; a single name or
                position will do.

        Raises:
            ValueError: if one is unknown or repeated.
        """
        return replace(self, **assemble.choose(self, posts))

    def with_covariates(self, covariates: Any) -> Cascades:
        """The same cascades with other features of time.

        Raises:
            ValueError: if they do not cover the window.
        """
        return replace(self, covariates=assemble.fitting(covariates, self))
