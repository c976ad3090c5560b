"""Cascades from a table of posts and reposts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, column_of, refuse
from hawkesjax.inputs.clock import EXACT, read_times
from hawkesjax.inputs.tables import open_table
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, joined
from hawkesjax.retweet.data.audience import audience_of, read_levels


class FromTables:
    """What `Cascades` reads from tables of posts and reposts."""

    @classmethod
    def from_dataframe(
        cls,
        df: Any,
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
    ) -> Self:
        """Cascades from a table with one row per post and repost, in any order.

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
        chosen = Policies(
            orphans=orphans,
            missing_followers=missing_followers,
            early=early,
            late=late,
            duplicates=duplicates,
        )
        used = {"id": id, "time": time, "followers": followers, "repost_of": repost_of}
        used |= {"sentiment": sentiment, "original_time": original_time}
        df, rows = open_table(df, **used, original_followers=original_followers)
        if not len(df):
            raise ValueError("The table has no rows. Give at least one post.")
        own = read_identifiers(df[id], str(id), rows)
        refuse(own == "", str(id), "a missing identifier", "Every row needs one.", None, rows)
        target = read_identifiers(df[repost_of], str(repost_of), rows)
        keep = np.ones(len(df), bool)
        again = pd.Series(own).duplicated().to_numpy()
        remedy = "Take the copies out, or pass duplicates='first' to keep the first of each."
        what = "an identifier seen before"
        if chosen.apply("duplicates", again, str(id), what, remedy, own, rows):
            keep &= ~again
        root = _roots(own, target, keep, str(repost_of), rows)
        restore = orphans == "restore"
        described = (original_followers is None) == (followers is None)
        if restore and (original_time is None or not described):
            raise ValueError(
                "orphans='restore' builds missing posts from reposts: name the columns "
                "original_time= and original_followers=."
            )
        if followers is None and original_followers is not None:
            raise ValueError(
                "original_followers= needs followers=: without it everyone counts as one."
            )
        orphan = keep & (root < 0)
        remedy = "Add their posts to the table, or pass orphans='drop' (or 'restore')."
        what = "a repost of a post that is not in the table"
        chosen.apply("orphans", orphan, str(repost_of), what, remedy, target, rows)
        clock = read_times(df[time], str(time), unit, timezone, rows)
        audience = audience_of(df, followers, rows)
        whole = Rowset(clock.values, audience, rows, str(time), str(followers))
        is_post = keep & (target == "")
        place = np.cumsum(is_post) - 1
        post = np.where((root >= 0) & is_post[root], place[root], -1)
        told_by, names = np.flatnonzero(is_post), list(own[is_post])  # the rows that tell of posts
        posts = whole.kept(told_by)
        if restore and orphan.any():
            codes, lost, heads = _lost(own, target, orphan, rows)
            told_by, called = np.append(told_by, heads), rows.at(heads)
            told = read_times(df[original_time].iloc[heads], original_time, unit, timezone, called)
            clock, whole.values, added = joined(clock, told)
            reached = audience_of(df.iloc[heads], original_followers, called)
            posts = Rowset(
                np.append(whole.values[is_post], added),
                np.append(audience[is_post], reached),
                rows.at(told_by),
                f"{time}, {original_time}",
                f"{followers}, {original_followers}",
            )
            post[orphan] = len(names) + codes
            names += lost
        if not names:
            raise ValueError(
                f"No row is a post: every row of column {repost_of!r} names another. Add the "
                f"posts, or pass orphans='restore' where the reposts describe them."
            )
        levels = None if sentiment is None else df[sentiment].iloc[told_by]
        levels = read_levels(levels, len(names), str(sentiment), posts.rows)
        reposts = keep & (target != "") & (post >= 0)
        rest, seen = whole.kept(reposts), (window, horizon, covariates, chosen)
        return cls(**assemble(clock, posts, rest, post[reposts], levels, tuple(names), *seen))


def read_identifiers(values: Any, column: str, rows: Rows = ROWS) -> np.ndarray:
    """Identifiers as text, "" where missing; floats that may have lost digits are refused."""
    series: Any = column_of(values, column, rows)
    missing = series.isna().to_numpy(bool)
    if pd.api.types.is_float_dtype(series.dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~missing & ((np.abs(numbers) > EXACT) | (numbers != np.floor(numbers)))
        remedy = "Read this column as text (dtype=str) or as whole numbers (dtype='Int64')."
        what = "an identifier that floating point has rounded"
        refuse(wrong, column, what, remedy, numbers, rows)
        text = np.where(missing, 0, numbers).astype(np.int64).astype(str).astype(object)
    else:
        filled = series.astype(object).where(~missing, "")
        text = filled.map(lambda v: str(v).strip()).to_numpy(object)
    text[missing] = ""
    return text


def _roots(
    own: np.ndarray, target: np.ndarray, keep: np.ndarray, column: str, rows: Rows
) -> np.ndarray:
    """The row of the post at the end of each row's chain; -1 where it is not in the table."""
    kept = np.flatnonzero(keep)
    index = pd.Index(own[kept])
    found = index.get_indexer(pd.Index(target))
    parent = np.where(found >= 0, kept[found], -1)
    itself = np.arange(len(own))
    parent = np.where(target == "", itself, parent)
    remedy = "Leave repost_of empty in the rows of posts."
    self_made = (target != "") & (parent == itself)
    refuse(self_made, column, "a repost of itself", remedy, own, rows)
    root = parent
    for _ in range(64):
        further = np.where(root >= 0, parent[root], -1)
        if (further == root).all():
            return root
        root = further
    circle = (root >= 0) & (target[root] != "")
    refuse(circle, column, "a chain of reposts without a post at its end", remedy, own, rows)
    return root


def _lost(
    own: np.ndarray, target: np.ndarray, orphan: np.ndarray, rows: Rows
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Posts known through their reposts alone: each orphan's one, their names and first rows."""
    where = np.flatnonzero(orphan)
    codes, names = pd.factorize(target[where])
    remedy = "Name the first post of the chain in these rows, or pass orphans='drop'."
    what = "a repost of a repost whose post is not in the table"
    inner = np.isin(names, own)[codes]
    refuse(inner, "repost_of", what, remedy, target[where], rows.at(where))
    return codes, list(names), where[np.unique(codes, return_index=True)[1]]
