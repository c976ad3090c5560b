"""The resolution of times as given."""

from __future__ import annotations

from typing import Any

import numpy as np

from hawkesjax.inputs.arguments import ABOVE_0, number
from hawkesjax.inputs.checks import refuse, short
from hawkesjax.inputs.clock import SECONDS, UNITS, Clock


def read_resolution(resolution: Any, clock: Clock, values: np.ndarray) -> float:
    """The declared step of times in the unit of their differences; 0 if none is declared.

    Args:
        resolution: None, the name of a unit, or a number in the clock's unit.
        clock: how the times were read.
        values: the times, in its numbers.

    Raises:
        ValueError: for another name, a step that is not positive, and times finer than the step.
    """
    if resolution is None:
        return 0.0
    if isinstance(resolution, str):
        if resolution not in SECONDS or clock.unit not in UNITS:
            known = ", ".join(map(repr, SECONDS))
            raise ValueError(
                f"resolution is {short(resolution)}; it must be one of {known}, if the times' unit "
                f"is one of these too (it is {clock.unit!r}), or a number in that unit."
            )
        step = UNITS[resolution] / UNITS[clock.unit]
    else:
        step = number(resolution, "resolution", ABOVE_0, whole=False)
    # Days and weeks in a zone with daylight saving are not multiples of one length.
    if clock.dated and step * UNITS[clock.unit] >= UNITS["day"]:
        return step
    since = clock.in_units(values - (0 if clock.dated else values.min(initial=0)))
    parts = since / step
    finer = np.abs(parts - np.round(parts)) > 1e-6 * np.maximum(1, np.abs(parts) * 1e-6)
    show = lambda row: clock.show(values[row])  # noqa: E731
    remedy = f"Times must be multiples of {step:g} {clock.unit or 'units'}; declare a finer step."
    refuse(finer, clock.column, "a time finer than the resolution", remedy, show)
    return step
