"""Features of time that are constant within cells: calendar, weather, protests, matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.covariates.calendar import FromCalendar
from hawkesjax.covariates.cells import FromTables
from hawkesjax.covariates.counts import FromCounts
from hawkesjax.covariates.features import INTERCEPT, distinct, listed_features
from hawkesjax.covariates.trend import FromTrend
from hawkesjax.inputs.arguments import ABOVE_0, number
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.checks import column_of, counted, kind_of_value, listed, listed_once, refuse
from hawkesjax.inputs.clock import ticks_of
from hawkesjax.inputs.html import Shown
from hawkesjax.inputs.moments import moment, moments, shown
from hawkesjax.inputs.names import name_lines
from hawkesjax.inputs.spans import aligned, read_clock, snapped

LAG = " lag "


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Covariates(Shown, FromTables, FromCalendar, FromTrend, FromCounts):
    """F features of time, constant within each of C consecutive cells without gaps.

    Cell c is `[edges[c], edges[c + 1])`, and the last one includes its end. Times are absolute:
    in `unit`, counted from `origin`, as those of an `EventPanel`.

    Build covariates with `calendar`, `intervals`, `trend`, `from_counts` or `from_dataframe`, and
    put them side by side with `join`; these check their arguments. The dataclass, a JAX pytree,
    checks nothing.

    Args:
        edges: (C + 1,) ascending times, in `unit` since `origin`.
        values: (C, F) the features within each cell.
        feature_names: F names.
        unit: name of the unit of time, "" if it has none.
        origin: ISO datetime of time 0, with its offset from UTC unless the times had no zone;
            None for times that were numbers.
        timezone: the zone in which the calendar was read and times are shown, None if not named.

    Example:
        >>> calendar = hj.Covariates.calendar(
        ...     ("2024-03-30", "2024-04-01"), unit="day", timezone="Europe/Madrid",
        ...     features=["weekend", "halfday"])
        >>> (24 * calendar.durations).round().tolist()  # the clocks went forward in the night
        [12.0, 12.0, 11.0, 12.0]
    """

    edges: Float[AnyArray, " edges"]
    values: Float[AnyArray, "edges-1 features"]
    feature_names: tuple[str, ...] = field(metadata={"static": True})
    unit: str = field(default="", metadata={"static": True})
    origin: str | None = field(default=None, metadata={"static": True})
    timezone: str | None = field(default=None, metadata={"static": True})

    @property
    def num_cells(self) -> int:
        """C."""
        return self.values.shape[-2]

    @property
    def num_features(self) -> int:
        """F."""
        return len(self.feature_names)

    @property
    def durations(self) -> Float[AnyArray, " cells"]:
        """Length of each cell, in `unit`."""
        return self.edges[1:] - self.edges[:-1]

    @property
    def window(self) -> tuple[float, float]:
        """First and last edge: the features are known between them."""
        return float(self.edges[0]), float(self.edges[-1])

    def describe(self) -> pd.DataFrame:
        """One row per feature: mean over time, smallest and largest value, share of time not 0."""
        weights = self.durations / self.durations.sum()
        return pd.DataFrame(
            {
                "feature": list(self.feature_names),
                "mean": weights @ self.values,
                "least": self.values.min(axis=0),
                "largest": self.values.max(axis=0),
                "time_not_0": weights @ (self.values != 0),
            }
        )

    def to_dataframe(self) -> pd.DataFrame:
        """One row per cell: start, end, features; datetimes where there is an `origin`."""
        edges = moments(self, self.edges)
        features = dict(zip(self.feature_names, self.values.T, strict=True))
        return pd.DataFrame({"start": edges[:-1], "end": edges[1:]} | features)

    def __repr__(self) -> str:
        """A summary that fits one screen for covariates of any size."""
        names = self.feature_names
        if not isinstance(self.edges, np.ndarray):
            return f"Covariates({listed(names)}, traced)"
        low, high = self.window
        unit = f" {self.unit}s" if self.unit else ""
        zone = f"; local time of {self.timezone}" if self.timezone else ""
        lines = [
            f"Covariates: {counted(len(names), 'feature')}, {counted(self.num_cells, 'cell')}",
            f"  window  {self._covered}, {high - low:.6g}{unit} long{zone}",
            "  features, and their mean over time",
        ]
        lines += name_lines(names, (f"{mean:>10.4g}" for mean in self.describe()["mean"]))
        return "\n".join(lines)

    @property
    def _covered(self) -> str:
        """The window in words."""
        return " to ".join(shown(self, self.window))

    def locate(self, times: Any) -> Int[np.ndarray, " times"]:
        """The cell of each time.

        Times that differ from an edge only by rounding (a few units in the last place) count as
        on it: both are converted from dates and rounded separately.

        Args:
            times: numbers in `unit` since `origin`, or datetimes where there is an origin.

        Raises:
            ValueError: for times outside the cells; names the first of them.
        """
        numbers = snapped(self._numbers(times), self.edges)
        outside = ~((numbers >= self.edges[0]) & (numbers <= self.edges[-1]))
        remedy = f"The covariates reach from {self._covered}: build them for a longer window."
        show = lambda row: shown(self, [numbers[row]])[0]  # noqa: E731
        refuse(outside, "times", "a time without covariates", remedy, show)
        cells = np.searchsorted(self.edges, numbers, side="right") - 1
        return np.minimum(cells, self.num_cells - 1)

    def at(self, times: Any) -> Float[AnyArray, "times features"]:
        """The features at each time: the row of its cell; arguments as in `locate`."""
        return self.values[self.locate(times)]

    def averaged(self, edges: Any) -> Covariates:
        """The features' means over time in bins that may cut across cells.

        For counts in bins that do not begin on the hour; an indicator becomes the share of the
        bin in which it is on.

        Args:
            edges: (B + 1,) ascending ends of the bins, as times in `locate`.

        Raises:
            ValueError: if they do not ascend, or reach beyond the covariates.
        """
        ends = snapped(self._numbers(edges), self.edges)
        if len(ends) < 2 or not np.all(np.diff(ends) > 0):
            raise ValueError("edges must be two or more ascending times.")
        self.require(ends[0], ends[-1])
        first = np.searchsorted(self.edges, ends[:-1], side="right") - 1
        last = np.searchsorted(self.edges, ends[1:], side="left") - 1
        sums = np.cumsum(self.values * self.durations[:, None], axis=0)
        inner = sums[np.maximum(last - 1, 0)] - sums[first]  # of the cells between first and last
        head = self.values[first] * (self.edges[first + 1] - ends[:-1])[:, None]
        tail = self.values[last] * (ends[1:] - self.edges[last])[:, None]
        means = (head + inner + tail) / np.diff(ends)[:, None]
        same = (first == last)[:, None]
        return replace(self, edges=ends, values=np.where(same, self.values[first], means))

    def between(self, a: Any, b: Any) -> Covariates:
        """The covariates over [a, b]; cells that extend beyond are cut.

        Args:
            a, b: numbers in `unit` since `origin`, or datetimes where there is an origin.

        Raises:
            ValueError: if a is not before b, or the covariates do not cover both.
        """
        low, high = (moment(v, self, n, "covariates") for v, n in ((a, "a"), (b, "b")))
        if not low < high:
            raise ValueError(f"between({a}, {b}): the first must be less than the second.")
        self.require(low, high)
        first, last = snapped(np.array([low, high]), self.edges)
        start = int(np.searchsorted(self.edges, first, side="right")) - 1
        stop = int(np.searchsorted(self.edges, last, side="left"))
        edges = np.concatenate([[low], self.edges[start + 1 : stop], [high]])
        return replace(self, edges=edges, values=self.values[start:stop])

    def require(self, low: float, high: float) -> None:
        """Refuse a window that the covariates do not cover.

        Args:
            low, high: numbers in `unit` since `origin`.

        Raises:
            ValueError: names both windows.
        """
        low, high = number(low, "low"), number(high, "high")
        first, last = snapped(np.array([low, high]), self.edges)
        if first < self.edges[0] or last > self.edges[-1]:
            raise ValueError(
                f"The covariates reach from {self._covered}, but are needed from "
                f"{' to '.join(shown(self, (low, high)))}. Build them for a longer window."
            )

    def join(self, other: Covariates) -> Covariates:
        """Both sets of features side by side, on the union of the edges.

        The clock is this one's: `other` is moved to its unit and origin. An intercept that both
        have is kept once.

        Raises:
            ValueError: if they do not cover the same window, share the name of a feature, or one
                has dates and the other numbers.
        """
        if not isinstance(other, Covariates):
            raise ValueError(f"other is {kind_of_value(other)}; it must be covariates, too.")
        other = other.aligned(self)
        theirs = snapped(other.edges, self.edges)
        if theirs[0] != self.edges[0] or theirs[-1] != self.edges[-1]:
            raise ValueError(
                f"These covariates reach from {self._covered}, the others from "
                f"{other._covered}. Build both for one window, or cut them with between()."
            )
        edges = np.unique(np.concatenate([self.edges, theirs]))
        rows = [np.searchsorted(own, edges[:-1], side="right") - 1 for own in (self.edges, theirs)]
        once = INTERCEPT in self.feature_names
        new = [i for i, n in enumerate(other.feature_names) if not (once and n == INTERCEPT)]
        names = distinct([*self.feature_names, *(other.feature_names[i] for i in new)])
        values = np.concatenate([self.values[rows[0]], other.values[rows[1]][:, new]], axis=1)
        return replace(self, edges=edges, values=values, feature_names=names)

    def lagged(self, by: Any, features: Sequence[str] | None = None) -> Covariates:
        """These covariates, and beside them what some features were a time before.

        `rain` as it was 3 hours ago becomes the feature `rain lag 3`. What was before the first
        edge is not known: the window begins later, by the longest lag.

        Args:
            by: one lag or several, positive, in `unit`.
            features: those that are lagged; by default all but the intercept.

        Raises:
            ValueError: for a lag that is not positive, or as long as the window, and as `select`.
        """
        given = listed_once(by) if pd.api.types.is_list_like(by) else [by]
        lags = [number(each, "by", ABOVE_0) for each in given or ()]
        if not lags:
            raise ValueError("by is empty. Give one lag or several.")
        named = [n for n in self.feature_names if n != INTERCEPT] if features is None else features
        low, high = self.window
        if not max(lags) < high - low:
            raise ValueError(
                f"by is {max(lags):g}, the covariates are known for {high - low:g}. Give a shorter "
                f"lag, or build them for a longer window."
            )
        part = self.select(named)
        result = self.between(low + max(lags), high)
        for lag in lags:
            names = tuple(f"{name}{LAG}{lag:g}" for name in part.feature_names)
            moved = replace(part, edges=self.edges + lag, feature_names=names)
            result = result.join(moved.between(*result.window))
        return result

    def interacted(self, first: str, second: str) -> Covariates:
        """These covariates, and beside them the products of two features.

        `rain` and `weekend` give the feature `rain:weekend`. The name of a category stands for all
        of its features: `day` for `day=Tuesday`, `day=Wednesday` and so on.

        Raises:
            ValueError: for a name that is neither a feature nor a category, and for twice the same.
        """
        pairs = [(a, b) for a in self._of(first) for b in self._of(second)]
        if first == second:
            raise ValueError(
                f"The product of {first!r} with itself is no interaction. Name two features."
            )
        columns = {name: self.values[:, i] for i, name in enumerate(self.feature_names)}
        more = np.stack([columns[a] * columns[b] for a, b in pairs], axis=1)
        names = distinct([*self.feature_names, *(f"{a}:{b}" for a, b in pairs)])
        return replace(
            self, values=np.concatenate([self.values, more], axis=1), feature_names=names
        )

    def _of(self, name: str) -> list[str]:
        """The features of a name, which may be that of a category."""
        if name in self.feature_names:
            return [name]
        levels = [
            each
            for each in self.feature_names
            if each.startswith(f"{name}=") and not (LAG in each or ":" in each)
        ]
        return levels or list(self.select([name]).feature_names)

    def select(self, features: Sequence[str]) -> Covariates:
        """The covariates with these features only, in the order given.

        Raises:
            ValueError: if one is unknown or repeated.
        """
        names = distinct(listed_features(features))
        unknown = [name for name in names if name not in self.feature_names]
        if unknown:
            raise ValueError(
                f"Unknown features: {listed(unknown)}. There are {listed(self.feature_names, 30)}."
            )
        columns = [self.feature_names.index(name) for name in names]
        return replace(self, values=self.values[:, columns], feature_names=names)

    def aligned(self, data: Any) -> Covariates:
        """The same covariates in the unit and from the origin of other data.

        Args:
            data: anything with a `unit` and an `origin`: a panel, other covariates.

        Raises:
            ValueError: if only one has dates, only one has a time zone, or the units differ and
                are not known.
        """
        edges = aligned(self.edges, self, data)
        if edges is self.edges:
            return self
        return replace(self, edges=edges, unit=data.unit, origin=data.origin)

    def _numbers(self, times: Any) -> np.ndarray:
        one = not pd.api.types.is_list_like(times) or isinstance(times, bytes)
        column = column_of([times] if one else times, "times")
        if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind in "fiu":
            return column.to_numpy(np.float64, na_value=np.nan)
        clock = read_clock(column, "times", self.unit, self.origin, self.timezone)
        if self.origin is None:
            raise ValueError("times are not numbers; the covariates' times are numbers.")
        return clock.in_units(clock.values - ticks_of(self.origin))
