"""Who listens to whom: what a message says about attention, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import MISSING, Rows, column_of, listed, refuse, short
from hawkesjax.inputs.warned import warn

NOWHERE, FORWARD, BACKWARD, BOTH = 0, 1, 2, 3
WAYS = {"reposts": FORWARD, "messages": BACKWARD, "both": BOTH, None: NOWHERE}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


REPOSTS = _words(
    "rt rts retweet retweets retweeted repost reposts reposted reblog reblogs reblogged reshare "
    "reshares reshared share shares shared boost boosts boosted forward forwards forwarded"
)
# Who answers or quotes has read the post, as who reposts it.
REPLIES = _words(
    "re reply replies replied replied_to comment comments commented answer answers answered quote "
    "quotes quoted"
)
MENTIONS = _words("mt mention mentions mentioned at message messages")
NAMED = ("reposts", "messages", "attention")


class ActivityWarning(UserWarning):
    """Something in a log of messages that a user should know before trusting a ranking."""


def read_ways(
    kind: Any, edges: Any, size: int, rows: Rows, column: str, *, more: bool = False
) -> np.ndarray:
    """What edge each of `size` messages makes: 0 none, 1 its source listens, 2 its target listens,
    3 both; `edges` as in `Activity.from_messages`. Where they are `more` messages of a log, none
    of them need be a repost."""
    named = isinstance(edges, str) and edges in NAMED
    if not (named or edges is None or isinstance(edges, Mapping)):
        raise ValueError(
            f"edges={short(edges)} is not known. Pass one of {listed(NAMED)}, or map each kind to "
            f"'reposts' (its source listens), 'messages' (its target listens), 'both' or None."
        )
    if kind is None:
        return _without_kinds(edges, size)
    series: Any = column_of(kind, column, rows)
    refuse(series.isna(), column, "a missing kind", MISSING, None, rows)
    codes, labels = pd.factorize(series)
    names = [str(label).strip() for label in labels]
    if isinstance(edges, Mapping):
        table = _from_mapping(edges, names, column)
    else:
        table = _from_name(edges or "reposts", names, column, more)
    return np.array(table, np.int8)[codes] if len(codes) else np.zeros(0, np.int8)


def _without_kinds(edges: Any, size: int) -> np.ndarray:
    if edges is None:
        raise ValueError(
            "Which way do edges go? Pass edges='reposts' where a row means that the source "
            "reposted, answered or cited the target (the source listens), or edges='messages' "
            "where it is a message from source to target (the target listens); or name the "
            "column of kinds, kind=."
        )
    if isinstance(edges, Mapping):
        raise ValueError("edges maps kinds, but no column of kinds is named. Pass kind=.")
    return np.full(size, BACKWARD if edges == "messages" else FORWARD, np.int8)


def _from_mapping(edges: Mapping[Any, Any], names: list[str], column: str) -> list[int]:
    given = {str(name).strip(): way for name, way in edges.items()}
    known = (name for name, way in given.items() if isinstance(way, str | None) and way in WAYS)
    wrong = {name: given[name] for name in given.keys() - set(known)}
    if wrong:
        shown = ", ".join(f"{name!r}: {short(way)}" for name, way in wrong.items())
        raise ValueError(
            f"edges has {shown}. Map a kind to 'reposts' (its source listens to its target), "
            f"'messages' (its target listens to its source), 'both', or None for no edge."
        )
    unknown = [name for name in names if name not in given]
    if unknown:
        raise ValueError(
            f"Column {column!r} has kinds that edges does not name: {listed(unknown)}. Add them, "
            f"with None where they make no edge."
        )
    return [WAYS[given[name]] for name in names]


def _from_name(edges: str, names: list[str], column: str, more: bool) -> list[int]:
    if edges == "messages":
        return [BACKWARD] * len(names)
    plain = [name.lower() for name in names]
    heard = REPOSTS | REPLIES
    unknown = [n for n, low in zip(names, plain, strict=True) if low not in heard | MENTIONS]
    if edges == "attention":
        if unknown:
            raise ValueError(
                f"edges='attention' does not know the kinds {listed(unknown)} of column "
                f"{column!r}. Map all of them: edges={{{unknown[0]!r}: 'reposts', ...}}."
            )
        return [FORWARD if name in heard else BACKWARD for name in plain]
    table = [FORWARD if name in REPOSTS else NOWHERE for name in plain]
    if names and not any(table) and not more:
        raise ValueError(
            f"No kind in column {column!r} is known as a repost (there are {listed(names)}). "
            f"Map them: edges={{{names[0]!r}: 'reposts', ...}}."
        )
    if unknown:
        warn(
            f"Column {column!r} has kinds that are not known and make no edge: "
            f"{listed(unknown)}. Map all kinds with edges= where some should.",
            ActivityWarning,
        )
    return table
