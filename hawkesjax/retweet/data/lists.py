"""Cascades from the list-of-cascades form: times since each cascade's post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows, listed, refuse
from hawkesjax.inputs.clock import Clock, read_times
from hawkesjax.inputs.labels import read_labels
from hawkesjax.inputs.tables import open_table
from hawkesjax.retweet.data.assemble import Policies, Rowset, assemble, in_steps
from hawkesjax.retweet.data.audience import audience_of, read_levels


class FromLists:
    """What `Cascades` reads from lists of cascades."""

    @classmethod
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
        horizon: Any = None,
        unit: str = "",
        timezone: str | None = None,
        covariates: Any = None,
        missing_followers: str = "error",
        late: str = "error",
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
            window, horizon, unit, timezone, covariates, missing_followers, late: as in
                `from_dataframe`.

        Raises:
            ValueError: as `from_dataframe`; for cascades without a row at time 0, and with
                negative times.
        """
        chosen = Policies(missing_followers=missing_followers, late=late)
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
        steps = in_steps(since.values, unit, begun)
        at = begun.values
        if at.dtype != steps.dtype:
            at, steps = at.astype(np.float64), steps.astype(np.float64)
        values = at[codes] + steps
        clock = Clock(values, begun.unit, begun.dated, begun.zone, str(time))
        audience = audience_of(df, followers, rows)
        whole = Rowset(values, audience, rows, str(time), str(followers))
        later = np.ones(len(codes), bool)
        later[root] = False
        posts, reposts, levels = whole.kept(root), whole.kept(later), _levels(sentiment, names)
        seen = window, horizon, covariates, chosen
        return cls(**assemble(clock, posts, reposts, codes[later], levels, names, *seen))


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
