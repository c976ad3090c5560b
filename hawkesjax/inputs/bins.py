"""Bins of equal length on a clock, and windows of whole bins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hawkesjax.inputs.arguments import number
from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.clock import EXACT, Clock, read_bounds
from hawkesjax.inputs.windows import pair_of

MOST = 2**27  # bins: a column of their counts is 1 GB


@dataclass(frozen=True)
class Grid:
    """Bins 0, 1, ... of equal length; bin k begins at `anchor + (first + k) * step`."""

    clock: Clock  # of the times, without its values
    anchor: Any  # a border of the grid, in the clock's numbers
    step: Any  # a bin's length in them
    first: int = 0

    def bins(self, values: Any) -> Any:
        """The bin that each time lies in."""
        return self._places(values, up=False)

    def borders(self, values: Any) -> Any:
        """The first bin that begins at or after each time."""
        return self._places(values, up=True)

    def start(self, bins: Any) -> Any:
        """Where bins begin, in the clock's numbers."""
        return self.anchor + (self.first + np.asarray(bins)) * self.step

    def _places(self, values: Any, up: bool) -> Any:
        since = values - self.anchor
        if since.dtype == np.int64 and isinstance(self.step, int):
            return (-(-since // self.step) if up else since // self.step) - self.first
        exact = since / self.step
        if not (np.abs(exact) < 2.0**62).all():
            raise ValueError(
                f"Bins of {self.step:g} do not reach as far as {self.clock.show(values.max())}. "
                f"Use longer bins; is the unit of the times {self.clock.unit!r}?"
            )
        near = np.rint(exact)
        close = np.abs(exact - near) <= 8 * np.finfo(float).eps * np.maximum(1, np.abs(exact))
        places = np.where(close, near, np.ceil(exact) if up else np.floor(exact))
        return places.astype(np.int64) - self.first


def make_grid(clock: Clock, length: float, anchor: Any = None) -> Grid:
    """Bins of `length` units; a border at `anchor`, or at the first time.

    Raises:
        ValueError: for a length below a nanosecond.
    """
    steps = length * clock.scale
    whole = steps == np.floor(steps) and steps <= EXACT
    if clock.dated and not whole:
        steps, whole = float(np.rint(steps)), True
    if clock.dated and steps < 1:
        raise ValueError(f"bin={length} {clock.unit}s is less than a nanosecond.")
    step = int(steps) if whole else steps
    at = clock.values.min() if anchor is None else anchor
    return Grid(replace(clock, values=clock.values[:0]), at.item(), step)


def read_pair(window: Any, clock: Clock, what: str) -> tuple[Any, Any]:
    """Two bounds in the numbers of a clock, None where a side is open."""
    low, high = pair_of(window, what)
    given = {n: side for n, side in (("start", low), ("end", high)) if side is not None}
    rows = Rows("bound", lambda row: f"{list(given)[row]!r} of {what}")
    bounds = read_bounds(list(given.values()), clock, rows) if given else []
    known = dict(zip(given, bounds, strict=True))
    pair = known.get("start"), known.get("end")
    if len(known) == 2 and not known["start"] < known["end"]:
        raise ValueError(
            f"{what} ends before it begins, or is empty ({clock.show(pair[0])} to "
            f"{clock.show(pair[1])}). Give (start, end) with start < end."
        )
    return pair


def bins_of(window: Any, what: str, count: int | None = None) -> tuple[int, int]:
    """A range of bins (first, last + 1), within `count` bins if given."""
    low, high = (number(bound, f"a bound of {what}", whole=True) for bound in pair_of(window, what))
    if not 0 <= low < high or (count is not None and high > count):
        within = "" if count is None else f" within the log's {count:,} bins"
        raise ValueError(f"{what}={(low, high)} is not a range{within}. Give (first, last + 1).")
    return int(low), int(high)


def window_bins(grid: Grid, pair: tuple[Any, Any], count: int) -> tuple[int, int]:
    """The bins that begin within [a, b); open sides reach to the ends of the log's `count`."""
    low, high = (None if side is None else int(grid.borders(np.asarray(side))[()]) for side in pair)
    return 0 if low is None else low, count if high is None else high
