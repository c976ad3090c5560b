"""From checked columns to the arrays of a panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hawkesjax.hawkes.data.exposure import Exposure
from hawkesjax.hawkes.data.gaps import Gaps
from hawkesjax.hawkes.data.history import History
from hawkesjax.hawkes.data.sequences import rows_of
from hawkesjax.inputs.checks import Rows, counted, listed
from hawkesjax.inputs.clock import Clock
from hawkesjax.inputs.exposure import read_exposure
from hawkesjax.inputs.gaps import Gaps as Holes
from hawkesjax.inputs.gaps import inside_gaps, refuse_inside
from hawkesjax.inputs.moments import Fields
from hawkesjax.inputs.resolution import read_resolution
from hawkesjax.inputs.windows import check_inside, read_window

TOTAL = "all"
PIECE = 1 << 17  # events whose differences are formed at a time
MOST = 2**27  # counts by sequence and mark, or effects by pairs of marks: 1 GB


def assemble(
    clock: Clock,
    marks: np.ndarray,
    sequence: np.ndarray,
    mark_names: tuple[str, ...],
    sequence_names: tuple[str, ...],
    window: Any,
    gaps: Any,
    exposure: Any,
    column: str,
    rows: Rows,
    keep_history: bool = False,
    outside: str = "error",
    resolution: str | float | None = None,
    magnitude: np.ndarray | None = None,
    owned: bool = False,
) -> Fields:
    """The fields of an `EventPanel`: sorted by sequence and time, differences formed exactly.

    Args:
        clock: (N,) times.
        marks, sequence: (N,) codes.
        mark_names, sequence_names: their names.
        window, gaps, exposure: as in `EventPanel.from_arrays`.
        column: the column of sequences, for errors.
        rows: what error messages call the rows.
        keep_history: whether events before their sequence's window are kept as its history.
        resolution: the step to which times are known, or None.
        outside: "error", or "drop" to leave out events outside all windows.
        magnitude: (N,) sizes, or None.
        owned: whether the arrays may be overwritten, so that they are never held twice; codes are
            then int32.
    """
    for names, what in ((mark_names, "mark"), (sequence_names, "sequence")):
        if not names:
            raise ValueError(f"There are no events and no {what}s. Declare {what}_names.")
        refuse_total(names, what)
    size, kinds = len(sequence_names), len(mark_names)
    if max(size, kinds) * kinds > MOST:
        raise ValueError(
            f"{kinds:,} marks in {counted(size, 'sequence')}: these are too many to count, or to "
            f"estimate the effect of each on each. Users (and gangs, posts, places) are sequences: "
            f"pass their column as sequence=, and what happens to them as mark=."
        )
    where = clock, sequence, sequence_names, column, rows
    values, start, end, holes = read_window(window, *where, gaps)
    known = None
    if exposure is not None:
        seen = start, end, *holes[1:]
        values, seen, known = read_exposure(exposure, clock, sequence_names, values, seen)
        start, end, holes = *seen[:2], Holes(holes.owner, *seen[2:])
    sized = magnitude is not None
    sizes: np.ndarray = magnitude if sized else np.zeros(len(values), bool)
    history = History.none(sized)
    early = values < start[sequence]
    if keep_history and early.any():
        age = clock.in_units((start[sequence] - values)[early])
        kind, owner = (x[early].astype(np.int32) for x in (marks, sequence))
        past = History(age, kind, owner, sizes[early] if sized else None)
        history = past.join(history)
        kept = np.flatnonzero(~early)
        values, marks, sequence, sizes = (x[kept] for x in (values, marks, sequence, sizes))
        rows = rows.at(kept)
    left_out = 0
    if outside == "drop":
        seen = (start[sequence] <= values) & (values <= end[sequence])
        kept = np.flatnonzero(seen & ~inside_gaps(values, sequence, holes)[0])
        left_out = len(values) - len(kept)
        values, marks, sequence, sizes = (x[kept] for x in (values, marks, sequence, sizes))
        rows = rows.at(kept)
    check_inside(clock, values, start, end, sequence, rows)
    refuse_inside(clock, values, sequence, holes, rows)
    if not owned:
        values, sizes = values.copy(), sizes.copy()
        marks, sequence = marks.astype(np.int32), sequence.astype(np.int32)
    _sort(sequence, values, marks, *([sizes] if sized else []))
    step = read_resolution(resolution, clock, values)
    origin = start.min() if clock.dated else 0
    fields = _differences(clock, values, start, end, sequence) | {
        "marks": marks,
        "sequence": sequence,
        "start": clock.in_units(start - origin),
        "duration": clock.in_units(end - start),
        "mark_names": mark_names,
        "sequence_names": sequence_names,
        "unit": clock.unit,
        "origin": clock.show(origin) if clock.dated else None,
        "gaps": Gaps(
            holes.owner.astype(np.int32),
            clock.in_units(holes.start - start[holes.owner]),
            clock.in_units(holes.end - holes.start),
        ),
        "history": history,
        "resolution": step,
        "left_out": left_out,
        "magnitude": sizes if sized else None,
    }
    if known is None:
        return fields
    exposure = Exposure(
        known.owner.astype(np.int32),
        clock.in_units(known.start - start[known.owner]),
        clock.in_units(known.end - known.start),
        known.factor,
    )
    totals = exposure.totals(fields["duration"], fields["gaps"])
    _refuse_unexposed(totals, sequence, sequence_names)
    return fields | {"exposure": exposure}


def _differences(
    clock: Clock, values: np.ndarray, start: np.ndarray, end: np.ndarray, sequence: np.ndarray
) -> Fields:
    """The differences of sorted values, formed exactly, piece by piece; they overwrite the values,
    whose place `remaining` takes."""
    times, waits, remaining = np.empty(len(values)), np.empty(len(values)), values.view(np.float64)
    before, last = 0, -1  # value and sequence of the event before the piece
    for begin in range(0, len(values), PIECE):
        piece = slice(begin, begin + PIECE)
        given, own = values[piece].copy(), sequence[piece]
        since = given - start[own]
        between = np.diff(given, prepend=given.dtype.type(before))
        first = np.diff(own, prepend=last) != 0
        between[first] = since[first]
        before, last = given[-1], own[-1]
        times[piece], waits[piece] = clock.in_units(since), clock.in_units(between)
        remaining[piece] = clock.in_units(end[own] - given)
    return {"times": times, "waits": waits, "remaining": remaining}


def _refuse_unexposed(totals: np.ndarray, sequence: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse events of sequences that are never exposed."""
    never = [names[m] for m in np.unique(sequence) if totals[m] == 0]
    if never:
        raise ValueError(
            f"The exposure is 0 throughout the window of {listed(never, 5)}, where there are "
            f"events: nothing could be learned about the baseline. Correct its factors, or leave "
            f"these sequences out."
        )


