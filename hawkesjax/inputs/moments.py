"""Numbers of a unit and an origin as moments, and back."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.clock import EXACT, UNITS

Fields = dict[str, Any]


def moment(value: Any, panel: Any, what: str, owner: str = "panel") -> float:
    """A point in a panel's absolute time, in its unit; a datetime where the panel has an origin.

    Args:
        value: a number, or a datetime.
        panel: anything with a `unit` and an `origin`.
        what: how errors call the value.
        owner: how errors call the panel.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
    elif panel.origin is not None:
        origin = pd.Timestamp(panel.origin)
        try:
            stamp = pd.Timestamp(value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{what}={value!r} is no datetime and no number.") from error
        if stamp.tzinfo is None and origin.tzinfo is not None:
            raise ValueError(
                f"{what}={value!r} has no time zone, the {owner}'s times have one (origin "
                f"{panel.origin}). Add it, as in pd.Timestamp({str(value)!r}, tz='Europe/London')."
            )
        if stamp.tzinfo is not None and origin.tzinfo is None:
            raise ValueError(f"{what}={value!r} has a time zone, the {owner}'s times have none.")
        number = (stamp.as_unit("ns").value - origin.as_unit("ns").value) / UNITS[panel.unit]
    else:
        raise ValueError(f"{what}={value!r} is no number; the {owner}'s times are numbers.")
    if np.isnan(number):
        raise ValueError(f"{what} is NaN. Give a number.")
    return number


RESOLUTIONS = (("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9))


def absolute(panel: Any, times: Iterable[np.ndarray]) -> list[Any]:
    """Arrays of absolute times: datetimes where the panel has an origin, else numbers."""
    span = float(np.max(panel.start + panel.duration))
    return moments(times, span, panel.unit, panel.origin)


def moments(times: Iterable[np.ndarray], span: float, unit: str, origin: str | None) -> list[Any]:
    """Arrays of times since `origin` as datetimes; as numbers where there is none.

    Args:
        times: arrays of numbers in `unit`.
        span: their largest size, which says how fine a resolution float64 held.
        unit, origin: as in `EventPanel`.
    """
    if origin is None:
        return [np.asarray(row, np.float64) for row in times]
    span = abs(span) * UNITS[unit]
    fits = [pair for pair in RESOLUTIONS if 8 * span / pair[1] < EXACT]
    name, step = (fits or [RESOLUTIONS[-1]])[0]
    zero = pd.Timestamp(origin)
    out = []
    for row in times:
        ticks = np.rint(np.asarray(row) * (UNITS[unit] / step)).astype(np.int64)
        stamps = pd.DatetimeIndex(np.full(len(ticks), _local(zero)).astype("datetime64[ns]"))
        stamps = stamps + pd.to_timedelta(ticks.astype(f"timedelta64[{name}]"))
        out.append(stamps.tz_localize(zero.tzinfo) if zero.tzinfo else stamps)
    return out


def _local(origin: pd.Timestamp) -> np.datetime64:
    return origin.tz_localize(None).to_datetime64()


SHOWN = 10


def short_name(name: str, most: int = 24) -> str:
    """A name of bounded width on one line."""
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 3] + "..."
