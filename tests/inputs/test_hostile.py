"""Hostile values at every argument of the doors of data: accepted, or refused in our own words.

The arguments are found by their signatures, so that a new one is tried, too.
"""

import datetime
import decimal
import inspect
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.inputs import dialect
from hawkesjax.retweet.data import sentiment


class Raises:
    """What raises whenever anything is asked of it."""

    def _refuse(self, *_, **__):
        raise RuntimeError("not today")

    __array__ = __len__ = __iter__ = __str__ = __float__ = __int__ = _refuse


HOSTILE = {
    "None": lambda: None,
    "NaN": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "minus inf": lambda: -np.inf,
    "-1": lambda: -1,
    "0": lambda: 0,
    "a huge number": lambda: 10**400,
    "a huger number": lambda: 10**5000,
    "a huge float": lambda: 1e308,
    "a number of 64 bits": lambda: 2**63,
    "a decimal": lambda: decimal.Decimal("1.5"),
    "a signalling NaN": lambda: decimal.Decimal("sNaN"),
    "True": lambda: True,
    "complex": lambda: 1j,
    "blank": lambda: "",
    "spaces": lambda: "  ",
    "text": lambda: "x",
    "NUL": lambda: "\0",
    "a lone surrogate": lambda: "\ud800",
    "bytes": lambda: b"t",
    "a duration": lambda: datetime.timedelta(1),
    "a date": lambda: datetime.date(2024, 5, 1),
    "a time of day": lambda: datetime.time(3),
    "NaT": lambda: pd.NaT,
    "NA": lambda: pd.NA,
    "no values": list,
    "nested": lambda: [[1, 2], [3]],
    "two by two": lambda: np.ones((2, 2)),
    "objects": lambda: np.array([object(), None, {}, "a"], object),
    "mixed": lambda: [1, "a", None, b"c", 2.5],
    "a set": lambda: {1, 2},
    "a dict": lambda: {"a": 1, "b": "\ud800"},
    "a generator": lambda: (n for n in (0, 1)),
    "masked": lambda: np.ma.masked_array([1.0, 2.0, 3.0, 4.0], [False, True, False, False]),
    "a masked number": lambda: np.ma.masked,
    "a table": lambda: pd.DataFrame([[0, 1], [2, 3]]),
    "a series": lambda: pd.Series([1.0, np.inf]),
    "a slice": lambda: slice(0, 2),
    "a class": lambda: Raises,
    "one that raises": Raises,
    "those that raise": lambda: [Raises(), Raises()],
    "a record": lambda: np.zeros(4, [("a", "f8")]),
    "a function": lambda: len,
}