def refuse_total(names: Any, what: str) -> None:
    """Refuse the name that tables use for totals."""
    if TOTAL in names:
        raise ValueError(
            f"A {what} is named {TOTAL!r}, the name of totals in tables. Give it another name."
        )


def _sort(sequence: np.ndarray, values: np.ndarray, *others: np.ndarray) -> None:
    """Sort columns by sequence and time, in place; rows that agree in both keep their order.

    By sequence first, of which two bytes are sorted in linear time, then each sequence that needs
    it: ten million events of a thousand sequences in a quarter of the time of one `lexsort`.
    """
    columns = (sequence, values, *others)
    if any(_falls(own).any() for own in _overlapping(sequence)):
        few = sequence.max() < 2**16
        _take(columns, np.argsort(sequence.astype(np.uint16) if few else sequence, kind="stable"))
    places = zip(_overlapping(sequence), _overlapping(values), strict=True)
    wrong = [own[1:][_falls(times) & (np.diff(own) == 0)] for own, times in places]
    for one in np.unique(np.concatenate([sequence[:0], *wrong])):
        own = slice(*np.searchsorted(sequence, np.array([one, one + 1], sequence.dtype)))
        _take([column[own] for column in columns], np.argsort(values[own], kind="stable"))


def _overlapping(column: np.ndarray) -> Iterator[np.ndarray]:
    """Pieces that begin with the last row of the one before."""
    return (column[begin : begin + PIECE + 1] for begin in range(0, len(column), PIECE))


def _falls(column: np.ndarray) -> np.ndarray:
    return column[1:] < column[:-1]


