"""Time on an axis: dates where the data have dates, numbers in their unit otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.clock import UNITS
from hawkesjax.plotting import style


class TimeAxis:
    """From a panel's numbers to places on an axis.

    Args:
        unit: of the numbers.
        origin: the moment of number 0, or None where the data have no dates.
        timezone: in which moments are shown; that of the origin by default.
    """

    def __init__(self, unit: str, origin: Any = None, timezone: str | None = None) -> None:
        self.unit, self.dated = unit, origin is not None
        if self.dated:
            zero: Any = pd.Timestamp(origin)
            self.zone: Any = zero.tzinfo if timezone is None else timezone
            utc = zero if zero.tzinfo is None else zero.tz_convert("UTC").tz_localize(None)
            # matplotlib counts days since 1970, to a third of a microsecond today.
            self.zero = (utc - pd.Timestamp(0)) / pd.Timedelta(days=1)
            self.days = UNITS[unit] / UNITS["day"]

    def at(self, numbers: Any) -> Any:
        """Where they lie on the axis."""
        return self.zero + np.asarray(numbers) * self.days if self.dated else numbers

    def label(self, *axes: Any, what: str = "time") -> str:
        """Write dates along these axes, and return the label of the lowest."""
        if not self.dated:
            return style.time_label(self.unit).replace("time", what, 1)
        return date_axis(*axes, zone=self.zone, what=what)


def date_axis(*axes: Any, zone: Any, what: str = "time") -> str:
    """Write dates of a zone along axes, and return the label of the lowest."""
    from matplotlib import dates

    for axis in axes:
        locator = dates.AutoDateLocator(tz=zone)
        axis.xaxis.set_major_locator(locator)
        form = dates.ConciseDateFormatter(locator, tz=zone)
        # Days with their month: matplotlib names the last one's alone, in the corner.
        form.formats[2] = form.zero_formats[2] = "%d %b"
        form.offset_formats[2] = "%Y"
        axis.xaxis.set_major_formatter(form)
    return what if zone is None else f"{what} ({zone})"
