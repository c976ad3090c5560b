"""Times as given: numbers or datetimes, read as exact differences in one declared unit."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ABSENT, MISSING, ROWS, Rows, column_of, refuse

NANOSECONDS = 1_000_000_000
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
UNITS = {name: seconds * NANOSECONDS for name, seconds in SECONDS.items()}
ISO = r"^\s*\d{4}-?\d{2}(?:-?\d{2})?(?:[T ].*)?$"
OFFSET = r"[T ].*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)\s*$"
EPOCH = (6e8, 4.1e9)  # seconds since 1970, of 1989 to 2099
DATES = (19_000_101, 21_001_231)  # whole numbers that are dates, such as 20240501
EPOCHS = {"seconds": 1, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
EXACT = 2**53  # beyond it, float64 does not represent every whole number
LARGEST = 2**62  # differences of two such numbers still fit in int64
ZONES = (
    "Pass timezone='UTC' (or another zone, such as 'Europe/London') to put them all on one clock; "
    "times without an offset are then read in that zone."
)


@dataclass(frozen=True)
class Clock:
    """A column of times as numbers, and how to interpret them."""

    values: np.ndarray  # int64 where that is exact (whole numbers, nanoseconds), else float64
    unit: str  # of differences, as `in_units` gives them
    dated: bool = False  # whether they are nanoseconds since 1970: in UTC, or local without a zone
    zone: Any = None  # in which datetimes are shown
    column: str = "times"

    @property
    def scale(self) -> int:
        """How many steps of `values` make one unit of the panel."""
        return UNITS[self.unit] if self.dated else 1

    def show(self, value: Any) -> str:
        """One of `values` as a user would write it: a number, or an ISO datetime."""
        if not self.dated:
            number = np.asarray(value).item()
            return f"{number:.15g}" if isinstance(number, float) else str(number)
        stamp: Any = stamps(value, self.zone)[0]
        return stamp.isoformat()

    def in_units(self, steps: Any) -> Any:
        """Differences of `values` in the panel's unit, rounded once."""
        return np.asarray(steps) / self.scale

    def midnight(self, value: Any) -> np.int64:
        """The last midnight before one of `values`, on the clock of the zone."""
        stamp = stamps(value, self.zone)
        start = stamp.tz_localize(None).normalize()
        start = start.tz_localize(self.zone, ambiguous=True, nonexistent="shift_forward")
        return np.int64(int(value) - (stamp - start).as_unit("ns").asi8[0])


def stamps(ticks: Any, zone: Any = None) -> pd.DatetimeIndex:
    """Nanoseconds since 1970 as datetimes on the clock of a zone, or without one."""
    dates = pd.DatetimeIndex(np.atleast_1d(ticks).astype(np.int64).astype("datetime64[ns]"))
    return dates if zone is None else dates.tz_localize("UTC").tz_convert(zone)


def ticks_of(stamp: Any) -> int:
    """A datetime, or its text, as nanoseconds since 1970: in UTC, or local without a zone."""
    return pd.Timestamp(stamp).as_unit("ns").value


def read_times(
    values: Any, column: str, unit: str | None, timezone: str | None = None, rows: Rows = ROWS
) -> Clock:
    """Read a column of times; every invalid value is refused with its row.

    Whole numbers and datetimes stay integers (nanoseconds), so that differences are exact.

    Args:
        values: numbers, datetimes, or text that holds one of them.
        unit: name of the numbers' unit, or the unit to convert datetimes to.
        timezone: the zone of datetimes without one; with it, several zones may be mixed.
    """
    clock = read_piece(values, column, unit, timezone, rows)
    refuse_dates(clock)
    return clock


