"""Cascades from files."""

from __future__ import annotations

import os
from typing import Any

from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.dialect import split
from hawkesjax.inputs.tables import read_table
from hawkesjax.retweet.data.cascades import Cascades


@checked
def read_cascades(
    path: str | os.PathLike[str],
    *,
    time: str,
    followers: str | None,
    id: str | None = None,
    repost_of: str | None = None,
    cascade: str | None = None,
    sentiment: Any = None,
    original_time: str | None = None,
    original_followers: str | None = None,
    **options: Any,
) -> Cascades:
    """Cascades from a CSV or Parquet file.

    With `id` and `repost_of` the file is a table of posts and reposts
    (`Cascades.from_dataframe`); without them a list of cascades with times since each one's post
    (`Cascades.from_cascades`), a single one where `cascade` is None.

    Args:
        path: a file `.csv`, `.csv.gz` (UTF-8, with a header), `.parquet` or `.pq`. Checksums of
            Parquet pages are verified where the file has them (pyarrow writes them with
            `write_page_checksum=True`); without, a damaged byte may pass as other data.
        time, followers, id, repost_of, cascade, original_time, original_followers: its columns.
        sentiment: a column in a table of posts and reposts; otherwise as in `from_cascades`.
        separator: what stands between the fields of a CSV file.
        options: the other arguments of the constructor: window, horizon, unit, timezone, start,
            covariates, and the policies.

    Raises:
        ValueError: as the constructor, and if the file is not what its name says; rows of a CSV
            file are named by line (the header is line 1), rows of a Parquet file from 0.
        FileNotFoundError: if there is no such file.
        ImportError: if the file is Parquet and pyarrow is not installed.

    Example:
        >>> cascades = hj.read_cascades(
        ...     "tweets.csv", id="id", time="created_at", followers="followers",
        ...     repost_of="retweeted_id", unit="day", timezone="Europe/Madrid")
    """
    tweets = id is not None or repost_of is not None
    if tweets and (id is None or repost_of is None or cascade is not None):
        raise ValueError(
            "Name id= and repost_of= for a table of posts and reposts, or cascade= for a list of "
            "cascades with times since each one's post."
        )
    dialect, rest = split(options)
    used: dict[str, Any] = {"time": time, "followers": followers}
    if tweets:
        used |= {"id": id, "repost_of": repost_of, "sentiment": sentiment}
        used |= {"original_time": original_time, "original_followers": original_followers}
        table: Any = read_table(path, used, dialect)
        return Cascades.from_dataframe(table, **used, **rest)
    used["cascade"] = cascade
    table = read_table(path, used, dialect)
    return Cascades.from_cascades(table, **used, sentiment=sentiment, **rest)
