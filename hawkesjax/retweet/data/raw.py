"""Posts as platforms and papers write them, on their way to cascades."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import choice
from hawkesjax.inputs.checks import Rows, listed
from hawkesjax.inputs.clock import SECONDS
from hawkesjax.inputs.dialect import Dialect
from hawkesjax.inputs.files import TEXT, Content, read_content, refuse_idle
from hawkesjax.inputs.tables import Table, finished, table_of
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.data.formats.format import Ages, Post, Posts, Source
from hawkesjax.retweet.data.formats.registry import FORMATS, named, recognised

WAYS = ("post", "repost", "drop")
USED = {
    "id": "id",
    "time": "time",
    "followers": "followers",
    "repost_of": "repost_of",
    "original_time": "original_time",
    "original_followers": "original_followers",
}
PLAIN = {name: name for name in ("id", "time", "followers", "repost_of")}
NOBODY = {"followers": None}
AGED = {"cascade": "cascade", "time": "time", "followers": "followers"}


def read_raw(
    path: str | os.PathLike[str],
    format: str | None,
    dialect: Dialect,
    audience: bool,
    quotes: str,
    replies: str,
    options: dict[str, Any],
) -> Cascades:
    """Cascades from a file of one of the formats, or from a folder of files of a cascade each.

    Args:
        format: its name; None: that which the file is surely of.
        audience: whether numbers of followers are read, where the file has them.
        quotes, replies, options: as in `read_cascades`.
    """
    chosen = {"quotes": choice(quotes, "quotes", WAYS), "replies": choice(replies, "replies", WAYS)}
    sources = list(_sources(path, dialect))
    known = named(format) if format is not None else recognised(sources[0])
    if known is None and len(sources) == 1 and set(PLAIN) <= set(sources[0].columns):
        refuse_ways(**chosen)
        table: Any = table_of(sources[0].content, PLAIN, dialect)
        return Cascades.from_dataframe(table, **(PLAIN if audience else PLAIN | NOBODY), **options)
    if known is None:
        raise ValueError(_unknown(sources[0]))
    found = [known.read(source) for source in sources]
    if isinstance(found[0], Ages):
        return _of_ages(found, sources, dialect, audience, options)
    if len(found) > 1:
        raise ValueError(f"{path} is a folder. Name one file of {known.title}.")
    if not found[0].found:
        raise ValueError(f"{sources[0].name} has no post. Is it of another format?")
    return _of_posts(found[0], dialect, audience, chosen, options)


def refuse_ways(**chosen: str) -> None:
    """Refuse what is said of quotes and replies where a table does not tell them apart."""
    for name, way in chosen.items():
        if way != "post":
            raise ValueError(
                f"{name}={way!r} needs a file of a format, which tells {name} from posts. In a "
                f"table leave their rows out, or name the post that they repost."
            )


def _unknown(source: Source) -> str:
    names = listed((one.name for one in FORMATS), 20)
    shown = source.columns
    what = f" (its columns are {listed(shown, 8)})" if shown else ""
    return (
        f"{source.name} is of no format that is known by itself{what}. Name its columns, id=, "
        f"time=, followers= and repost_of=, or pass format=, one of {names}."
    )


def _sources(path: str | os.PathLike[str], dialect: Dialect) -> Iterator[Source]:
    """The file, or the text files of a folder in the order of their names."""
    folder = Path(path) if isinstance(path, (str, os.PathLike)) else None
    if folder is None or not folder.is_dir():
        yield _source(path, dialect)
        return
    files = sorted(one for one in folder.iterdir() if one.is_file() and one.name[0] != ".")
    if not files:
        raise ValueError(f"{folder} is a folder without files. Name a file of posts.")
    for file in files:
        yield _source(file, dialect)


def _source(path: Any, dialect: Dialect) -> Source:
    def beside(name: str) -> Content | None:
        if os.fspath(path) == "-":
            return None
        other = Path(path).parent / name
        return read_content(other) if other.is_file() else None

    content = read_content(path, TEXT)
    refuse_idle(content, dialect)
    return Source(content, dialect, beside)


def _of_posts(
    found: Any, dialect: Dialect, audience: bool, chosen: dict[str, str], options: dict[str, Any]
) -> Cascades:
    posts, touched = _by_policy(found, chosen)
    if not posts:
        raise ValueError("No post is left. Keep quotes or replies, which are all there is.")
    rows = Rows("line", np.array([post.line for post in posts], np.int64))
    frame = pd.DataFrame(
        {name: pd.Series([getattr(post, name) for post in posts], dtype=object) for name in USED}
    )
    used: dict[str, Any] = dict(USED)
    if not audience or bool(
        frame["followers"].isna().to_numpy().all()
    ):  # of a platform that does not tell them
        used["followers"] = used["original_followers"] = None
    table: Any = finished(Table(frame, rows), used, dialect)
    cascades = Cascades.from_dataframe(table, **used, **options)
    return replace(cascades, touched=(*touched, *cascades.touched))


def _by_policy(
    found: Posts, chosen: dict[str, str]
) -> tuple[list[Post], tuple[tuple[str, str, int], ...]]:
    """Posts whose quotes and replies are posts of their own, reposts, or left out, and how many of
    each there were; what answers and quotes at once is a reply."""
    out: list[Post] = []
    counts = dict.fromkeys(chosen, 0)
    for post in found.found:
        kind = None
        if post.repost_of is None:
            kind = "replies" if post.reply_to is not None else kind
            kind = "quotes" if kind is None and post.quote_of is not None else kind
        if kind is None:
            out.append(post)
            continue
        counts[kind] += 1
        if chosen[kind] == "post":
            out.append(replace(post, original_time=None, original_followers=None))
        elif chosen[kind] == "repost" and kind == "quotes":
            out.append(replace(post, repost_of=post.quote_of))
        elif chosen[kind] == "repost":
            alone = {"original_time": None, "original_followers": None}
            out.append(replace(post, repost_of=post.reply_to, **alone))
    touched = [(kind, chosen[kind], n) for kind, n in counts.items() if n]
    if found.others:
        touched.append(("others", "drop", found.others))
    return out, tuple(touched)


def _of_ages(
    found: list[Any],
    sources: list[Source],
    dialect: Dialect,
    audience: bool,
    options: dict[str, Any],
) -> Cascades:
    frame = pd.concat([one.frame for one in found], ignore_index=True)
    lines = np.concatenate([np.asarray(one.rows.number) for one in found])
    rows = Rows("line", lines)
    if len(found) > 1:
        which = np.repeat(np.arange(len(found)), [len(one.frame) for one in found])
        rows = Rows("row", lambda row: f"line {lines[row]} of {sources[which[row]].name}")
    used: dict[str, Any] = dict(AGED)
    if not audience or "followers" not in frame:
        used["followers"] = None
    table = finished(Table(frame, rows), used, dialect)
    frame = table.frame
    unit = str(options.get("unit") or "second").removesuffix("s")
    if unit not in SECONDS:
        raise ValueError(
            f"unit={options['unit']!r} is not known, and the file's times are seconds. Give one of "
            f"{', '.join(map(repr, SECONDS))}."
        )
    frame["time"] = frame["time"].astype(np.float64) / SECONDS[unit]
    rest = {name: value for name, value in options.items() if name != "unit"}
    for name in ("orphans", "early", "duplicates", "deleted"):
        if rest.pop(name, "error") != "error":
            raise ValueError(
                f"{name}={options[name]!r} has no meaning in cascades of times since their posts, "
                f"where each repost has its post. Leave it out."
            )
    if "start" in frame and rest.get("start") is None:
        rest["start"] = _starts(frame, found[0].start_in, unit)
    if rest.get("start") is None:
        rest.pop("timezone", None)
    given: Any = Table(frame, rows)
    return Cascades.from_cascades(given, **used, unit=unit, **rest)


def _starts(frame: pd.DataFrame, counted_in: str, unit: str) -> pd.Series:
    """When each cascade began: datetimes, or numbers in the unit."""
    first: Any = frame.drop_duplicates("cascade").set_index("cascade")["start"]
    first.index = first.index.astype(str)
    if counted_in == "seconds":
        return pd.Series(pd.to_datetime(first, unit="s", utc=True), first.index)
    return first.astype(np.float64) * (SECONDS["day"] / SECONDS[unit])
