"""Cascades from files."""

from __future__ import annotations

import os
from types import EllipsisType
from typing import Any, Literal

import numpy as np

from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.dialect import split
from hawkesjax.inputs.parts import part_of
from hawkesjax.inputs.tables import read_table
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.data.raw import read_raw, refuse_ways


@checked
def read_cascades(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    time: str | None = None,
    followers: str | EllipsisType | None = ...,
    id: str | None = None,
    repost_of: str | None = None,
    cascade: str | None = None,
    sentiment: Any = None,
    original_time: str | None = None,
    original_followers: str | None = None,
    quotes: Literal["post", "repost", "drop"] = "post",
    replies: Literal["post", "repost", "drop"] = "post",
    part: Any = None,
    **options: Any,
) -> Cascades:
    """Cascades from a file: a table whose columns are named, or posts as platforms write them.

    With `id` and `repost_of` the file is a table of posts and reposts
    (`Cascades.from_dataframe`); with `time` alone a list of cascades with times since each one's
    post (`Cascades.from_cascades`), a single one where `cascade` is None. Without any column it is
    of a `format`, which says itself where all of that stands.

    Args:
        path: a file, as in `hawkesjax.read_events`; or a folder of files of one cascade each.
        format: "twitter-v1" (tweets of the X/Twitter API v1.1), "twitter-v2" (pages with data and
            includes, or flattened tweets), "twarc-csv", "bluesky" (Jetstream, feeds, records),
            "mastodon" (statuses), "weibo-paths" (DeepHawkes, CasFlow), "tideh", "seismic" and
            "evently" (data.csv with its index.csv beside it, or one cascade). None: the one that
            the file is surely of.
        time, followers, id, repost_of, cascade, original_time, original_followers: its columns.
            `followers=None`: everyone counts as one, and so it is where a platform does not tell
            them.
        sentiment: a column in a table of posts and reposts; otherwise as in `from_cascades`.
        quotes, replies: of a `format`: posts of their own ("post"), reposts of what they quote or
            answer ("repost"), or left out ("drop"); `describe` counts them. What answers and
            quotes at once is a reply.
        part: `(k, n)`: the k-th (from 0) of n parts of the posts, with about as many reposts each,
            in their order; for processes that share the data (`docs/hosts.md`). All is read, and
            what is no part of it is not kept.
        options: the other arguments of the constructor: window, gaps, horizon, unit, timezone,
            start, covariates, and the policies; and how the file is written, as in
            `hawkesjax.read_events`. The unit of cascades that count seconds is "second" unless it
            is named.

    Raises:
        ValueError: as the constructor and `hawkesjax.read_events`; and for a file whose format is
            not sure.
        FileNotFoundError: if there is no such file.
        ImportError: as `hawkesjax.read_events`.

    Example:
        >>> cascades = hj.read_cascades(
        ...     "tweets.csv", id="id", time="created_at", followers="followers",
        ...     repost_of="retweeted_id", unit="day", timezone="Europe/Madrid")
        >>> cascades = hj.read_cascades(
        ...     "tweets.jsonl", format="twitter-v2", unit="hour", orphans="restore", quotes="drop")
    """
    dialect, rest = split(options)
    tweets = id is not None or repost_of is not None
    given = {"id": id, "time": time, "repost_of": repost_of, "cascade": cascade}
    given |= {"original_time": original_time, "original_followers": original_followers}
    given |= {"followers": followers if isinstance(followers, str) else None}
    named = [name for name, column in given.items() if column is not None]
    if format is not None and named:
        raise ValueError(
            f"format={format!r} says which columns there are. Leave out "
            f"{', '.join(f'{name}=' for name in named)}."
        )
    if not named:
        rest |= {} if sentiment is None else {"sentiment": sentiment}
        return _part(read_raw(path, format, dialect, followers is ..., quotes, replies, rest), part)
    refuse_ways(quotes=quotes, replies=replies)
    if followers is ...:
        raise ValueError(
            "followers= names no column. Name it, or pass followers=None where it is not known: "
            "everyone then counts as one."
        )
    if tweets and (id is None or repost_of is None or cascade is not None):
        raise ValueError(
            "Name id= and repost_of= for a table of posts and reposts, or cascade= for a list of "
            "cascades with times since each one's post."
        )
    used: dict[str, Any] = {"time": time, "followers": followers}
    if tweets:
        used |= {"id": id, "repost_of": repost_of, "sentiment": sentiment}
        used |= {"original_time": original_time, "original_followers": original_followers}
        table: Any = read_table(path, used, dialect)
        return _part(Cascades.from_dataframe(table, **used, **rest), part)
    used["cascade"] = cascade
    table = read_table(path, used, dialect)
    return _part(Cascades.from_cascades(table, **used, sentiment=sentiment, **rest), part)


def _part(data: Cascades, part: Any) -> Cascades:
    """The posts of a part, with about as many reposts as the others have."""
    if part is None:
        return data
    sizes = np.bincount(data.post, minlength=data.num_posts)
    return data.select(range(*part_of(sizes, part, "post")))
