"""A stretch of time as given: one window, in datetimes or in numbers since an origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, column_of, kind_of_value, refuse, short
from hawkesjax.inputs.clock import EXACT, UNITS, Clock, read_bounds, read_times, ticks_of
from hawkesjax.inputs.windows import pair_of

NEAR = 8 * np.finfo(float).eps  # relative difference of two roundings of one date


def read_clock(
    values: Any,
    column: str,
    unit: str | None,
    origin: Any = None,
    timezone: str | None = None,
    rows: Rows = ROWS,
) -> Clock:
    """Read a column of times as `read_times`; numbers count from the datetime `origin` if there is
    one, and whole numbers that float64 cannot represent are refused."""
    if origin is None:
        clock = read_times(values, column, unit, timezone, rows)
        exact_numbers(clock, rows)
        return clock
    if isinstance(origin, Real):
        raise ValueError(f"origin={short(origin)} is not a datetime. Give the datetime of time 0.")
    zero = read_times([origin], "origin", unit, timezone)
    if not zero.dated:
        raise ValueError(f"origin={short(origin)} is not a datetime. Give the datetime of time 0.")
    if not pd.api.types.is_numeric_dtype(column_of(values, column, rows).dtype):
        clock = read_times(values, column, unit, timezone, rows)
        same_zones(clock, zero)
        return clock
    numbers = read_times(values, column, unit, None, rows)
    ticks = np.rint(numbers.values.astype(float) * zero.scale)
    remedy = "Nanoseconds reach from 1678 to 2261. Leave origin out, or use a coarser unit."
    far = np.abs(ticks + float(zero.values[0])) > 2**62
    refuse(far, column, "a time out of range", remedy, numbers.values, rows)
    return Clock(zero.values[0] + ticks.astype(np.int64), zero.unit, True, zero.zone, column)


def same_zones(a: Clock, b: Clock) -> None:
    """Refuse two columns of which only one has dates, or only one a time zone."""
    if a.dated != b.dated:
        dates, numbers = (a, b) if a.dated else (b, a)
        raise ValueError(
            f"Column {dates.column!r} holds datetimes, {numbers.column!r} numbers. Give both alike."
        )
    if (a.zone is None) != (b.zone is None):
        aware, naive = (b, a) if a.zone is None else (a, b)
        raise ValueError(
            f"Column {aware.column!r} has a time zone, {naive.column!r} has none. Pass timezone= "
            f"(such as 'Europe/London') to read times without one in that zone."
        )


def exact_numbers(clock: Clock, rows: Rows = ROWS) -> None:
    """Refuse whole numbers that float64 cannot represent."""
    if not clock.dated and clock.values.dtype == np.int64:
        remedy = "Subtract a start first, or give datetimes."
        far = np.abs(clock.values) > EXACT
        refuse(far, clock.column, "a number beyond 2**53", remedy, clock.values, rows)


@dataclass(frozen=True)
class Span:
    """A window [low, high] in the steps of a clock, and the step that is time 0."""

    clock: Clock  # its values are the two bounds
    zero: int | float | np.integer
    bounds: tuple[float, float]  # in units since time 0

    @property
    def origin(self) -> str | None:
        """ISO datetime of time 0, None for times that are numbers."""
        return self.clock.show(self.zero) if self.clock.dated else None

    def edges(self, steps: np.ndarray) -> np.ndarray:
        """Ascending steps from the first bound to the last, in units since time 0."""
        edges = self.clock.in_units(np.asarray(steps) - self.zero).astype(np.float64)
        edges[0], edges[-1] = self.bounds
        return edges


def read_span(
    window: Any, unit: str | None, origin: Any, timezone: str | None, clock: Clock | None = None
) -> Span:
    """Read one window of positive length; bounds without a zone have that of `clock`, if given.

    Time 0 is the origin, the window's start for datetimes without one, or the numbers' own 0.
    """
    pair, rows = pair_of(window), Rows("bound", ("'start'", "'end'").__getitem__)
    if clock is None:
        bounds = read_clock(pair, "window", unit, origin, timezone, rows)
    else:
        bounds = replace(clock, values=read_moments(pair, clock, origin, rows), column="window")
        exact_numbers(bounds)
    return span_of(bounds, origin, timezone, pair)


def read_moments(values: list[Any], clock: Clock, origin: Any, rows: Rows) -> np.ndarray:
    """Moments in the steps of a clock that was read before, in its zone if they have none."""
    dated, zone = clock.dated and origin is not None, clock.zone and str(clock.zone)
    if dated and pd.api.types.is_numeric_dtype(column_of(values, "window", rows).dtype):
        return read_clock(values, "window", clock.unit, origin, zone, rows).values
    return read_bounds(values, clock, rows)


def span_of(clock: Clock, origin: Any, timezone: str | None, pair: list[Any]) -> Span:
    """The span of a clock's two values; `pair` holds them as given."""
    low, high = clock.values
    if not low < high:
        raise ValueError(
            f"Column 'window': it ends at or before its start ({clock.show(low)} to "
            f"{clock.show(high)}). Give (start, end) with start < end."
        )
    zero = low if clock.dated else 0
    if origin is not None:
        zero = read_times([origin], "origin", clock.unit, timezone).values[0]
    bounds = clock.in_units(clock.values - zero).tolist()
    numbers: Any = pd.to_numeric(pd.Series(pair, dtype=object), errors="coerce")
    if origin is not None and len(pair) and numbers.notna().all():
        bounds = numbers.astype(float).tolist()  # as given, not rounded to nanoseconds
    return Span(clock, zero, (bounds[0], bounds[1]))


