"""Cascades from tables: of posts and reposts, and of cascades with times since their posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import Rows, listed, refuse
from hawkesjax.inputs.clock import UNITS, Clock, read_times
from hawkesjax.inputs.identifiers import missing_in, read_identifiers
from hawkesjax.inputs.labels import read_labels
from hawkesjax.inputs.tables import open_table
from hawkesjax.retweet.data.assemble import (
    Policies,
    Rowset,
    assemble,
    audience_of,
    joined,
    read_levels,
)


class FromTables:
    """What `Cascades` reads from tables."""

    @classmethod
    @checked
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
        gaps: Any = None,
        horizon: Any = None,
        unit: str | None = None,
        timezone: str | None = None,
        covariates: Any = None,
        orphans: str = "error",
        missing_followers: str = "error",
        early: str = "error",
        late: str = "error",
        duplicates: str = "error",
        deleted: str = "error",
        zero_followers: str = "keep",
    ) -> Self:
        """Cascades from a table with one row per post and repost, in any order.

        A repost of a repost counts to the first post of the chain. What is wrong in a way that
        has more than one cure is an error until you choose one by name; `describe` says how many
        rows each choice touched.

        Args:
            df: the table.
            id: column of identifiers: text, or whole numbers (not floats beyond 2**53; "1.0" is 1).
            time: column of times: numbers, datetimes with or without a zone, or ISO 8601 text.
            followers: column of the authors' numbers of followers; None where they are not known:
                everyone counts as one, and p0 is then per person who posted.
            repost_of: column of the identifier of the post that a row reposts; missing, "" or a
                word for it ("NA", "null", "None", "nan", "<NA>") for a post.
            sentiment: column of levels of the posts, numbers of at least 0; that of a repost is
                not read. None: every post has level 1.
            original_time, original_followers: columns of reposts that describe their post, for
                `orphans="restore"`.
            window: (start, end) in the times' own terms, or a list of such pairs with gaps of the
                record between. Posts and reposts before it are history.
                None: from the first post to the last row (with `horizon`, to the last post's).
            gaps: stretches of the window in which nothing could be seen (a collector that was
                down, lost days): `(a, b)`, `[(a, b), ...]`, or a table of the columns start and
                end. What came before a gap is reposted after it; what came within is not known
                and counts as none. A repost whose post was lost is what `orphans` says.
            horizon: for how long after each post its reposts were collected, in `unit`; None:
                to the end of the window.
            unit: name of the numbers' unit; for datetimes the unit to convert them to: "second",
                "minute", "hour", "day" or "week".
            timezone: zone of datetimes without an offset, and of the clock on which the time of
                day is read ("Europe/Madrid").
            covariates: `Covariates` over the window.
            orphans: reposts whose post is not in the table: "error", "drop", or "restore": their
                post is built from `original_time` and `original_followers`. A post in a gap that
                is built so triggers reposts after it, and counts nowhere else.
            missing_followers: "error", "zero", or "median" (of the rows of its kind, posts or
                reposts, that have it).
            early: reposts before their post: "error" or "drop".
            late: rows after the end of the observation: "error" or "drop" (which censors them).
            duplicates: rows whose identifier an earlier row has: "error", or "first" to keep the
                earlier.
            deleted: with `orphans="restore"`, reposts of posts that no repost describes, such as
                deleted ones: "error" or "drop".
            zero_followers: posts of authors without followers, which nobody could have reposted as
                the model says: "keep" them, or count "at_least_one".

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
            deleted=deleted,
            zero_followers=zero_followers,
        )
        used = {"id": id, "time": time, "followers": followers, "repost_of": repost_of}
        used |= {"sentiment": sentiment, "original_time": original_time}
        df, rows = open_table(
            df, ("id", "time", "repost_of"), **used, original_followers=original_followers
        )
        if not len(df):
            raise ValueError("The table has no rows. Give at least one post.")
        own, target = read_identifiers(df, (id, repost_of), rows)
        refuse(own == "", str(id), "a missing identifier", "Every row needs one.", None, rows)
        keep = np.ones(len(df), bool)
        again = pd.Series(own).duplicated().to_numpy()
        remedy = "Take the copies out, or pass duplicates='first' to keep the first of each."
        if 2 * again.sum() > len(df):
            remedy = f"Most rows are copies: has column {str(id)!r} lost digits on its way here?"
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
        if 2 * orphan.sum() > np.sum(keep & (target != "")):
            remedy = (
                f"Most reposts are: are the identifiers in columns {str(id)!r} ({listed(own, 3)}) "
                f"and {str(repost_of)!r} of one kind? If so, {remedy[0].lower()}{remedy[1:]}"
            )
        what = "a repost of a post that is not in the table"
        chosen.apply("orphans", orphan, str(repost_of), what, remedy, target, rows)
        if restore and orphan.any():
            described = ~missing_in(df[original_time])
            unknown = orphan & ~np.isin(target, target[orphan & described])
            what = "a repost of a post that is not in the table, and that no repost describes,"
            remedy = "Add their posts to the table, or pass deleted='drop'."
            chosen.apply("deleted", unknown, str(repost_of), what, remedy, target, rows)
            keep, orphan = keep & ~unknown, orphan & ~unknown
        clock = read_times(df[time], str(time), unit, timezone, rows)
        audience = audience_of(df, followers, rows)
        whole = Rowset(clock.values, audience, rows, str(time), str(followers))
        is_post = keep & (target == "")
        place = np.cumsum(is_post) - 1
        post = np.where((root >= 0) & is_post[root], place[root], -1)
        rows_of, names = np.flatnonzero(is_post), list(own[is_post])  # the rows that describe posts
        posts = whole.take(rows_of)
        if restore and orphan.any():
            codes, lost, heads = _lost(own, target, orphan, described, str(repost_of), rows)
            rows_of, called = np.append(rows_of, heads), rows.at(heads)
            first = read_times(df[original_time].iloc[heads], original_time, unit, timezone, called)
            clock, whole.values, added = joined(clock, first)
            reached = audience_of(df.iloc[heads], original_followers, called)
            posts = Rowset(
                np.append(whole.values[is_post], added),
                np.append(audience[is_post], reached),
                rows.at(rows_of),
                f"{time}, {original_time}",
                f"{followers}, {original_followers}",
                len(lost),
            )
            post[orphan] = len(names) + codes
            names += lost
        if not names:
            raise ValueError(
                f"No row is a post: every row of column {repost_of!r} names another. Add the "
                f"posts, or pass orphans='restore' where the reposts describe them."
            )
        levels = None if sentiment is None else df[sentiment].iloc[rows_of]
        levels = read_levels(levels, len(names), str(sentiment), posts.rows)
        reposts = keep & (target != "") & (post >= 0)
        rest, seen = whole.take(reposts), (window, gaps, horizon, covariates, chosen)
        return cls(**assemble(clock, posts, rest, post[reposts], levels, tuple(names), *seen))

    @classmethod
    @checked
    def from_cascades(
        cls,
        df: Any,
        *,
        cascade: Any,
        time: Any,
        followers: Any,
        start: Any = None,
        sentiment: Any = None,
        window: Any = None,
        gaps: Any = None,
        horizon: Any = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        late: str = "error",
        zero_followers: str = "keep",
    ) -> Self:
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
            window, gaps, horizon, unit, timezone, covariates, missing_followers, late,
                zero_followers: as in `from_dataframe`.

        Raises:
            ValueError: as `from_dataframe`; for cascades without a row at time 0, and with
                negative times.
        """
        chosen = Policies(
            missing_followers=missing_followers, late=late, zero_followers=zero_followers
        )
        df, rows = open_table(df, cascade=cascade, time=time, followers=followers)
        since = read_times(df[time], str(time), unit, None, rows)
        if since.dated:
            raise ValueError(
                f"Column {time!r} holds datetimes, but must hold numbers since each cascade's "
                f"post. For a table of posts and reposts in calendar time use "
                f"Cascades.from_dataframe."
            )
        what, remedy = "a negative time", "Times count from the cascade's post, which is at 0."
        refuse(since.values < 0, str(time), what, remedy, since.values, rows)
        if cascade is None:
            codes, names = np.zeros(len(df), np.int64), ("0",)
        else:
            codes, names = read_labels(df[cascade], None, "cascade", str(cascade), rows)
        if not len(codes):
            raise ValueError("The table has no rows. Give at least one post.")
        lacking = np.array(names)[np.bincount(codes, minlength=len(names)) == 0]
        if len(lacking):
            raise ValueError(
                f"Column {str(cascade)!r}: the categories {listed(lacking, 5)} have no row, not "
                f"even a post. Leave them out: column.cat.remove_unused_categories()."
            )
        order = np.lexsort((since.values, codes))
        root = order[np.diff(codes[order], prepend=-1) != 0]
        begun_late = since.values[root] != 0
        if begun_late.any():
            lacking = listed(np.array(names)[begun_late], 5)
            raise ValueError(
                f"Column {time!r}: no row at time 0 in cascade {lacking}. "
                f"The first row of a cascade is its post, at time 0."
            )
        begun = _starts(start, names, unit, timezone)
        steps, at = since.values, begun.values
        if begun.dated:
            steps = np.rint(np.asarray(steps) * UNITS[unit]).astype(np.int64)
        if at.dtype != steps.dtype:
            at, steps = at.astype(np.float64), steps.astype(np.float64)
        values = at[codes] + steps
        clock = Clock(values, begun.unit, begun.dated, begun.zone, str(time))
        audience = audience_of(df, followers, rows)
        whole = Rowset(values, audience, rows, str(time), str(followers))
        later = np.ones(len(codes), bool)
        later[root] = False
        posts, reposts, levels = whole.take(root), whole.take(later), _levels(sentiment, names)
        seen = window, gaps, horizon, covariates, chosen
        return cls(**assemble(clock, posts, reposts, codes[later], levels, names, *seen))


def _roots(
    own: np.ndarray, target: np.ndarray, keep: np.ndarray, column: str, rows: Rows
) -> np.ndarray:
    """The row of the post at the end of each row's chain; -1 where it is not in the table."""
    kept = np.flatnonzero(keep)
    place = pd.Index(own[kept]).get_indexer(pd.Index(target))
    parent = np.where(place >= 0, kept[place], -1)
    itself = np.arange(len(own))
    parent = np.where(target == "", itself, parent)
    remedy = f"Leave column {column!r} empty in the rows of posts."
    refuse((target != "") & (parent == itself), column, "a repost of itself", remedy, own, rows)
    root, steps = parent, 1
    while steps < len(own):  # each round doubles the steps that are taken
        root, steps = np.where(root >= 0, root[root], -1), 2 * steps
    endless = (root >= 0) & (target[root] != "")
    refuse(endless, column, "a chain of reposts that runs in a circle", remedy, own, rows)
    return root


