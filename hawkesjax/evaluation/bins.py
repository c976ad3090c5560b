"""Bins of counts: their column and clock as given, their length, and wider ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, counted, listed, refuse
from hawkesjax.inputs.clock import Clock

MOST = 10_000_000  # bins


def short_width(width: pd.Timedelta) -> str:
    """ "1 hour", "5 minutes", "2 days"."""
    for name, seconds in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number = width.total_seconds() / seconds
        if number >= 1 and number == round(number):
            return counted(round(number), name)
    return str(width)


def bins_of(length: pd.Timedelta | str, width: pd.Timedelta, name: str) -> int:
    """A length of time in bins.

    Raises:
        ValueError: unless it is a whole number of them.
    """
    try:
        ratio = pd.Timedelta(length) / width
    except ValueError as error:
        raise ValueError(f"{name}={length!r} is not a length of time, such as '8D'.") from error
    if not ratio >= 1 or ratio != round(ratio):
        raise ValueError(f"{name}={length!r} is not a whole number of bins of {width}.")
    return round(ratio)


def one_series(frame: pd.DataFrame, rows: Rows, by: Any, series: Any) -> tuple[pd.DataFrame, Rows]:
    """The rows of one of several series, told by a column of names.

    Raises:
        ValueError: for a name that is not there, or none where there are several.
    """
    if by is None:
        if series is not None:
            raise ValueError(
                f"series={series!r} is one of several: name the column that tells them, by=."
            )
        return frame, rows
    names = frame[by].astype("str").str.strip().reset_index(drop=True)
    known = names[~frame[by].isna().to_numpy()].unique().tolist()
    if series is None and len(known) == 1:
        series = known[0]
    kept = np.flatnonzero(names == str(series)) if series is not None else []
    if not len(kept):
        lost = "names" if series is None else f"has no {str(series)!r}; it names"
        raise ValueError(
            f"Column {str(by)!r} {lost} {len(known):,} series: {listed(known, 30)}. "
            f"Choose one of them, series=."
        )
    return frame.iloc[kept], rows.at(kept)


def read_column(column: Any, name: str, rows: Rows = ROWS) -> np.ndarray:
    """Counts as floats, NaN where there is none; what is no count is refused."""
    given = column.reset_index(drop=True)
    numbers = np.asarray(pd.to_numeric(given, errors="coerce"), np.float64)
    text = given.astype("str").str.strip().str.lower()
    empty = given.isna().to_numpy(bool) | text.isin(["", "nan", "na", "none", "null"]).to_numpy()
    wrong = ~np.isfinite(numbers) & ~empty
    refuse(wrong, name, "no number", "Give whole numbers of at least 0.", given, rows)
    remedy = "Correct it, or leave it empty where nothing was counted: the bin is then a gap."
    refuse(numbers < 0, name, "a negative count", remedy, given, rows)
    remedy = "Give counts, not rates or averages."
    refuse(~empty & (numbers != np.rint(numbers)), name, "a fractional count", remedy, given, rows)
    return np.where(empty, np.nan, numbers)


def step_of(ticks: np.ndarray, order: np.ndarray, clock: Clock, time: str, rows: Rows) -> int:
    """The smallest step between rows, of which all others are multiples."""
    steps = np.diff(ticks[order])
    step = int(steps.min())
    off = np.zeros(len(ticks), bool)
    off[order[1:]] = (ticks[order[1:]] - ticks[order[0]]) % step != 0
    remedy = (
        f"Bins are {short_width(pd.Timedelta(step, 'ns'))} long, the smallest step between two "
        f"rows: give the start of one bin in each row."
    )
    show = lambda row: clock.show(ticks[row])  # noqa: E731
    refuse(off, time, "a time between the bins", remedy, show, rows)
    if int(ticks.max() - ticks.min()) // step >= MOST:
        raise ValueError(
            f"The series would have more than {MOST:,} bins of "
            f"{short_width(pd.Timedelta(step, 'ns'))}. Is one row off the hour?"
        )
    return step


def ticks_in(length: pd.Timedelta | str, step: int) -> int:
    """A length of time, whole bins of `step` nanoseconds, in nanoseconds."""
    bins = bins_of(length, pd.Timedelta(step, "ns"), "bin")
    return bins * step


def added_up(
    counts: np.ndarray, starts: np.ndarray, step: int, width: int, clock: Clock
) -> tuple[np.ndarray, np.ndarray, int]:
    """Sums over wider bins that begin where the first local day is divided by them; partial bins at
    the ends are left out, and a bin with a gap is one."""
    if width == step:
        return counts, starts, step
    zero = int(clock.midnight(starts[0]))
    owner = (starts - zero) // width
    owner -= owner[0]
    sums, rows = np.bincount(owner, counts), np.bincount(owner)
    kept = np.arange(len(sums))
    whole = rows >= width // step
    kept = kept[whole]
    if not len(kept):
        raise ValueError("No whole bin lies in the series. Give shorter ones.")
    first = (int(starts[0]) - zero) // width * width + zero
    return sums[kept], first + kept * width, width


def nanoseconds(index: pd.DatetimeIndex) -> np.ndarray:
    """Datetimes as nanoseconds since 1970."""
    plain = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return plain.as_unit("ns").asi8
