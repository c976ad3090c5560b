"""Times at the door: numbers or datetimes, to exact differences in one declared unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.data.checks import one_dimensional, refuse

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
NANOSECONDS = 1_000_000_000
OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class Clock:
    """Times as one array of numbers, and what they mean.

    Args:
        values: float64, or int64 where that is exact (whole numbers, nanoseconds).
        scale: how many of `values` make one unit of the panel.
        unit: the unit's name.
        dated: whether `values` are nanoseconds since 1970 (UTC, or local when `zone` is None).
        zone: the time zone in which dates are shown.
    """

    values: np.ndarray
    scale: int
    unit: str
    dated: bool
    zone: Any = None

    def moment(self, value: Any, what: str) -> int | float:
        """A bound of the window in the numbers of `values`."""
        if not self.dated:
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise ValueError(f"{what} is {value!r}; the times are numbers, so give a number.")
            number = float(value)
            if not np.isfinite(number):
                raise ValueError(f"{what} is {value!r}; it must be finite.")
            whole = isinstance(value, (int, np.integer)) or number.is_integer()
            return int(value) if whole and self.values.dtype == np.int64 else number
        if isinstance(value, (int, float, np.number)):
            raise ValueError(f"{what} is {value!r}; the times are datetimes, so give a datetime.")
        try:
            stamp = pd.Timestamp(value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{what} is {value!r}, which is not a datetime.") from error
        if stamp is pd.NaT:
            raise ValueError(f"{what} is missing; give a datetime.")
        if self.zone is None and stamp.tzinfo is not None:
            raise ValueError(f"{what} has a time zone, the times have none: give timezone=.")
        if self.zone is not None and stamp.tzinfo is None:
            stamp = stamp.tz_localize(self.zone)
        return stamp.as_unit("ns").value

    def iso(self, value: int) -> str:
        """The ISO form of one of `values`."""
        stamp = pd.Timestamp(value, unit="ns")
        return (stamp if self.zone is None else stamp.tz_localize("UTC").tz_convert(self.zone)).isoformat()


def clock_of(
    values: Any, column: str, unit: str | None, timezone: str | None = None, first_row: int = 0
) -> Clock:
    """Read a column of times; every value that is no time is refused with its row."""
    series = pd.Series(values).reset_index(drop=True) if not isinstance(values, np.ndarray) else None
    if series is None:
        series = pd.Series(one_dimensional(values, column))
    if pd.api.types.is_bool_dtype(series.dtype):
        raise ValueError(f"Column {column!r}: booleans are no times. Give numbers or datetimes.")
    missing = "Fill these rows in, or leave them out."
    refuse(series.isna().to_numpy(), column, "a missing time (NaN)", missing, None, first_row)
    if not len(series) or pd.api.types.is_numeric_dtype(series.dtype):
        return _numbers(series, column, unit, timezone, first_row)
    if not pd.api.types.is_datetime64_any_dtype(series.dtype):
        text = series.map(lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v).strip())
        numbers = pd.to_numeric(text, errors="coerce")
        dates = _parse(text)
        if numbers.notna().sum() >= dates.notna().sum():
            remedy = "Give numbers or ISO datetimes in every row."
            refuse(numbers.isna().to_numpy(), column, "text that is no time", remedy, text, first_row)
            return _numbers(numbers, column, unit, timezone, first_row)
        remedy = "Write every time as in 2024-05-31T18:00:00Z."
        refuse(dates.isna().to_numpy(), column, "text that is no datetime", remedy, text, first_row)
        series = _one_zone(text, dates, column, timezone, first_row)
    return _dates(series, column, unit, timezone, first_row)


def _numbers(series, column, unit, timezone, first_row) -> Clock:
    if timezone is not None:
        raise ValueError(f"timezone is {timezone!r}, but column {column!r} holds numbers.")
    array = series.to_numpy()
    if np.issubdtype(array.dtype, np.integer):
        return Clock(array.astype(np.int64), 1, unit or "", False)
    array = array.astype(np.float64)
    refuse(~np.isfinite(array), column, "a time that is not finite", "Correct these rows.", array, first_row)
    return Clock(array, 1, unit or "", False)


def _parse(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)


def _one_zone(text, dates, column, timezone, first_row) -> pd.Series:
    offsets = text.str.extract(f"({OFFSET})", expand=False)
    dated = text.str.contains(r"\d[T ]\d{1,2}", regex=True)
    aware = (offsets.notna() & dated).to_numpy()
    if not aware.any():
        return dates.dt.tz_localize(None)
    remedy = "Write all times with an offset (2024-05-31T18:00:00+02:00), or none with timezone=."
    refuse(~aware, column, "no time zone while other rows have one", remedy, text, first_row)
    spelled = offsets.replace({"z": "Z", "+00:00": "Z", "+0000": "Z"})
    if timezone is None:
        remedy = "Say timezone='UTC' (or another zone) to convert them all to one clock."
        mixed = (spelled != spelled.iloc[0]).to_numpy()
        refuse(mixed, column, f"mixed time zones ({spelled.iloc[0]} before)", remedy, text, first_row)
    return dates


def _dates(series, column, unit, timezone, first_row) -> Clock:
    if unit not in UNITS:
        raise ValueError(
            f"Column {column!r} holds datetimes: declare the unit to convert to, "
            f"unit= one of {', '.join(UNITS)}; got {unit!r}."
        )
    if series.dt.tz is None and timezone is not None:
        try:
            local = series.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
        except Exception as error:
            raise ValueError(f"timezone {timezone!r} is not known ({error}).") from error
        what = "local times that do not exist or occur twice (daylight saving)"
        remedy = "Write these times with their offset."
        refuse(local.isna().to_numpy(), column, what, remedy, series, first_row)
        series = local
    elif timezone is not None:
        try:
            series = series.dt.tz_convert(timezone)
        except Exception as error:
            raise ValueError(f"timezone {timezone!r} is not known ({error}).") from error
    zone = series.dt.tz
    utc = series if zone is None else series.dt.tz_convert("UTC").dt.tz_localize(None)
    ticks = utc.astype("datetime64[ns]").to_numpy().astype(np.int64)
    return Clock(ticks, UNITS[unit] * NANOSECONDS, unit, True, zone)