EVENTS = pd.DataFrame(
    {"t": [0.5, 1.0, 2.0, 3.0], "k": list("abab"), "s": list("xxyy"), "n": [1.0, 2, 3, 4]}
)
POSTS = pd.DataFrame(
    {"i": list("pqrs"), "t": [0.0, 1, 2, 3], "n": [9, 1, 2, 3], "of": [None, "p", "p", "p"]}
)
SINCE = POSTS.assign(c="p")
CELLS = pd.DataFrame({"a": [0.0, 1, 2], "b": [1.0, 2, 3], "x": [1.0, 2, 3], "y": list("uvu")})
LOG = pd.DataFrame({"t": [0.0, 1, 2, 5], "a": list("uvvu"), "b": list("vuuv"), "k": ["RT"] * 4})
PANEL = hj.EventPanel.from_dataframe(EVENTS, time="t", mark="k", sequence="s", window=(0, 4))
COVARIATES = hj.Covariates.from_dataframe(CELLS, start="a", end="b")
DAYTIME = hj.Covariates.from_dataframe(
    CELLS.rename(columns={"x": "z"}), start="a", end="b", features=["z"]
)
DATED = hj.Covariates.calendar(("2024-05-01", "2024-05-04"), unit="day", features=["day"])
CASCADES = hj.Cascades.from_dataframe(POSTS, id="i", time="t", followers="n", repost_of="of")
ACTIVITY = hj.Activity.from_messages(
    LOG, time="t", source="a", target="b", kind="k", bin=1, usual=(0, 4)
)
WORDS = pd.DataFrame(
    {"text": ["good day", "bad day", "fine sun", "grim rain"] * 3, "level": [5, 1, 5, 1] * 3}
)
DAYS = ("2024-05-01", "2024-05-04")
DOORS = {
    "from_arrays": (
        hj.EventPanel.from_arrays,
        {"times": [0.5, 1.0, 2.0, 3.0], "marks": list("abab"), "sequence": list("xxyy")},
    ),
    "from_dataframe": (
        hj.EventPanel.from_dataframe,
        {"df": EVENTS, "time": "t", "mark": "k", "sequence": "s"},
    ),
    "from_lists": (hj.EventPanel.from_lists, {"users": [([0.5, 1.0], [2.0, 3.0])]}),
    "between": (PANEL.between, {"a": 0.0, "b": 1.0}),
    "select": (PANEL.select, {"sequences": ["x"]}),
    "describe": (PANEL.describe, {}),
    "cascades.from_arrays": (
        hj.Cascades.from_arrays,
        {"post_times": [0.0, 1], "post_followers": [9, 1], "times": [1.0, 2], "followers": [1, 2],
         "post": [0, 0]},
    ),
    "cascades.from_dataframe": (
        hj.Cascades.from_dataframe,
        {"df": POSTS, "id": "i", "time": "t", "followers": "n", "repost_of": "of"},
    ),
    "from_cascades": (
        hj.Cascades.from_cascades,
        {"df": SINCE, "cascade": "c", "time": "t", "followers": "n", "window": (0, 4)},
    ),
    "cascades.between": (CASCADES.between, {"a": 0.0, "b": 1.0}),
    "cascades.select": (CASCADES.select, {"posts": ["p"]}),
    "with_covariates": (CASCADES.with_covariates, {"covariates": COVARIATES}),
    "from_messages": (
        hj.Activity.from_messages,
        {"messages": LOG, "time": "t", "source": "a", "target": "b", "kind": "k", "bin": 1,
         "usual": (0, 4)},
    ),
    "from_messages, arrays": (
        hj.Activity.from_messages,
        {"time": [0.0, 1, 2, 5], "source": [1, 2, 2, 1], "target": [2, 1, 1, 2], "bin": 1,
         "usual": (0, 4), "kind": ["RT"] * 4},
    ),
    "from_matrix": (
        hj.Activity.from_matrix,
        {"A": ([0, 1], [1, 0], [1.0, 2.0]), "b": [1.0, 2.0], "names": ["0", "1"]},
    ),
    "slide": (ACTIVITY.slide, {"usual": (1, 4)}),
    "slide by bins": (ACTIVITY.slide, {"bins": (1, 4)}),
    "posts": (ACTIVITY.posts, {"window": (0, 2)}),
    "unseen_share": (ACTIVITY.unseen_share, {"window": (0, 2)}),
    "times": (ACTIVITY.times, {"bins": [0, 1]}),
    "cells": (hj.Covariates.from_dataframe, {"df": CELLS, "start": "a", "end": "b"}),
    "steps": (
        hj.Covariates.from_dataframe,
        {"df": CELLS.drop(columns="b"), "time": "a", "until": 3.0, "reference": {"y": "u"}},
    ),
    "intervals": (
        hj.Covariates.intervals,
        {"df": CELLS, "start": "a", "end": "b", "window": (0, 4), "kind": "y"},
    ),
    "calendar": (hj.Covariates.calendar, {"window": DAYS, "unit": "day", "timezone": "UTC"}),
    "locate": (COVARIATES.locate, {"times": [0.5]}),
    "locate dates": (DATED.locate, {"times": ["2024-05-02"]}),
    "at": (COVARIATES.at, {"times": [0.5]}),
    "averaged": (COVARIATES.averaged, {"edges": [0.5, 1.5]}),
    "covariates.between": (COVARIATES.between, {"a": 0.5, "b": 1.5}),
    "dates between": (DATED.between, {"a": "2024-05-02", "b": "2024-05-03"}),
    "require": (COVARIATES.require, {"low": 0.0, "high": 1.0}),
    "join": (COVARIATES.join, {"other": DAYTIME}),
    "covariates.select": (COVARIATES.select, {"features": ["x"]}),
    "aligned": (COVARIATES.aligned, {"data": PANEL}),
    "detect_spike": (hj.katz.detect_spike, {"volume": [1, 9, 2]}),
    "sentiment_pipeline": (sentiment.sentiment_pipeline, {"language": "english"}),
    "keep_keywords": (
        sentiment.keep_keywords,
        {"df": WORDS, "text": "text", "keywords": ["day"]},
    ),
    "score_sentiment": (
        sentiment.score_sentiment,
        {"df": WORDS[["text"]], "text": "text", "examples": WORDS, "level": "level",
         "language": "english", "folds": 2},
    ),
    "read_events": (hj.read_events, {"path": "events.csv", "time": "t", "mark": "k"}),
    "read_cascades": (
        hj.read_cascades,
        {"path": "posts.csv", "id": "i", "time": "t", "followers": "n", "repost_of": "of"},
    ),
    "read_messages": (
        hj.read_messages,
        {"path": "log.csv", "time": "t", "source": "a", "target": "b", "kind": "k", "bin": 1.0,
         "usual": (0, 4)},
    ),
    "read_network": (
        hj.read_network, {"path": "edges.txt", "baselines": 1.0, "edges": "reposts"},
    ),
    "dialect": (dialect.Dialect, {}),
}  # fmt: skip


def tried(door, good):
    """Every argument with every hostile value, and hostile values within what is a column."""
    named = inspect.signature(door).parameters.values()
    for one in named:
        if one.kind is one.VAR_KEYWORD:
            continue
        for label, make in HOSTILE.items():
            yield f"{one.name}={label}", good | {one.name: make()}
            given = good.get(one.name)
            if isinstance(given, list | tuple):
                for place in (0, len(given) - 1):
                    mixed = [make() if n == place else item for n, item in enumerate(given)]
                    yield f"{label} within {one.name}", good | {one.name: type(given)(mixed)}
            if isinstance(given, pd.DataFrame):
                for column in given.columns:
                    mixed = given.astype({column: object})
                    mixed.at[1, column] = make()
                    yield f"{label} in column {column}", good | {one.name: mixed}


def wrong(door, call):
    """What a call ends in, unless it is accepted or refused in our own words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            door(**call)
    except (ValueError, TypeError, FileNotFoundError) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        if "/hawkesjax/" in where.filename and len(str(error).split()) > 3:
            return None
        return f"{type(error).__name__} of {where.filename[-40:]}:{where.lineno}: {error}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} of {where.filename[-40:]}:{where.lineno}: {error}"


@pytest.mark.parametrize("name", DOORS)
def test_hostile_values_are_refused_in_our_own_words(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EVENTS.to_csv("events.csv", index=False)
    POSTS.to_csv("posts.csv", index=False)
    LOG.to_csv("log.csv", index=False)
    (tmp_path / "edges.txt").write_text("a b\nb c\n")
    door, good = DOORS[name]
    door(**good)
    found = {label: wrong(door, call) for label, call in tried(door, good)}
    assert len(found) >= len(HOSTILE)
    bad = [f"{label}: {what}" for label, what in found.items() if what]
    assert not bad, "\n".join(bad)
