"""Conversion between numbers (with a unit and an origin) and moments."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import short
from hawkesjax.inputs.clock import EXACT, UNITS, stamps, ticks_of

Fields = dict[str, Any]
RESOLUTIONS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def moment(value: Any, panel: Any, what: str, owner: str = "panel") -> float:
    """A point in a panel's absolute time, in its unit; a datetime if the panel has an origin.

    A panel is anything with a `unit` and an `origin`; messages call the value `what` and the
    panel `owner`.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError as error:
            raise ValueError(f"{what}={short(value)} is a number beyond all floats.") from error
    elif panel.origin is not None:
        origin = pd.Timestamp(panel.origin)
        try:
            stamp = pd.Timestamp(value)
            ticks = ticks_of(stamp)
        except Exception as error:  # a class of the user's may raise anything
            raise ValueError(f"{what}={short(value)} is not a datetime or a number.") from error
        if stamp is pd.NaT:
            raise ValueError(f"{what}={short(value)} is not a datetime or a number.")
        if stamp.tzinfo is None and origin.tzinfo is not None:
            raise ValueError(
                f"{what}={value!r} has no time zone, the {owner}'s times have one (origin "
                f"{panel.origin}). Add it, as in pd.Timestamp({str(value)!r}, tz='Europe/London')."
            )
        if stamp.tzinfo is not None and origin.tzinfo is None:
            raise ValueError(f"{what}={value!r} has a time zone, the {owner}'s times have none.")
        number = (ticks - ticks_of(origin)) / UNITS[panel.unit]
    else:
        raise ValueError(f"{what}={short(value)} is not a number; the {owner}'s times are numbers.")
    if np.isnan(number):
        raise ValueError(f"{what} is NaN. Give a number.")
    return number


def moments(panel: Any, numbers: Any, *, span: float | None = None, timezone: Any = None) -> Any:
    """Absolute times as datetimes if the panel has an origin; otherwise unchanged.

    Args:
        panel: anything with a `unit` and an `origin`, perhaps a `timezone`.
        numbers: times in its unit since its origin.
        span: their largest size, which determines the resolution of float64; by default that of
            these numbers.
        timezone: the zone to show datetimes in; by default the panel's, or the origin's offset.
    """
    numbers = np.asarray(numbers, np.float64)
    if panel.origin is None:
        return numbers
    unit, zone = UNITS[panel.unit], pd.Timestamp(panel.origin).tzinfo
    most = float(np.max(np.abs(numbers), initial=0.0)) if span is None else abs(float(span))
    if not 4 * most * (unit / UNITS["second"]) < EXACT:  # in seconds, far beyond valid dates
        raise ValueError(
            f"Times reach {short(most)} {panel.unit}s from {panel.origin}: these are not dates. "
            f"Are they in that unit?"
        )
    fine = (name for name, step in RESOLUTIONS.items() if 8 * most * unit / step < EXACT)
    name = next(fine, "s")
    ticks = np.rint(numbers * (unit / RESOLUTIONS[name])).astype(np.int64)
    if zone is not None:
        zone = timezone or getattr(panel, "timezone", None) or zone
    zero: Any = stamps(ticks_of(panel.origin), zone)[0]
    return zero + pd.to_timedelta(ticks.astype(f"timedelta64[{name}]"))


def shown(panel: Any, numbers: Any) -> list[str]:
    """Absolute times as a user reads them: ISO datetimes, or numbers; arguments as `moments`."""
    times = moments(panel, numbers)
    return [f"{t:.10g}" if panel.origin is None else t.isoformat() for t in times]
