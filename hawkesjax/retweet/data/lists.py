"""Cascades from the list-of-cascades form: times since each cascade's post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, listed, refuse
from hawkesjax.inputs.clock import Clock, read_times
from hawkesjax.inputs.columns import check_columns
from hawkesjax.inputs.labels import read_labels
from hawkesjax.inputs.moments import Fields
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, in_steps
from hawkesjax.retweet.data.audience import audience_of, read_levels


def fields_of_cascades(
    df: Any,
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
    rows: Rows = ROWS,
    **policies: str,
) -> Fields:
    """The fields of cascades; arguments as in `Cascades.from_cascades`.

    Args:
        rows: how errors call the rows.
    """
    chosen = Policies.of(**policies)
    if not isinstance(df, pd.DataFrame):
        raise ValueError(f"Expected a pandas DataFrame, got {type(df).__name__}.")
    used = {"cascade": cascade, "time": time, "followers": followers}
    check_columns(list(df.columns), used, "The table")
    since = read_times(df[time], str(time), unit, None, rows)
    if since.dated:
        raise ValueError(
            f"Column {time!r} holds datetimes, but must hold numbers since each cascade's post. "
            f"For a table of posts and reposts in calendar time use Cascades.from_dataframe."
        )
    what, remedy = "a negative time", "Times count from the cascade's post, which is at 0."
    refuse(since.values < 0, str(time), what, remedy, since.values, rows)
    if cascade is None:
        codes, names = np.zeros(len(df), np.int64), ("0",)
    else:
        codes, names = read_labels(df[cascade], None, "cascade", str(cascade), rows)
    if not len(codes):
        raise ValueError("The table has no rows. Give at least one post.")
    order = np.lexsort((since.values, codes))
    root = order[np.diff(codes[order], prepend=-1) != 0]
    late = since.values[root] != 0
    if late.any():
        raise ValueError(
            f"Column {time!r}: no row at time 0 in cascade {listed(np.array(names)[late], 5)}. "
            f"The first row of a cascade is its post, at time 0."
        )
    begun = _starts(start, names, unit, timezone)
    steps = in_steps(since.values, unit, begun)
    at = begun.values
    if at.dtype != steps.dtype:
        at, steps = at.astype(np.float64), steps.astype(np.float64)
    values = at[codes] + steps
    clock = Clock(values, begun.unit, begun.dated, begun.zone, str(time))
    audience = audience_of(df, followers, rows)
    whole = Rowset(values, audience, rows, str(time), str(followers))
    is_post = np.zeros(len(codes), bool)
    is_post[root] = True
    posts = Rowset(
        values[root],
        audience[root],
        Rows(rows.word, lambda i: rows.name(int(root[i]))),
        str(time),
        str(followers),
    )
    return assemble(
        clock,
        posts,
        whole.kept(~is_post),
        codes[~is_post],
        _levels(sentiment, names),
        names=names,
        window=window,
        horizon=horizon,
        covariates=covariates,
        policies=chosen,
    )


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
