"""Covariates at the command line: a table, the calendar, things that last."""

from __future__ import annotations

import enum
import functools
from pathlib import Path
from typing import Annotated, Any

from hawkesjax.cli import options as o
from hawkesjax.cli.output import read_csv

PANEL = "Covariates"


class Feature(enum.StrEnum):
    day = "day"
    hour = "hour"
    month = "month"
    halfday = "halfday"
    weekend = "weekend"


Table = Annotated[
    Path | None,
    o.option(
        "CSV of features, a row a stretch of time: start and end, or time (a row holds until the "
        "next); every other column is a feature.",
        "--covariates",
        metavar="FILE",
        panel=PANEL,
    ),
]
Features = Annotated[
    list[Feature] | None,
    o.option("Features of the local calendar; repeat the option.", "--feature", panel=PANEL),
]
Events = Annotated[
    Path | None,
    o.option(
        "CSV of things that last (protests, holidays): start, end, and kind where there are "
        "several; a feature a kind, 1 while one is on.",
        "--events",
        metavar="FILE",
        panel=PANEL,
    ),
]


def read(
    hj: Any,
    data: Any,
    window: tuple[float, float],
    *,
    timezone: str | None,
    table: Path | None = None,
    features: list[Feature] | None = None,
    events: Path | None = None,
) -> Any:
    """The covariates that were named, side by side over a window; None where none was.

    Args:
        hj: hawkesjax.
        data: what has the clock: a panel, cascades.
        window: over which they must be known, in the data's absolute time.
        timezone, table, features, events: as typed.
    """
    from hawkesjax.inputs.moments import moments

    clock = {"unit": data.unit, "origin": data.origin, "timezone": timezone}
    ends = moments(data, window, timezone=timezone)
    parts = []
    if table is not None:
        parts.append(_table(hj, table, data, window, ends[1], timezone))
    if features:
        names = list(dict.fromkeys(feature.value for feature in features))
        parts.append(hj.Covariates.calendar(window, features=names, **clock))
    if events is not None:
        frame = read_csv(events)
        missing = {"start", "end"} - set(frame.columns)
        if missing:
            raise ValueError(
                f"{events} has no column {', '.join(sorted(missing))}; it needs start, "
                f"end, and kind where there are several kinds."
            )
        kind = "kind" if "kind" in frame.columns else None
        parts.append(
            hj.Covariates.intervals(
                frame, start="start", end="end", kind=kind, window=ends, intercept=True, **clock
            )
        )
    return functools.reduce(lambda a, b: a.join(b), parts) if parts else None


def _table(hj: Any, path: Path, data: Any, window: Any, until: Any, timezone: str | None) -> Any:
    frame = read_csv(path)
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
        raise ValueError(f"{path} has no column beside {', '.join(frame.columns)}: no feature.")
    return hj.Covariates.from_dataframe(frame, **given, **clock).aligned(data).between(*window)


def _after(times: Any, end: Any, path: Path) -> Any:
    """A moment after the window's end and after the last row, which holds until then."""
    import pandas as pd

    if isinstance(end, float):
        numbers: Any = pd.to_numeric(times, errors="coerce")
        return max(end, float(numbers.max())) + 1 if numbers.notna().all() else end
    try:
        last: Any = pd.to_datetime(times, utc=True, format="ISO8601").max()
    except ValueError as error:
        raise ValueError(
            f"{path}, column time: {times.iloc[0]} and the like are no ISO 8601 dates, which the "
            f"events have."
        ) from error
    zone = end.tzinfo
    end = end.tz_localize("UTC") if zone is None else end
    return (max(end, last) + pd.Timedelta(days=2)).tz_convert(zone)
