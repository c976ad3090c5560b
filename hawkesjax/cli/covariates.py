"""Covariates at the command line: a table, the calendar, lasting conditions."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli.groups import group, option
from hawkesjax.cli.output import read_side


@group("Covariates")
class Covariates:
    """What else may drive the rate."""

    covariates: Path | None = option(
        None,
        "CSV of features, one row per stretch of time: start and end, or time (a row applies until "
        "the next); every other column is a feature.",
    )
    holes: Literal["error", "hold", "indicate"] = option(
        "error",
        "Stretches that --covariates leaves out: refused; the last values hold on; or means, and a "
        "feature that says so.",
    )
    feature: list[str] | None = option(
        None,
        "Features of the local calendar: day, hour, month, halfday, weekend, or harmonics such as "
        "hour:2 and day:3; repeat the option.",
    )
    holidays: str | None = option(
        None, "Holidays as a feature: a country (ES, ES-MD), or dates apart by commas.", "DATES"
    )
    events: Path | None = option(
        None,
        "CSV of lasting conditions (protests, holidays): start, end, and kind if there are "
        "several; one feature per kind, 1 while one is on.",
    )

    def read(self, hj: Any, data: Any, window: tuple[float, float], file: Any) -> Any:
        """The covariates given, side by side over a window in the data's absolute time; None
        without any. Dates and numbers are written as in the `file` of the data."""
        calendar = bool(self.feature) or self.holidays is not None
        if self.covariates is None and not calendar and self.events is None:
            return None
        from hawkesjax.inputs.moments import moments

        timezone, dialect = file.timezone, file.dialect()
        clock = {"unit": data.unit, "origin": data.origin, "timezone": timezone}
        ends = moments(data, window, timezone=timezone)
        parts = []
        if self.covariates is not None:
            given = {"unit": data.unit or None, "timezone": timezone, "holes": self.holes}
            parts.append(_table(hj, self.covariates, data, window, ends[1], given, dialect))
        if calendar:
            names = list(dict.fromkeys(self.feature or ()))
            days = None if self.holidays is None else _holidays(self.holidays)
            parts.append(hj.Covariates.calendar(window, features=names, holidays=days, **clock))
        if self.events is not None:
            parts.append(_intervals(hj, self.events, ends, clock, dialect))
        return functools.reduce(lambda a, b: a.join(b), parts)


@group("Covariates")
class Course:
    """How the baseline changes with time."""

    trend: Literal["none", "exponential", "power", "learned"] = option(
        "none",
        "How the baseline changes with time: exponential, power (an ageing, as of cascades), or "
        "learned, which takes what forecast the past best (of none, too); needs --ahead or --cut.",
    )

    def of(self, hj: Any, model: Any, panel: Any, horizon: float | None, say: Any) -> Any:
        """The model with the trend asked for, as far as the horizon."""
        if self.trend == "none":
            return model
        if self.trend != "learned":
            return hj.with_trend(model, panel, self.trend, 1.001 * (horizon or 0.0))
        if horizon is None:
            raise ValueError("--trend learned chooses for a forecast: give --ahead.")
        found = hj.choose_trend(model, panel, horizon=horizon)
        say(f"Courses of the baseline, by how well they forecast the past:\n{found!r}")
        return found.model


def _intervals(hj: Any, path: Path, ends: Any, clock: dict[str, Any], dialect: Any) -> Any:
    needed = "start, end, and kind if there are several kinds"
    frame = read_side(path, ("start", "end"), needed, dialect)
    kind = "kind" if "kind" in frame.columns else None
    return hj.Covariates.intervals(
        frame, start="start", end="end", kind=kind, window=ends, intercept=True, **clock
    )


def _holidays(text: str) -> Any:
    """A country, or the dates that were typed."""
    return text if text[:1].isalpha() else [each.strip() for each in text.split(",")]


def _table(
    hj: Any, path: Path, data: Any, window: Any, until: Any, how: dict[str, Any], dialect: Any
) -> Any:
    frame = read_side(path, dialect=dialect)
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
    return hj.Covariates.from_dataframe(frame, **given, **how).aligned(data).between(*window)


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