def _lost(
    own: np.ndarray,
    target: np.ndarray,
    orphan: np.ndarray,
    described: np.ndarray,
    column: str,
    rows: Rows,
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Posts known through their reposts alone: each orphan's one, their names and the first rows
    that describe them."""
    where = np.flatnonzero(orphan)
    codes, names = pd.factorize(target[where])
    told = described[where]
    first = np.unique(codes[told], return_index=True)[1]
    remedy = "Name the first post of the chain in these rows, or pass orphans='drop'."
    what = "a repost of a repost whose post is not in the table"
    inner = np.isin(names, own)[codes]
    refuse(inner, column, what, remedy, target[where], rows.at(where))
    return codes, list(names), where[told][first]


def _starts(start: Any, names: tuple[str, ...], unit: str, timezone: str | None) -> Clock:
    """The posting times on a clock, in the order of the names."""
    if start is None:
        if timezone is not None:
            raise ValueError("timezone= needs start=, the datetimes at which cascades began.")
        return Clock(np.zeros(len(names), np.int64), unit)
    return read_times(_by_name(start, names, "start"), "start", unit, timezone, _called(names))


def _levels(sentiment: Any, names: tuple[str, ...]) -> np.ndarray:
    if isinstance(sentiment, (Mapping, pd.Series)):
        sentiment = _by_name(sentiment, names, "sentiment")
    return read_levels(sentiment, len(names), "sentiment", _called(names))


def _called(names: tuple[str, ...]) -> Rows:
    return Rows("cascade", lambda row: repr(names[row]))


def _by_name(values: Any, names: tuple[str, ...], what: str) -> pd.Series:
    if not isinstance(values, (Mapping, pd.Series)):
        raise ValueError(
            f"{what} must be a mapping or Series from the names of cascades, not "
            f"{type(values).__name__}."
        )
    series = values if isinstance(values, pd.Series) else pd.Series(dict(values))
    series = series.set_axis([_name(label) for label in series.index])
    if series.index.has_duplicates:
        twice = series.index[series.index.duplicated()]
        raise ValueError(f"{what} names cascade {listed(twice, 5)} more than once.")
    missing = [name for name in names if name not in series.index]
    if missing:
        raise ValueError(f"{what} has no entry for cascade {listed(missing, 5)}. Give one each.")
    return series.loc[list(names)].reset_index(drop=True)


def _name(label: Any) -> str:
    whole = isinstance(label, (float, np.floating)) and float(label).is_integer()
    return str(int(label)) if whole else str(label)
