"""Posts, the reposts of each with their followers, and the window in which they were seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.retweet.data import assemble as cascades_assemble
from hawkesjax.retweet.data import text as cascades_text
from hawkesjax.retweet.data.arrays import fields_of_arrays
from hawkesjax.retweet.data.frames import fields_of_tweets
from hawkesjax.retweet.data.lists import fields_of_cascades

Count = tuple[str, str, int]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Cascades:
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

    @classmethod
    def from_dataframe(
        cls,
        df: pd.DataFrame,
        *,
        id: Any,
        time: Any,
        followers: Any,
        repost_of: Any,
        sentiment: Any = None,
        original_time: Any = None,
        original_followers: Any = None,
        window: Any = None,
        horizon: Any = None,
        unit: str | None = None,
        timezone: str | None = None,
        covariates: Any = None,
        orphans: str = "error",
        missing_followers: str = "error",
        early: str = "error",
        late: str = "error",
        duplicates: str = "error",
    ) -> Cascades:
        """Cascades from a table of posts and reposts, a row each, in any order.

        A repost of a repost counts to the first post of the chain. What is wrong in a way that
        has more than one cure is an error until you choose one by name; `describe` says how many
        rows each choice touched.

        Args:
            df: the table.
            id: column of identifiers: text, or whole numbers (not floats beyond 2**53).
            time: column of times: numbers, datetimes with or without a zone, or ISO 8601 text.
            followers: column of the authors' numbers of followers; None where they are not known:
                everyone counts as one, and p0 is then per person who posted.
            repost_of: column of the identifier of the post that a row reposts, missing (or "")
                for a post.
            sentiment: column of levels of the posts, numbers of at least 0; that of a repost is
                not read. None: every post has level 1.
            original_time, original_followers: columns of reposts that describe their post, for
                `orphans="restore"`.
            window: (start, end) in the times' own terms. Posts and reposts before it are history.
                None: from the first post to the last row (with `horizon`, to the last post's).
            horizon: for how long after each post its reposts were collected, in `unit`; None:
                to the end of the window.
            unit: name of the numbers' unit; for datetimes the unit to convert them to: "second",
                "minute", "hour", "day" or "week".
            timezone: zone of datetimes without an offset, and of the clock on which the time of
                day is read ("Europe/Madrid").
            covariates: `Covariates` over the window.
            orphans: reposts whose post is not in the table: "error", "drop", or "restore": their
                post is built from `original_time` and `original_followers`.
            missing_followers: "error", "zero", or "median" (of the rows of its kind, posts or
                reposts, that have it).
            early: reposts before their post: "error" or "drop".
            late: rows after the end of the observation: "error" or "drop" (which censors them).
            duplicates: rows whose identifier an earlier row has: "error", or "first" to keep the
                earlier.

        Raises:
            ValueError: if anything but the order is wrong; names the column, the first offending
                rows (counted from 0) and a remedy. Nothing is dropped or changed but by choice.
        """
        fields = fields_of_tweets(
            df,
            id=id,
            time=time,
            followers=followers,
            repost_of=repost_of,
            sentiment=sentiment,
            original_time=original_time,
            original_followers=original_followers,
            window=window,
            horizon=horizon,
            unit=unit,
            timezone=timezone,
            covariates=covariates,
            orphans=orphans,
            missing_followers=missing_followers,
            early=early,
            late=late,
            duplicates=duplicates,
        )
        return cls(**fields)

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
        names: Sequence[Any] | None = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        early: str = "error",
        late: str = "error",
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
            window, horizon, unit, timezone, covariates, missing_followers, early, late: as in
                `from_dataframe`.

        Raises:
            ValueError: as `from_dataframe`.
        """
        fields = fields_of_arrays(
            post_times,
            post_followers,
            times,
            followers,
            post,
            sentiment=sentiment,
            window=window,
            horizon=horizon,
            names=names,
            unit=unit,
            timezone=timezone,
            covariates=covariates,
            missing_followers=missing_followers,
            early=early,
            late=late,
        )
        return cls(**fields)

    @classmethod
    def from_cascades(
        cls,
        df: pd.DataFrame,
        *,
        cascade: Any,
        time: Any,
        followers: Any,
        start: Any = None,
        sentiment: Any = None,
        window: Any = None,
        horizon: Any = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        late: str = "error",
    ) -> Cascades:
        """Cascades from a list of cascades with times since each one's post.

        The form of TiDeH, SEISMIC and evently: the first row of a cascade, at time 0, is the
        post itself.

        Args:
            df: a table with a row for each post and repost; rows of a cascade need not be
                together, but where several have one time, the first row is the earliest.
            cascade: column of cascades; None for a single one.
            time: column of numbers in `unit`, since the cascade's post.
            followers: column of numbers of followers; None: everyone counts as one.
            start: when each cascade was posted: a mapping or Series from names to numbers in
                `unit` or datetimes; None: all at 0, which leaves the time of day unknown.
            sentiment: a mapping or Series from names to levels, or one number for all.
            window, horizon, unit, timezone, covariates, missing_followers, late: as in
                `from_dataframe`.

        Raises:
            ValueError: as `from_dataframe`; for cascades without a row at time 0, and with
                negative times.
        """
        fields = fields_of_cascades(
            df,
            cascade=cascade,
            time=time,
            followers=followers,
            start=start,
            sentiment=sentiment,
            window=window,
            horizon=horizon,
            unit=unit,
            timezone=timezone,
            covariates=covariates,
            missing_followers=missing_followers,
            late=late,
        )
        return cls(**fields)

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

    def describe(self) -> pd.DataFrame:
        """A table of figures: posts, reposts, followers, ties, and what policies touched."""
        return cascades_text.describe(self)

    def to_dataframe(self) -> pd.DataFrame:
        """A row a post and repost: id, time, followers, repost_of, sentiment.

        Posts have their names as identifiers, reposts "name/1", "name/2", ... Times are absolute:
        datetimes where there is an `origin`.
        """
        return cascades_text.to_dataframe(self)

    def __repr__(self) -> str:
        return cascades_text.text(self)