def read_piece(
    values: Any, column: str, unit: str | None, timezone: str | None = None, rows: Rows = ROWS
) -> Clock:
    """`read_times` of a piece of a column, before what only the whole of it shows
    (`refuse_dates`)."""
    series: Any = column_of(values, column, rows)
    refuse(series.isna(), column, "a missing time (NaN or empty)", MISSING, None, rows)
    dtype = series.dtype
    dated, numeric = pd.api.types.is_datetime64_any_dtype, pd.api.types.is_numeric_dtype
    if len(series) and not (numeric(dtype) or dated(dtype)):
        series = _parse_text(series, column, timezone, rows)
    if dated(series.dtype):
        unit = _date_unit(unit, column)
        ticks, zone = _ticks(series, column, timezone, rows)
        return Clock(ticks, unit, True, zone, column)
    unit = "" if unit is None else str(unit)
    numbers = _numbers(series, column, rows)
    _refuse_coarse(series, numbers, column, rows)
    if timezone is not None and len(series):
        raise ValueError(
            f"Column {column!r} holds numbers, so timezone={timezone!r} has no meaning. "
            f"Leave it out, or convert the column with pandas.to_datetime(..., unit='s')."
        )
    return Clock(numbers, unit, column=column)


def read_bounds(values: Any, clock: Clock, rows: Rows, column: str = "window") -> np.ndarray:
    """Bounds of windows, or of what `column` names, in the numbers of the events' clock:
    nanoseconds, or plain numbers."""
    series: Any = column_of(values, column, rows)
    refuse(series.isna(), column, "a missing value (NaN)", "Give every bound.", None, rows)
    numeric = pd.api.types.is_numeric_dtype(series.dtype)
    if not numeric and not pd.api.types.is_datetime64_any_dtype(series.dtype):
        objects = series.astype(object)
        dates = objects.map(lambda v: isinstance(v, str) or hasattr(v, "isoformat"))
        if clock.dated:
            remedy = "Give datetimes (2024-05-31T18:00:00Z) on both sides."
            refuse(~dates, column, "a bound that is not a datetime", remedy, objects, rows)
            series = _parse_text(objects, column, str(clock.zone or "") or None, rows, True)
        else:
            series = pd.to_numeric(objects, errors="coerce")
            bad = series.isna() | objects.map(lambda v: hasattr(v, "isoformat"))
            remedy = "Give numbers, in the times' own unit."
            refuse(bad, column, "a bound that is not a number", remedy, objects, rows)
            numeric = True
    if numeric == clock.dated:
        kind, other = ("datetimes", "a number") if clock.dated else ("numbers", "a datetime")
        raise ValueError(
            f"Column {column!r}: {other} as bound (the first is {series.iloc[0]}), while the times "
            f"in column {clock.column!r} are {kind}. Give {kind} on both sides."
        )
    if not clock.dated:
        return _numbers(series, column, rows)
    if series.dt.tz is not None and clock.zone is None:
        raise ValueError(
            f"Column {column!r} has a time zone, the times in column {clock.column!r} have none. "
            f"Pass timezone= for the times, or give bounds without a zone."
        )
    return _ticks(series, column, clock.zone, rows)[0]


def _numbers(series: Any, column: str, rows: Rows) -> np.ndarray:
    if not len(series):
        return np.zeros(0)
    if pd.api.types.is_complex_dtype(series.dtype):
        raise ValueError(f"Column {column!r} holds complex numbers. Give real times.")
    if pd.api.types.is_integer_dtype(series.dtype):
        array = series.to_numpy()
        remedy = "Subtract a start first, or use a coarser unit."
        far = (array > LARGEST) | (array < -LARGEST)
        refuse(far, column, "a number beyond 2**62", remedy, array, rows)
        return array.astype(np.int64)
    array = series.to_numpy(dtype=np.float64)
    refuse(~np.isfinite(array), column, "a value that is not finite", "Correct it.", array, rows)
    return array


