"""Covariates at the command line: a table, the calendar, lasting conditions."""

from __future__ import annotations

import enum
import functools
from pathlib import Path
from typing import Any

from hawkesjax.cli.groups import group, option
from hawkesjax.cli.output import read_side


class Feature(enum.StrEnum):  # typer has no lists of literals
    day = "day"
    hour = "hour"
    month = "month"
    halfday = "halfday"
    weekend = "weekend"


@group("Covariates")
class Covariates:
    """What else may drive the rate."""

    covariates: Path | None = option(
        None,
        "CSV of features, one row per stretch of time: start and end, or time (a row applies until "
        "the next); every other column is a feature.",
    )
    feature: list[Feature] | None = option(
        None, "Features of the local calendar; repeat the option."
    )
    events: Path | None = option(
        None,
        "CSV of lasting conditions (protests, holidays): start, end, and kind if there are "
        "several; one feature per kind, 1 while one is on.",
    )

    def read(self, hj: Any, data: Any, window: tuple[float, float], file: Any) -> Any:
        """The covariates given, side by side over a window in the data's absolute time; None
        without any. Dates and numbers are written as in the `file` of the data."""
        if self.covariates is None and not self.feature and self.events is None:
            return None
        from hawkesjax.inputs.moments import moments

        timezone, dialect = file.timezone, file.dialect()
        clock = {"unit": data.unit, "origin": data.origin, "timezone": timezone}
        ends = moments(data, window, timezone=timezone)
        parts = []
        if self.covariates is not None:
            parts.append(_table(hj, self.covariates, data, window, ends[1], timezone, dialect))
        if self.feature:
            names = list(dict.fromkeys(feature.value for feature in self.feature))
            parts.append(hj.Covariates.calendar(window, features=names, **clock))
        if self.events is not None:
            parts.append(_intervals(hj, self.events, ends, clock, dialect))
        return functools.reduce(lambda a, b: a.join(b), parts)


def _intervals(hj: Any, path: Path, ends: Any, clock: dict[str, Any], dialect: Any) -> Any:
    needed = "start, end, and kind if there are several kinds"
    frame = read_side(path, ("start", "end"), needed, dialect)
    kind = "kind" if "kind" in frame.columns else None
    return hj.Covariates.intervals(
        frame, start="start", end="end", kind=kind, window=ends, intercept=True, **clock
    )


def _table(
    hj: Any, path: Path, data: Any, window: Any, until: Any, timezone: str | None, dialect: Any
) -> Any:
    frame = read_side(path, dialect=dialect)
    clock = {"unit": data.unit or None, "timezone": timezone}
    if "time" in frame.columns:
        given = {"time": "time", "until": _after(frame["time"], until, path)}
    elif {"start", "end"} <= set(frame.columns):
        given = {"start": "start", "end": "end"}
    else:
        raise ValueError(
            f"{path} has neither a column time nor the columns start and end; its other columns "
            f"are features."
        )
    if not set(frame.columns) - {"time", "start", "end"}:
        raise ValueError(f"{path} has no column besides {', '.join(frame.columns)}: no feature.")
    return hj.Covariates.from_dataframe(frame, **given, **clock).aligned(data).between(*window)


def _after(times: Any, end: Any, path: Path) -> Any:
    """A moment after the window's end and after the last row, which applies until then."""
    import pandas as pd

    if isinstance(end, float):
        numbers: Any = pd.to_numeric(times, errors="coerce")
        return max(end, float(numbers.max())) + 1 if numbers.notna().all() else end
    try:
        last: Any = pd.to_datetime(times, utc=True, format="ISO8601").max()
    except ValueError as error:
        raise ValueError(
            f"{path}, column time: {times.iloc[0]} and the like are not ISO 8601 dates, unlike "
            f"those of the events."
        ) from error
    zone = end.tzinfo
    end = end.tz_localize("UTC") if zone is None else end
    return (max(end, last) + pd.Timedelta(days=2)).tz_convert(zone)
