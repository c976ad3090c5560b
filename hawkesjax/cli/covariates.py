"""Covariates at the command line: a table, the calendar, lasting conditions."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hawkesjax.cli.groups import group, option
from hawkesjax.cli.output import read_side
from hawkesjax.covariates.counts import RATE
from hawkesjax.inputs.checks import refuse


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


@group("Covariates")
class Background:
    """Counts that the rate of posts follows."""

    counts: list[Path] | None = option(
        None,
        "CSV of counts per bin, of posts or of something else, or of means: time (or start) and "
        "count (or mean), above 0. The rate of posts follows them up to a factor that is learned. "
        "Repeat the option for those ahead, such as forecast.csv of counts forecast.",
    )

    def read(self, hj: Any, data: Any, window: tuple[float, float], file: Any) -> Any:
        """The log of the counts as a covariate, beside those of the data."""
        if self.counts is None:
            return data
        import pandas as pd

        frames = []
        for path in self.counts:
            frame = read_side(path, dialect=file.dialect())
            given = [
                next((name for name in names if name in frame.columns), None)
                for names in (("time", "start"), ("count", "mean"))
            ]
            if None in given:
                raise ValueError(f"{path} needs a column time or start, and one count or mean.")
            frames.append(frame[given].set_axis(["time", RATE], axis=1))
        frame = pd.concat(frames, ignore_index=True)
        values = np.asarray(pd.to_numeric(frame[RATE], errors="coerce"), np.float64)
        remedy = "Its logarithm is no number: give means above 0 there, or wider bins."
        refuse(~(np.isfinite(values) & (values > 0)), RATE, "no count above 0", remedy, values)
        frame[RATE] = np.log(values)
        known = hj.Covariates.from_dataframe(
            frame, time="time", until=_end(frame["time"], self.counts[0]),
            unit=data.unit or None, timezone=file.timezone,
        )  # fmt: skip
        known = known.aligned(data).between(*window)
        if data.covariates is not None:
            known = data.covariates.join(known)
        return data.with_covariates(known)

    def of(self, model: Any, data: Any) -> Any:
        """The model whose rate of posts follows the counts."""
        if self.counts is None:
            return model
        names = data.covariates.feature_names
        beta = np.where([name == RATE for name in names], 1.0, np.nan)
        return dataclasses.replace(model, fixed={**(model.fixed or {}), "beta": beta})


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


def _end(times: Any, path: Path) -> Any:
    """Where the last of even bins ends."""
    import pandas as pd

    starts: Any = pd.to_numeric(times, errors="coerce")
    if not starts.notna().all():
        try:
            zoned = pd.Timestamp(times.iloc[0]).tzinfo is not None
            starts = pd.to_datetime(times, utc=zoned, format="ISO8601")
        except ValueError as error:
            raise ValueError(
                f"{path}, column time: {times.iloc[0]} is no ISO 8601 date."
            ) from error
    if len(starts) < 2:
        raise ValueError(f"{path} has {len(starts)} rows; two or more tell how long a bin is.")
    starts = starts.sort_values()
    return starts.iloc[-1] + starts.diff().median()


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