def _refuse_coarse(series: Any, numbers: np.ndarray, column: str, rows: Rows) -> None:
    """Refuse floats whose neighbours are more than a unit away, such as seconds since 1970 in 32
    bits: their exact values are lost."""
    if not len(numbers) or numbers.dtype != np.float64:
        return
    size = min(getattr(series.dtype, "itemsize", 8), 8)
    given = np.abs(numbers).astype(f"f{size}")
    coarse = given - np.nextafter(given, np.zeros_like(given)) > 1
    what = f"a number that floating point of {8 * size} bits rounds by more than a unit"
    remedy = "Give whole numbers or float64 from the source on, or subtract a start there."
    refuse(coarse, column, what, remedy, numbers, rows)


def refuse_dates(clock: Clock) -> None:
    """Refuse numbers that all look like dates: as 20240501, or since 1970 in a finer unit."""
    numbers, unit, column = clock.values, clock.unit, clock.column
    if clock.dated or not len(numbers):
        return
    least, most = float(numbers.min()), float(numbers.max())
    if DATES[0] <= least and most <= DATES[1]:
        text = pd.Series(numbers.astype(np.int64)).astype(str)
        dates: Any = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
        if (numbers == np.floor(numbers)).all() and dates.notna().all():
            raise ValueError(
                f"Column {column!r}: the numbers ({least:.15g} to {most:.15g}) look like dates. "
                f"Convert them, as in pandas.to_datetime(column, format='%Y%m%d'), or pass "
                f"dates='%Y%m%d' for a file, or write them as 2024-05-01."
            )
    if unit not in UNITS:
        return
    for name, scale in EPOCHS.items():
        if EPOCH[0] <= least / scale and most / scale <= EPOCH[1] and name != f"{unit}s":
            code = {"seconds": "s", "milliseconds": "ms", "microseconds": "us"}.get(name, "ns")
            raise ValueError(
                f"Column {column!r}: unit={unit!r}, but the numbers ({least:.15g} to {most:.15g}) "
                f"look like {name} since 1970. Convert them, as in "
                f"pandas.to_datetime(column, unit={code!r}, utc=True), or pass dates={name!r} "
                f"where a file is read."
            )


def _parse_text(
    series: Any, column: str, timezone: Any, rows: Rows, dates_only: bool = False
) -> Any:
    """Text and objects as numbers or as datetimes, whichever fits most of the rows."""
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        raise ValueError(
            f"Column {column!r} holds durations. Divide them by a unit first, as in "
            f"column / pandas.Timedelta(hours=1)."
        )
    written = series
    if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype):
        text = series.astype(object)
        series = text.map(lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v))
    series = series.astype("str").str.strip()
    blank = series.isin(list(ABSENT)).to_numpy(bool)
    refuse(blank, column, "a missing time (NaN or empty)", MISSING, None, rows)
    count = 0
    if not dates_only:
        numbers: Any = pd.to_numeric(series, errors="coerce")
        count = int(numbers.notna().sum())
        if count == len(series):
            return numbers
    like = series.str.match(ISO).to_numpy(dtype=bool)
    if not dates_only and count and count >= like.sum():
        remedy = "Give a number in every row (or an ISO datetime, such as 2024-05-31T18:00:00Z)."
        refuse(numbers.isna(), column, "text that is not a number", remedy, written, rows)
    remedy = (
        "Give numbers, or datetimes as in 2024-05-31T18:00:00Z (ISO 8601). For other formats pass "
        "dates= where a file is read. Those of a table convert with "
        "pandas.to_datetime(..., format=...)."
    )
    kind = "not an ISO datetime" if count else "neither a number nor an ISO datetime"
    refuse(~like, column, f"text that is {kind}", remedy, written, rows)
    dates: Any = pd.to_datetime(series, format="ISO8601", errors="coerce", utc=True)
    what = "text that is not a valid datetime (1678 to 2261)"
    refuse(dates.isna(), column, what, remedy, written, rows)
    return _one_zone(series, dates, column, timezone, rows)