def _take(columns: Any, order: np.ndarray) -> None:
    for column in columns:
        column[:] = column[order]


def cut(panel: Any, a: float, b: float, keep_history: bool) -> Fields:
    """The fields of a panel within [a, b), in its own absolute time; see `EventPanel.between`."""
    times, remaining, sequence = panel.times, panel.remaining, panel.sequence
    low, high = a - panel.start, b - panel.start  # the piece, in each sequence's own time
    if panel.origin is not None:  # times and bounds are converted from dates and rounded separately
        low, high = (_snapped(edge, bound, panel) for edge, bound in ((low, a), (high, b)))
    duration = panel.duration
    last = float((panel.start + duration).max())
    inside = (low[sequence] <= times) & (times < high[sequence])
    point = (duration == 0) & (panel.start < last)  # a window of one moment, with none before it
    ends = (low < duration) & (duration <= high)
    keep = np.where((remaining == 0) & ~point[sequence], ends[sequence], inside)
    begin, stop = np.clip(low, 0, duration), np.clip(high, 0, duration)
    apart = (high < 0) | (low > duration)
    start = np.where(begin > 0, a, panel.start)
    start = np.where(apart, np.clip(panel.start, a, b), start)
    history = panel.history.aged(begin, (begin == 0) | keep_history)
    if keep_history:
        past = ~apart[sequence] & (times < begin[sequence])
        age = begin[sequence[past]] - times[past]
        size = None if panel.magnitude is None else panel.magnitude[past]
        history = history.join(History(age, panel.marks[past], sequence[past], size))
    sequence = sequence[keep]
    since = times[keep] - begin[sequence]
    waits = panel.waits[keep]
    first = np.diff(sequence, prepend=-1) != 0
    waits[first] = since[first]
    rest = np.where((high < duration)[sequence], high[sequence] - times[keep], remaining[keep])
    return {
        "times": since,
        "waits": waits,
        "remaining": rest,
        "marks": panel.marks[keep],
        "sequence": sequence,
        "start": start,
        "duration": np.where(apart, 0.0, stop - begin),
        "gaps": panel.gaps.cut(begin, np.where(apart, begin, stop)),
        "history": history,
        "magnitude": None if panel.magnitude is None else panel.magnitude[keep],
        "exposure": panel.exposure.since(begin, ~apart),
    }


def _snapped(edge: np.ndarray, bound: float, panel: Any) -> np.ndarray:
    """A bound in each sequence's own time, moved onto the event that it differs from by rounding
    alone (a few units in the last place, fractions of a nanosecond near the origin)."""
    near = 8 * np.finfo(float).eps * np.maximum(np.abs(bound), np.abs(panel.start))
    close = np.flatnonzero(np.abs(panel.times - edge[panel.sequence]) <= near[panel.sequence])
    edge = edge.copy()
    edge[panel.sequence[close]] = panel.times[close]
    return edge


def choose(panel: Any, rows: np.ndarray) -> Fields:
    """The fields of a panel's sequences `rows`, in that order."""
    events, sequence = rows_of(panel.sequence, rows)
    fields = {
        name: getattr(panel, name)[events] for name in ("times", "waits", "remaining", "marks")
    }
    return fields | {
        "sequence": sequence,
        "start": panel.start[rows],
        "duration": panel.duration[rows],
        "gaps": panel.gaps.choose(rows),
        "history": panel.history.choose(rows),
        "magnitude": None if panel.magnitude is None else panel.magnitude[events],
        "exposure": panel.exposure.choose(rows),
    }


def pieces(panel: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequence, start and end, in absolute time, of the pieces that the gaps leave of each
    sequence's window; every sequence has at least one."""
    gaps = panel.gaps
    every = np.arange(panel.num_sequences)
    owner = np.concatenate([every, gaps.sequence])
    since = np.concatenate([np.zeros(len(every)), gaps.end])
    order = np.lexsort((since, owner))
    until = np.concatenate([gaps.start, panel.duration])
    last = np.argsort(np.concatenate([gaps.sequence, every]), kind="stable")
    owner, low, high = owner[order], since[order], until[last]
    kept = (low < high) | (np.bincount(owner)[owner] == 1)
    return owner[kept], (panel.start[owner] + low)[kept], (panel.start[owner] + high)[kept]
