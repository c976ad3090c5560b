"""Cascades from a table of posts and reposts, a row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, column_of, refuse
from hawkesjax.inputs.clock import EXACT, read_times
from hawkesjax.inputs.columns import check_columns
from hawkesjax.inputs.moments import Fields
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, joined
from hawkesjax.retweet.data.audience import audience_of, read_levels


def fields_of_tweets(
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
    rows: Rows = ROWS,
    **policies: str,
) -> Fields:
    """The fields of cascades; arguments as in `Cascades.from_dataframe`.

    Args:
        rows: how errors call the rows.
    """
    chosen = Policies.of(**policies)
    if not isinstance(df, pd.DataFrame):
        if not hasattr(df, "to_pandas"):
            raise ValueError(f"Expected a pandas DataFrame, got {type(df).__name__}.")
        df = df.to_pandas()
    used = {
        "id": id,
        "time": time,
        "followers": followers,
        "repost_of": repost_of,
        "sentiment": sentiment,
        "original_time": original_time,
        "original_followers": original_followers,
    }
    check_columns(list(df.columns), used, "The table")
    if not len(df):
        raise ValueError("The table has no rows. Give at least one post.")
    own = read_identifiers(df[id], str(id), rows)
    refuse(own == "", str(id), "a missing identifier", "Every row needs one.", None, rows)
    target = read_identifiers(df[repost_of], str(repost_of), rows)
    keep = np.ones(len(df), bool)
    again = pd.Series(own).duplicated().to_numpy()
    remedy = "Take the copies out, or say duplicates='first' to keep the first of each."
    if chosen.apply("duplicates", again, str(id), "an identifier seen before", remedy, own, rows):
        keep &= ~again
    root = _roots(own, target, keep, str(repost_of), rows)
    restore = chosen.chosen.get("orphans") == "restore"
    if restore and (original_time is None or (original_followers is None) != (followers is None)):
        raise ValueError(
            "orphans='restore' builds missing posts from reposts: name the columns "
            "original_time= and original_followers=."
        )
    if followers is None and original_followers is not None:
        raise ValueError("original_followers= needs followers=: without it everyone counts as one.")
    orphan = keep & (root < 0)
    remedy = "Add their posts to the table, or say orphans='drop' (or 'restore')."
    what = "a repost of a post that is not in the table"
    chosen.apply("orphans", orphan, str(repost_of), what, remedy, target, rows)
    clock = read_times(df[time], str(time), unit, timezone, rows)
    audience = audience_of(df, followers, rows)
    whole = Rowset(clock.values, audience, rows, str(time), str(followers))
    is_post = keep & (target == "")
    posts, names = whole.kept(is_post), list(own[is_post])
    place = np.full(len(df), -1)
    place[is_post] = np.arange(is_post.sum())
    post = np.where(root >= 0, place[root], -1)
    levels: Any = None
    if sentiment is not None:
        levels = df[sentiment].reset_index(drop=True)
    if restore and orphan.any():
        lost = _Lost.of(df, own, target, orphan, original_time, original_followers, rows)
        told = read_times(lost.time, str(original_time), unit, timezone, lost.rows)
        clock, values, added = joined(clock, told)
        whole.values = values
        posts = Rowset(
            np.concatenate([values[is_post], added]),
            np.concatenate([audience[is_post], lost.followers]),
            _both(posts.rows, int(is_post.sum()), lost.rows),
            f"{time}, {original_time}",
            f"{followers}, {original_followers}",
        )
        post[orphan] = len(names) + lost.codes
        names += list(lost.names)
        if levels is not None:
            levels = pd.concat([levels[is_post], levels.iloc[lost.first]], ignore_index=True)
    elif levels is not None:
        levels = levels[is_post].reset_index(drop=True)
    if not names:
        raise ValueError(
            f"No row is a post: every row of column {repost_of!r} names another. Add the posts, "
            f"or say orphans='restore' where the reposts describe them."
        )
    reposts = keep & (target != "") & (post >= 0)
    return assemble(
        clock,
        posts,
        whole.kept(reposts),
        post[reposts],
        read_levels(levels, len(names), str(sentiment), posts.rows),
        names=tuple(names),
        window=window,
        horizon=horizon,
        covariates=covariates,
        policies=chosen,
    )


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


@dataclass(frozen=True)
class _Lost:
    """Posts that are known through their reposts alone."""

    names: np.ndarray
    codes: np.ndarray
    first: np.ndarray
    time: Any
    followers: np.ndarray
    rows: Rows

    @classmethod
    def of(
        cls,
        df: Any,
        own: np.ndarray,
        target: np.ndarray,
        orphan: np.ndarray,
        time: Any,
        followers: Any,
        rows: Rows,
    ) -> _Lost:
        where = np.flatnonzero(orphan)
        named = pd.Index(own).get_indexer(pd.Index(target[where]))
        inner = named >= 0
        called = Rows(rows.word, lambda row: rows.name(int(where[row])))
        remedy = "Name the first post of the chain in these rows, or say orphans='drop'."
        what = "a repost of a repost whose post is not in the table"
        refuse(inner, "repost_of", what, remedy, target[where], called)
        codes, names = pd.factorize(pd.Series(target[where], dtype=object))
        heads = where[np.unique(codes, return_index=True)[1]]
        told = Rows(rows.word, lambda row: rows.name(int(heads[row])))
        return cls(
            names=np.asarray(names, object),
            codes=codes,
            first=heads,
            time=df[time].iloc[heads].reset_index(drop=True),
            followers=audience_of(df.iloc[heads], followers, told),
            rows=told,
        )


def _both(first: Rows, size: int, second: Rows) -> Rows:
    return Rows(first.word, lambda row: first.name(row) if row < size else second.name(row - size))