def _one_zone(text: Any, dates: Any, column: str, timezone: Any, rows: Rows) -> Any:
    """Parsed datetimes on one clock, or naive; a mixture without `timezone` is refused."""
    # Parsed as text: some pandas versions give a time without an offset that of its neighbours.
    aware = text.str.contains(OFFSET).to_numpy(dtype=bool)
    alone: Any = None
    if aware.all() or not aware.any():
        with contextlib.suppress(ValueError, FutureWarning), warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # pandas before 3 warns about a mixture
            alone = pd.to_datetime(text, format="ISO8601")
    if alone is not None:
        naive = timezone is not None and alone.dt.tz is None
        return _localize_all(alone, column, timezone, rows) if naive else alone
    if timezone is not None:
        local: Any = pd.to_datetime(text[~aware], format="ISO8601")
        if len(local):
            where = np.flatnonzero(~aware)
            local = _localize_all(local.reset_index(drop=True), column, timezone, rows.at(where))
            dates = dates.astype("datetime64[ns, UTC]").copy()
            dates.iloc[where] = local.dt.tz_convert("UTC").dt.as_unit("ns").to_numpy()
        return dates
    what = "times without a zone among times with one"
    refuse(~aware & aware.any(), column, what, ZONES, text, rows)
    offset = text.str.extract(r"([Zz]|[+-]\d{2}(?::?\d{2})?)$", expand=False)
    offset = offset.str.replace(":", "").replace({"Z": "+00", "z": "+00"}).str.ljust(5, "0")
    other = (offset != offset.iloc[0]).to_numpy()
    first = f"mixed time zones (the first row has {text.iloc[0]!r}): another offset"
    refuse(other, column, first, ZONES, text, rows)
    return dates


def _localize_all(series: Any, column: str, timezone: Any, rows: Rows) -> Any:
    """Naive datetimes in a zone; those that daylight saving skips or repeats are refused."""
    zone = _zone(timezone)
    marked = series.dt.tz_localize(zone, nonexistent="NaT", ambiguous="NaT")
    if marked.isna().any():
        remedy = (
            f"Write these times with their offset (as in 2024-03-31T02:30:00+02:00), or in UTC "
            f"with timezone='UTC'; the zone is {timezone}."
        )
        winter = np.zeros(len(series), bool)
        skipped = series.dt.tz_localize(zone, nonexistent="NaT", ambiguous=winter)
        gap = "a local time that does not exist (skipped when daylight saving began)"
        refuse(skipped.isna(), column, gap, remedy, series, rows)
        twice = "an ambiguous local time (it occurs twice, when daylight saving ended)"
        refuse(marked.isna(), column, twice, remedy, series, rows)
    return marked


def _zone(timezone: Any) -> Any:
    try:
        return pd.Timestamp(0, tz=timezone).tz
    except Exception as error:
        raise ValueError(
            f"timezone={timezone!r} is not known. Give a name such as 'UTC' or 'Europe/London'."
        ) from error


def _date_unit(unit: str | None, column: str) -> str:
    name = str(unit).strip().lower() if unit else ""
    name = name if name in UNITS else name.removesuffix("s")
    if name not in UNITS:
        raise ValueError(
            f"Column {column!r} holds datetimes. Pass the unit to convert them to, "
            f"unit= one of {', '.join(map(repr, UNITS))}; got {unit!r}."
        )
    return name


def _ticks(series: Any, column: str, timezone: Any, rows: Rows) -> tuple[np.ndarray, Any]:
    """Nanoseconds since 1970, and the zone to show them in."""
    far = (series.dt.year < 1678) | (series.dt.year > 2261)
    remedy = "Nanoseconds reach from 1678 to 2261. Give such times as numbers."
    refuse(far, column, "a year out of range", remedy, series, rows)
    if timezone is not None:
        zone = _zone(timezone)
        if series.dt.tz is None:
            series = _localize_all(series, column, timezone, rows)
        else:
            series = series.dt.tz_convert(zone)
    zone = series.dt.tz
    utc = series if zone is None else series.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc.astype("datetime64[ns]").to_numpy().astype(np.int64), zone
