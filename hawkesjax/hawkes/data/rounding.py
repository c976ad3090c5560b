"""Times that are known only to a step, spread evenly over it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Int


def spread(
    panel: Any,
    step: float,
    *,
    seed: int = 0,
    fixed: Bool[np.ndarray, " events"] | bool = False,
) -> tuple[Any, Int[np.ndarray, " events"]]:
    """The panel with each time drawn uniformly from the `step` that follows it (at the end of a
    window, and before a gap, from the last one), except for those that are fixed; and the order of
    the events in it. The history is spread likewise."""
    owner, length = np.asarray(panel.sequence), np.asarray(panel.duration)
    ends = length[owner]
    begin, stop = panel.gaps.around(np.asarray(panel.times), owner, length)
    low = np.clip(np.asarray(panel.times), begin, np.maximum(stop - step, begin))
    rng = np.random.default_rng(seed)
    draws = rng.uniform(size=len(owner))
    times = np.where(fixed, panel.times, low + draws * np.minimum(step, stop - low))
    order = np.lexsort((times, owner))
    times = times[order]
    fresh = np.diff(owner, prepend=-1) != 0
    waits = np.where(fresh, times, np.diff(times, prepend=0.0))
    past = panel.history
    if len(past):
        age = past.age - rng.uniform(size=len(past)) * np.minimum(step, past.age)
        past = replace(past, age=age).sorted()
    moved = replace(
        panel,
        times=times,
        waits=waits,
        remaining=ends - times,
        marks=np.asarray(panel.marks)[order],
        magnitude=None if panel.magnitude is None else np.asarray(panel.magnitude)[order],
        history=past,
        resolution=0.0,
    )
    return moved, order


def rounded(panel: Any, times: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    """Times since the windows' starts as a record with the panel's resolution holds them: each at
    the start of its step, on the panel's own clock."""
    step, start = panel.resolution, np.asarray(panel.start)[sequence]
    down = np.floor((start + times) / step * (1 + 1e-12)) * step - start
    return np.clip(down, 0, np.asarray(panel.duration)[sequence])
