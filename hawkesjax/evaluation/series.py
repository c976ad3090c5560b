"""Counts in bins of equal length on a clock, with the bins that nobody watched named as gaps."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from hawkesjax.core.kept import Kept
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.bins import (
    added_up,
    bins_of,
    nanoseconds,
    one_series,
    read_column,
    short_width,
    step_of,
    ticks_in,
)
from hawkesjax.evaluation.past import Past, features_of
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import Rows, counted, kind_of_value, refuse
from hawkesjax.inputs.clock import Clock, read_bounds, read_times, stamps
from hawkesjax.inputs.dialect import split
from hawkesjax.inputs.gaps import ALONE, read_gaps
from hawkesjax.inputs.tables import open_table, read_table

FEW = 1 / 3  # share of missing rows above which they are more likely hours without events


@dataclass(frozen=True, eq=False, repr=False)
class CountSeries(Kept):
    """Counts of one kind of event in B consecutive bins of equal length, in absolute time.

    Build one with `from_series`, `from_dataframe` or `hawkesjax.read_counts`, which check their
    arguments; the dataclass checks nothing.

    Args:
        counts: (B,) whole numbers of at least 0; NaN in the gaps, bins that were not watched
            from end to end.
        index: (B,) starts of the bins on the local clock.
        width: length of a bin.
        unit: name of the unit of time, of rates and covariates.
        name: what is counted.
        covariates: features over all bins (and beyond, where they are known), or None.
        absent: how many of the gaps are bins without a row.

    Example:
        >>> hours = pd.date_range("2024-03-04", periods=48, freq="h", tz="Europe/Madrid")
        >>> series = hj.CountSeries.from_series(pd.Series(range(48), index=hours)[hours.hour != 3])
        >>> int(series.observed.sum()), len(series.gaps)
        (46, 2)
    """

    counts: Float[np.ndarray, " bins"]
    index: pd.DatetimeIndex
    width: pd.Timedelta
    unit: str = "hour"
    name: str = "count"
    covariates: Covariates | None = None
    absent: int = 0

    drawn_by: ClassVar[str] = "plots.count_series"

    @classmethod
    @checked
    def from_series(cls, counts: Any, **options: Any) -> CountSeries:
        """Counts from a pandas Series whose index holds the bins' starts.

        Args:
            counts: the Series; NaN where a bin was not watched.
            options: as in `from_dataframe`: bin, unit, timezone, gaps, missing, covariates.

        Raises:
            ValueError: as `from_dataframe`, and for anything but such a Series.
        """
        if not isinstance(counts, pd.Series) or not isinstance(counts.index, pd.DatetimeIndex):
            raise ValueError("counts must be a pandas Series whose index holds datetimes.")
        name = "count" if counts.name is None else str(counts.name)
        table = pd.DataFrame({"time": counts.index, name: counts.to_numpy()})
        return cls.from_dataframe(table, time="time", count=name, **options)

    @classmethod
    @checked
    def from_dataframe(
        cls,
        table: Any,
        *,
        time: Any = "time",
        count: Any = "count",
        by: Any = None,
        series: str | None = None,
        bin: pd.Timedelta | str | None = None,
        unit: str = "hour",
        timezone: str | None = None,
        gaps: Any = None,
        missing: Literal["gap", "zero", "error"] = "gap",
        covariates: Covariates | None = None,
    ) -> CountSeries:
        """Counts from a table with one row per bin, in any order.

        Args:
            table: a pandas DataFrame, or anything with `to_pandas`.
            time: column of the bins' starts: datetimes.
            count: column of counts; NaN or empty where a bin was not watched.
            by: column that names the series of each row, where the table holds several.
            series: the one of them that is taken.
            bin: length of the bins; rows that are finer are added up, and a bin of which some
                row is missing is a gap. Bins begin where the local day is divided evenly. None:
                the smallest step between rows.
            unit: "second", "minute", "hour", "day" or "week".
            timezone: the local clock ("Europe/Madrid"), and the zone of datetimes without one.
            gaps: stretches in which nothing could be counted: a pair (start, end), a list of
                pairs, or a table of the columns start and end. Bins that meet one are gaps.
            missing: bins without a row between the first and the last: gaps, zero (files that
                leave out hours without events), or refused.
            covariates: features over all bins.

        Raises:
            ValueError: for a series that is not among those of the table, or none where there are
                several, a count that is negative or fractional, a time that comes twice or
                lies off the grid of bins, times that are not datetimes, covariates that do not
                reach over the series; names rows and remedies.
        """
        used = {"time": time, "count": count, "by": by}
        frame, rows = open_table(table, needed=("time", "count"), **used)
        frame, rows = one_series(frame, rows, by, series)
        clock = read_times(frame[time], str(time), unit, timezone, rows)
        if not clock.dated:
            raise ValueError(
                f"Column {time!r} holds numbers: hours of the day and of the week are not known. "
                f"Give datetimes, as in pandas.to_datetime({time!r}, unit='s', utc=True), or pass "
                f"dates='seconds' where a file is read."
            )
        values = read_column(frame[count], str(count), rows)
        ticks = np.asarray(clock.values, np.int64)
        order = np.argsort(ticks, kind="stable")
        twice = np.zeros(len(ticks), bool)
        twice[order[1:]] = np.diff(ticks[order]) == 0
        remedy = "Add these rows up, or take one of several series: by= and series=."
        show = lambda row: clock.show(ticks[row])  # noqa: E731
        refuse(twice, str(time), "a time that comes twice", remedy, show, rows)
        if len(ticks) < 2:
            raise ValueError(f"The series has {counted(len(ticks), 'bin')}; two are needed.")
        step = step_of(ticks, order, clock, str(time), rows)
        bins = (ticks - ticks.min()) // step
        full = np.full(int(bins.max()) + 1, np.nan)
        present = np.zeros(len(full), bool)
        full[bins], present[bins] = values, True
        absent = int((~present).sum())
        if absent and missing == "error":
            first = clock.show(ticks.min() + step * int(np.flatnonzero(~present)[0]))
            raise ValueError(
                f"{counted(absent, 'bin')} of {len(full):,} have no row, the first at {first}. "
                f"Pass missing='gap' if they were not watched, or missing='zero' if nothing "
                f"happened in them."
            )
        if missing == "zero":
            full[~present], absent = 0.0, 0
        edges = int(ticks.min()) + step * np.arange(len(full) + 1)
        if gaps is not None:
            holes = read_gaps(gaps, clock, ALONE)
            for low, high in zip(holes.start, holes.end, strict=True):
                full[(edges[:-1] < high) & (edges[1:] > low)] = np.nan
        starts, width = edges[:-1], step
        if bin is not None:
            full, starts, width = added_up(full, starts, step, ticks_in(bin, step), clock)
        if not np.isfinite(full).any():
            raise ValueError("Every bin is a gap: there is no count.")
        result = cls(
            full,
            stamps(starts, clock.zone),
            pd.Timedelta(width, "ns"),
            clock.unit,
            str(count) if series is None else f"{count} of {series}",
            absent=absent,
        )
        return result if covariates is None else result.with_covariates(covariates)

    @property
    def num_bins(self) -> int:
        """B."""
        return len(self.counts)

    @property
    def observed(self) -> Bool[np.ndarray, " bins"]:
        """(B,) whether the bin has a count."""
        return np.isfinite(self.counts)

    @property
    def edges(self) -> pd.DatetimeIndex:
        """(B + 1,) starts of the bins and the end of the last, on the local clock."""
        return pd.DatetimeIndex(self.index.append(self.index[-1:] + self.width))

    @property
    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Start of the first bin and end of the last, on the local clock."""
        first, last = pd.Timestamp(self.index[0]), pd.Timestamp(self.index[-1])
        return first, last + self.width

    def after(self, bins: int) -> pd.DatetimeIndex:
        """Starts of the next bins after the last."""
        width = self.width.to_timedelta64()
        return pd.DatetimeIndex(self.window[1] + pd.TimedeltaIndex(width * np.arange(bins)))

    @property
    def timezone(self) -> str | None:
        """The local clock's zone, None for datetimes without one."""
        zone = self.index.tz
        return None if zone is None else str(zone)

    @property
    def origin(self) -> str:
        """ISO datetime of the first bin's start, from which numbers of `unit` count."""
        return self.window[0].isoformat()

    @property
    def gaps(self) -> pd.DataFrame:
        """Start and end of each stretch of bins without a count."""
        lost = np.r_[False, ~self.observed, False].astype(np.int8)
        steps, edges = np.diff(lost), self.edges
        return pd.DataFrame(
            {"start": edges[np.flatnonzero(steps == 1)], "end": edges[np.flatnonzero(steps == -1)]}
        )

    def to_series(self) -> pd.Series:
        """The counts by the bins' starts, NaN in gaps."""
        return pd.Series(self.counts, index=self.index, name=self.name)

    def to_dataframe(self) -> pd.DataFrame:
        """One row per bin: start, end, count (NaN in gaps), and the features if there are any."""
        edges = self.edges
        frame = pd.DataFrame({"start": edges[:-1], "end": edges[1:], self.name: self.counts})
        if self.covariates is not None:
            values, names = features_of(self.covariates, self.index, self.width)
            frame = frame.assign(**dict(zip(names, values.T, strict=True)))
        return frame

    def describe(self) -> pd.DataFrame:
        """One row: bins, those in gaps, sum, mean, variance over mean, median, largest count, share
        of zeros."""
        seen = self.counts[self.observed]
        mean = seen.mean()
        row = {
            "bins": self.num_bins,
            "in_gaps": int((~self.observed).sum()),
            "without_a_row": self.absent,
            "events": seen.sum(),
            "mean": mean,
            "variance_over_mean": seen.var() / mean if mean > 0 else np.nan,
            "median": np.median(seen),
            "largest": seen.max(),
            "zeros": np.mean(seen == 0),
        }
        return pd.DataFrame([row], index=pd.Index([self.name], name="series"))

    def between(self, a: Any, b: Any) -> CountSeries:
        """The bins that lie in [a, b].

        Args:
            a, b: datetimes or their text; without a zone on the local clock.

        Raises:
            ValueError: if no bin lies there.
        """
        clock = Clock(np.zeros(0, np.int64), self.unit, True, self.index.tz)
        low, high = read_bounds([a, b], clock, Rows("bound", ("a", "b").__getitem__), "between")
        start = nanoseconds(self.index)
        kept = (start >= low) & (start + self.width.value <= high)
        if not kept.any():
            raise ValueError(
                f"No bin lies between {clock.show(low)} and {clock.show(high)}; the series reaches "
                f"from {self.window[0].isoformat()} to {self.window[1].isoformat()}."
            )
        place = np.flatnonzero(kept)
        part = slice(place[0], place[-1] + 1)
        return replace(self, counts=self.counts[part], index=self.index[part])

    def with_covariates(self, covariates: Covariates) -> CountSeries:
        """The same counts with features over all bins; those of before are joined.

        Raises:
            ValueError: if they do not reach over the series, or change within a bin.
        """
        if not isinstance(covariates, Covariates):
            raise ValueError(f"covariates are {kind_of_value(covariates)}; give hj.Covariates.")
        features_of(covariates, self.index, self.width)
        if self.covariates is not None:
            covariates = self.covariates.join(covariates)
        return replace(self, covariates=covariates)

    def past(self, ahead: pd.Timedelta | str) -> Past:
        """What a forecaster is given: all counts, and the bins of the time `ahead` of them.

        Args:
            ahead: how far to forecast: "8D", a Timedelta; whole bins.

        Raises:
            ValueError: for a length that is not whole bins, and covariates that end before.

        Example:
            >>> hours = pd.date_range("2024-03-04", periods=24 * 28, freq="h", tz="UTC")
            >>> series = hj.CountSeries.from_series(pd.Series(9, index=hours))
            >>> told = hj.forecasters.HourOfWeek()(series.past("1D"))
            >>> told.mean[:2].tolist()
            [9.0, 9.0]
        """
        bins = bins_of(ahead, self.width, "ahead")
        whole: Any = self.index.append(self.after(bins))
        features, names = features_of(self.covariates, whole, self.width)
        seen = np.flatnonzero(self.observed)
        return Past(
            counts=self.counts[seen],
            index=self.index[seen],
            ahead=whole[self.num_bins :],
            features=features[seen],
            features_ahead=features[self.num_bins :],
            feature_names=names,
        )

    def remarks(self) -> list[str]:
        """What a reader should know, in words."""
        lines = []
        if self.absent:
            lines.append(
                f"{counted(self.absent, 'bin')} without a row: not watched, so gaps"
                + (
                    "; so many may be bins without events (missing='zero')."
                    if self.absent > FEW * self.num_bins
                    else "."
                )
            )
        return lines

    def __repr__(self) -> str:
        seen, zone = self.counts[self.observed], self.timezone
        row = self.describe().iloc[0]
        lost = self.num_bins - len(seen)
        local = f", local time of {zone}" if zone else ""
        gaps = f", {lost:,} of them in {counted(len(self.gaps), 'gap')}" if lost else ""
        lines = [
            f"CountSeries: {seen.sum():,.0f} ({self.name}) in {counted(self.num_bins, 'bin')} of "
            f"{short_width(self.width)}{gaps}",
            f"  window  {self.window[0].isoformat()} to {self.window[1].isoformat()}{local}",
            f"  mean {row['mean']:.4g}, median {row['median']:.4g}, largest {row['largest']:,.0f}, "
            f"variance over mean {row['variance_over_mean']:.3g}",
        ]
        if self.covariates is not None:
            names = ", ".join(self.covariates.feature_names[:6])
            more = self.covariates.num_features - 6
            lines.append(f"  features  {names}" + (f" and {more} more" if more > 0 else ""))
        return "\n".join([*lines, *(f"  {line}" for line in self.remarks())])


@checked
def read_counts(
    path: str | os.PathLike[str],
    *,
    time: str = "time",
    count: str = "count",
    by: str | None = None,
    **options: Any,
) -> CountSeries:
    """Counts from a file with one row per bin.

    Args:
        path: a file, as in `hawkesjax.read_events`.
        time: column of the bins' starts.
        count: column of counts.
        by: column that names the series of each row, where the file holds several.
        options: the other arguments of `CountSeries.from_dataframe`, and how the file is written,
            as in `hawkesjax.read_events`.

    Raises:
        ValueError, FileNotFoundError, ImportError: as `hawkesjax.read_events` and
            `CountSeries.from_dataframe`.

    Example:
        >>> series = hj.read_counts("hours.csv", timezone="Europe/Madrid")
    """
    dialect, rest = split(options)
    used = {"time": time, "count": count, "by": by}
    table = read_table(path, used, dialect, types=_plain_types)
    return CountSeries.from_dataframe(table, **used, **rest)


def _plain_types(body: bytes, used: dict[str, Any], separator: str) -> dict[str, Any]:
    return {"dtype": None, "na_values": [""]}