def aligned(edges: np.ndarray, ours: Any, theirs: Any) -> np.ndarray:
    """Edges in the unit and from the origin of another container; see `Covariates.aligned`."""
    if isinstance(theirs, type) or not (hasattr(theirs, "unit") and hasattr(theirs, "origin")):
        raise ValueError(
            f"data is {kind_of_value(theirs)}, which has no unit and origin. Give a panel, "
            f"cascades or covariates."
        )
    if (ours.origin is None) != (theirs.origin is None):
        dated, other = ("covariates", "data") if ours.origin else ("data", "covariates")
        raise ValueError(
            f"The {dated} have dates (an origin), the {other} only numbers. Give both datetimes, "
            f"or pass origin=, the datetime at which the numbers are 0."
        )
    if ours.origin is None:
        units = {ours.unit, theirs.unit} - {""}
        if len(units) < 2:
            return edges
        if not units <= set(UNITS):
            raise ValueError(
                f"The covariates are in {ours.unit!r}, the data in {theirs.unit!r}. Give both in "
                f"one unit."
            )
        return edges * UNITS[ours.unit] / UNITS[theirs.unit]
    a, b = pd.Timestamp(ours.origin), pd.Timestamp(theirs.origin)
    if (a.tzinfo is None) != (b.tzinfo is None):
        raise ValueError(
            f"The covariates count from {ours.origin}, the data from {theirs.origin}: one has a "
            f"time zone, the other none. Pass timezone= where the one without is built."
        )
    shift = ticks_of(a) - ticks_of(b)
    if shift == 0 and ours.unit == theirs.unit:
        return edges
    ticks = np.rint(edges * UNITS[ours.unit])  # exact nanoseconds, as before conversion to numbers
    whole = np.abs(ticks) < EXACT
    shifted = np.where(whole, ticks, 0).astype(np.int64) + shift
    exact = shifted / UNITS[theirs.unit]
    return np.where(whole, exact, (edges * UNITS[ours.unit] + shift) / UNITS[theirs.unit])


def snapped(times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Times that differ from an edge only by rounding, moved onto it.

    A time and an edge are converted from dates and rounded separately; they may differ by a few
    units in the last place.
    """
    times = np.asarray(times, np.float64)
    size = len(edges)
    right = np.clip(np.searchsorted(edges, times), 0, size - 1)
    left = np.maximum(right - 1, 0)
    near = np.where(np.abs(edges[right] - times) <= np.abs(times - edges[left]), right, left)
    reach = NEAR * np.maximum(np.abs(edges[near]), max(abs(edges[0]), abs(edges[-1])))
    return np.where(np.abs(times - edges[near]) <= reach, edges[near], times)
