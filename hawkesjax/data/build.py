"""From checked columns to the sorted arrays of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.data.checks import refuse
from hawkesjax.data.clock import Clock


def assemble(
    clock: Clock,
    marks: np.ndarray,
    sequence: np.ndarray,
    window: Any,
    mark_names: tuple[str, ...],
    sequence_names: tuple[str, ...],
    columns: Mapping[str, np.ndarray],
    first_row: int = 0,
) -> dict[str, Any]:
    """Check windows, sort, and take every difference before anything is rounded."""
    column = next(iter(columns))
    sizes = {name: len(part) for name, part in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"The arrays differ in length: {sizes}. Give one value an event in each.")
    begin, end = window_ticks(clock, sequence, window, sequence_names)
    at = clock.values
    early, late = at < begin[sequence], at > end[sequence]
    remedy = "Extend the window, or leave these rows out."
    if clock.dated:
        remedy += " If the times look shifted, check the time zone."
    shown = at if not clock.dated else _Shown(clock)
    refuse(early, column, "events before their window's start", remedy, shown, first_row)
    refuse(late, column, "events after their window's end", remedy, shown, first_row)

    order = np.lexsort((at, sequence))
    at, marks, sequence = at[order], marks[order], sequence[order]
    first = np.diff(sequence, prepend=-1) != 0
    since = at - begin[sequence]
    gaps = np.where(first, since, np.diff(at, prepend=at[:1]))
    zero = begin.min() if clock.dated and len(begin) else 0
    return {
        "times": since / clock.scale,
        "gaps": gaps / clock.scale,
        "remaining": (end[sequence] - at) / clock.scale,
        "marks": marks.astype(np.int32),
        "sequence": sequence.astype(np.int32),
        "start": (begin - zero) / clock.scale,
        "duration": (end - begin) / clock.scale,
        "mark_names": mark_names,
        "sequence_names": sequence_names,
        "unit": clock.unit,
        "origin": clock.iso(int(zero)) if clock.dated and len(begin) else None,
    }


def window_ticks(
    clock: Clock, sequence: np.ndarray, window: Any, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each sequence's window, in the clock's numbers."""
    count, at = len(names), clock.values
    if isinstance(window, str):
        if window != "sequence":
            raise ValueError(f'window is {window!r}; give (start, end), a pair each, or "sequence".')
        sizes = np.bincount(sequence, minlength=count)
        if np.any(sizes == 0):
            empty = [names[m] for m in np.flatnonzero(sizes == 0)[:5]]
            raise ValueError(
                f'window="sequence" needs an event in every sequence; {int(np.sum(sizes == 0))} '
                f"have none ({', '.join(empty)} ...). Give their windows, or leave them out."
            )
        order = np.lexsort((at, sequence))
        last = np.cumsum(sizes) - 1
        return at[order][last - sizes + 1], at[order][last]
    if window is None:
        if not len(at):
            raise ValueError("No event tells the window: give window=(start, end).")
        return np.full(count, at.min()), np.full(count, at.max())
    pairs = _pairs(window, names)
    moments = [
        (clock.moment(a, f"window start{where}"), clock.moment(b, f"window end{where}"))
        for a, b, where in pairs
    ]
    for (a, b), (_, _, where) in zip(moments, pairs, strict=True):
        if b < a:
            raise ValueError(f"The window{where} ends before it begins: {a} to {b}.")
    if len(moments) == 1:
        moments = moments * count
    bounds = np.array(moments).reshape(count, 2)
    return bounds[:, 0], bounds[:, 1]


def _pairs(window: Any, names: tuple[str, ...]) -> list[tuple[Any, Any, str]]:
    """The given windows with words for messages: one for all, or one a sequence."""
    if isinstance(window, Mapping):
        given = {str(name): pair for name, pair in window.items()}
        missing = [name for name in names if name not in given]
        unknown = [name for name in given if name not in set(names)]
        if missing or unknown:
            raise ValueError(
                f"The windows lack sequences {missing[:5]} and name unknown ones {unknown[:5]}: "
                f"give one (start, end) for each of the {len(names)} sequences."
            )
        window = [given[name] for name in names]
    window = list(window)
    nested = [np.ndim(part) > 0 and not isinstance(part, str) for part in window]
    if len(window) == 2 and not any(nested):
        return [(window[0], window[1], "")]
    if len(window) != len(names) or not all(nested) or any(len(part) != 2 for part in window):
        raise ValueError(
            f"window must be (start, end), or {len(names)} such pairs, one for each sequence."
        )
    pairs = zip(names, window, strict=True)
    return [(_plain(a), _plain(b), f" of sequence {name!r}") for name, (a, b) in pairs]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.number) else value


class _Shown:
    """Times in messages, as dates."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __getitem__(self, row: int) -> str:
        return self.clock.iso(int(self.clock.values[row]))
