"""Marked events of any number of sequences, each seen through a window of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.core.kept import Kept
from hawkesjax.hawkes.data import assemble
from hawkesjax.hawkes.data.exposure import Exposure
from hawkesjax.hawkes.data.gaps import Gaps
from hawkesjax.hawkes.data.history import History
from hawkesjax.hawkes.data.magnitude import read_magnitude
from hawkesjax.hawkes.data.tables import AsTables
from hawkesjax.inputs.arguments import Positive, checked
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.checks import (
    ROWS,
    Rows,
    column_of,
    counted,
    listed,
    listed_once,
    same_length,
    short,
    unique_names,
)
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.labels import Codes, one_label, read_indices, read_labels
from hawkesjax.inputs.moments import moment
from hawkesjax.inputs.names import positions
from hawkesjax.inputs.tables import open_table
from hawkesjax.inputs.windows import count_of, names_of, plain


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class EventPanel(Kept, AsTables):
    """Marked events in continuous time: N events, D marks, M sequences.

    Sequence m is observed over its window [a_m, b_m], outside of the gaps of the record; an event
    at exactly b_m, or at an end of a gap, belongs to it. Rows
    are sorted by sequence, then time; events at the same time keep their given order. Times are
    are sorted by sequence, then time; events at the same time keep their given order. Times are
    differences, formed in integers or float64 before anything is rounded, so that time stamps
    of any size are safe. The absolute time of event n is `start[sequence[n]] + times[n]`.

    Build panels with `from_arrays`, `from_lists`, `from_dataframe` or `hawkesjax.read_events`,
    which check what they are given; the dataclass, a JAX pytree, checks nothing.

    Args:
        times: (N,) time since the start of the event's own sequence's window, in `unit`.
        waits: (N,) time since the previous event of the sequence, whatever its mark, 0 for events
            at the same time; for the first event of a sequence, its `times`.
        remaining: (N,) window end minus time of the event.
        marks: (N,) 0 .. D-1.
        sequence: (N,) 0 .. M-1.
        start: (M,) window starts in absolute time.
        duration: (M,) window lengths, gaps of the record among them.
        mark_names: D names.
        sequence_names: M names.
        unit: name of the unit of time, "" if it has none.
        origin: ISO datetime of absolute time 0 (the earliest window start), with its offset from
            UTC unless the times had no zone; None for times that were numbers.
        gaps: stretches within the windows in which nothing could be seen.
        exposure: known factor on the baselines over time; 1 where there is none.
        history: known events before the windows, which excite events within them and are not
            counted.
        resolution: the step to which times are known, each standing for those until the next, in
            `unit`; 0 for exact times.
        left_out: number of events outside all windows that `outside="drop"` left out.
        magnitude: (N,) size of each event (casualties, followers, an earthquake's magnitude), by
            which its effect may be scaled (`hawkesjax.Hawkes.magnitude`); None without sizes.

    Example:
        >>> panel = hj.EventPanel.from_arrays([0.5, 2.0], ["a", "b"], window=(0, 3), unit="day")
        >>> panel.counts.tolist()
        [[1, 1]]
    """

    times: Float[AnyArray, " events"]
    waits: Float[AnyArray, " events"]
    remaining: Float[AnyArray, " events"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    start: Float[AnyArray, " sequences"]
    duration: Float[AnyArray, " sequences"]
    mark_names: tuple[str, ...] = field(metadata={"static": True})
    sequence_names: tuple[str, ...] = field(metadata={"static": True})
    unit: str = field(default="", metadata={"static": True})
    origin: str | None = field(default=None, metadata={"static": True})
    gaps: Gaps = field(default_factory=Gaps.none)
    exposure: Exposure = field(default_factory=Exposure.none)
    history: History = field(default_factory=History.none)
    resolution: float = field(default=0.0, metadata={"static": True})
    left_out: int = field(default=0, metadata={"static": True})
    magnitude: Float[AnyArray, " events"] | None = None

    @property
    def num_events(self) -> int:
        """N."""
        return self.marks.shape[-1]

    @property
    def num_marks(self) -> int:
        """D."""
        return len(self.mark_names)

    @property
    def num_sequences(self) -> int:
        """M."""
        return len(self.sequence_names)

    @classmethod
    @checked
    def from_arrays(
        cls,
        times: Any,
        marks: Any,
        *,
        sequence: Any = None,
        magnitude: Any = None,
        window: Any = None,
        gaps: Any = None,
        exposure: Any = None,
        keep_history: bool = False,
        resolution: str | Positive | None = None,
        outside: Literal["error", "drop"] = "error",
        mark_names: Collection[Any] | None = None,
        sequence_names: Collection[Any] | None = None,
        unit: str = "",
    ) -> EventPanel:
        """A panel from arrays, one value per event, in any order.

        Args:
            times: (N,) numbers in `unit`, or datetimes (`datetime64`, or ISO text).
            marks: (N,) whole numbers 0 .. D-1, or labels. Without `mark_names`, numbers make
                D = largest + 1 marks "0", "1", ..., and labels are sorted.
            sequence: (N,) whole numbers 0 .. M-1, or labels, likewise; None for one sequence "0".
            magnitude: (N,) finite sizes of the events, where they have some.
            window: what was observed, on the clock of the times.
                `(a, b)`: one window for all sequences;
                `[(a, b), ...]` or an (M, 2) array: one per sequence, in the order of the names;
                `{name: (a, b), ...}`: the same by name, which also declares the sequences;
                a table of the columns start and end: by name where its index holds names, else one
                row per sequence in their order;
                instead of a pair, `[(a, b), (c, d), ...]`: several windows, between which nothing
                could be seen (a single sequence needs no brackets around these; rows with the same
                name in a table are its windows);
                `"sequence"`: each sequence from its own first to its own last event (a sequence
                without events gets no time at all, placed at the first event of all);
                None: from the first to the last event of all.
                The last two let the data choose the window, which hides the silence before the
                first and after the last event; declare the window where you know it.
            gaps: stretches within the windows in which nothing could be seen (a collector that was
                down, lost days): `(a, b)` or `[(a, b), ...]` for all sequences, `{name: [(a, b),
                ...]}` by sequence, or a table of the columns start and end, and perhaps sequence.
                Events before a gap excite those after it; events within it are unknown and count
                as none, like those before a window.
            exposure: a known factor E(t) on the baseline (share of the day that a collector ran,
                population at risk, patrols on duty), piecewise constant: a table of the columns
                start, end and factor, 0 or more, and perhaps sequence; or a dict from sequences to
                such tables. The baseline is then `E(t) mu(t)`, with mu per unit of E; excitation is
                unchanged. A row applies from its start until its end. Rows must cover the windows;
                where they extend beyond, forecasts use them.
            keep_history: keep events before their sequence's window as its `history`, which excites
                events within it; by default they are refused.
            resolution: the step to which times are known ("second", "minute", "hour", "day",
                "week", or a number in `unit`), for whole seconds, dates without a time of day,
                or daily counts; each time then stands for any from it to the next. The likelihood
                is the mean over times spread evenly in their steps (`hawkesjax.Hawkes`).
            outside: what to do with events outside all windows: "error", or "drop" to leave them
                out and count them as `left_out`; with `keep_history` those before the windows are
                kept.
            mark_names: names of marks 0 .. D-1, or the labels that may occur. Marks without
                events are kept. No mark or sequence may be named "all", the name of totals.
            sequence_names: likewise; sequences without events are kept.
            unit: the unit of time; for datetimes the one to convert them to ("second", "minute",
                "hour", "day" or "week").

        Returns:
            The panel, sorted.

        Raises:
            ValueError: for invalid input (rows may be in any order); names the column, the first
                offending rows (counted from 0) and a remedy. Nothing is clipped, and nothing is
                dropped unless asked for.
        """
        window = plain(window)
        marks = column_of(marks, "marks")
        clock = read_times(times, "times", unit)
        sizes = {"times": len(clock.values), "marks": len(marks)}
        if sequence is not None:
            sequence = column_of(sequence, "sequence")
            sizes["sequence"] = len(sequence)
        sized = None if magnitude is None else column_of(magnitude, "magnitude")
        if sized is not None:
            sizes["magnitude"] = len(sized)
        same_length(sizes)
        declared = sequence_names if sequence_names is not None else names_of(window)
        if sequence is None:
            codes, names = one_label(len(marks), declared, "sequence", "0")
        else:
            size = count_of(window) if declared is None else None
            codes, names = read_indices(sequence, declared, "sequence", "sequence", size)
        kinds, kind_names = read_indices(marks, mark_names, "mark", "marks")
        carried = read_magnitude(sized, "magnitude", ROWS)
        seen = window, gaps, exposure, "sequence", ROWS
        where = *seen, keep_history, outside, resolution, carried
        return cls(**assemble.assemble(clock, kinds, codes, kind_names, names, *where))

    @classmethod
    @checked
    def from_dataframe(
        cls,
        df: Any,
        *,
        time: Any,
        mark: Any = None,
        sequence: Any = None,
        magnitude: Any = None,
        window: Any = None,
        gaps: Any = None,
        exposure: Any = None,
        keep_history: bool = False,
        resolution: str | Positive | None = None,
        outside: Literal["error", "drop"] = "error",
        unit: str | None = None,
        mark_names: Collection[Any] | None = None,
        sequence_names: Collection[Any] | None = None,
        timezone: str | None = None,
    ) -> EventPanel:
        """A panel from a table with one row per event, in any order.

        Args:
            df: the table: a pandas one, or one with `to_pandas` (polars, pyarrow).
            time: column of times: numbers, datetimes with or without a zone, or ISO 8601 text.
            mark: column of marks; None for the one mark "event".
            sequence: column of sequences; None for one sequence "0".
            magnitude: column of the events' sizes, finite numbers; None without sizes.
            window: as in `from_arrays`; datetimes (or their text) where the times are datetimes.
                Bounds without an offset are read in the times' zone; a date alone is its
                midnight.
            gaps, exposure, keep_history, resolution, outside: as in `from_arrays`; bounds are given
                as for `window`.
            unit: name of the numbers' unit; for datetimes the unit to convert them to: "second",
                "minute", "hour", "day" or "week". Absolute time then counts from `origin`, the
                earliest window start.
            mark_names: the marks in their order, including those without events. By default those
                that occur, sorted, or all categories of a pandas categorical, in their order.
                Labels in the table are names, even whole numbers; but if no declared name is a
                whole number, whole numbers are positions among the names, counted from 0.
            sequence_names: likewise.
            timezone: zone of datetimes without an offset ("Europe/London"). It also allows several
                offsets in one column, which are refused otherwise. Times without any zone are taken
                as they are, on a clock without daylight saving.

        Raises:
            ValueError: as `from_arrays`; rows are counted from 0, whatever the table's index.
        """
        window = plain(window)
        df, rows = open_table(df, time=time, mark=mark, sequence=sequence, magnitude=magnitude)
        clock = read_times(df[time], str(time), unit, timezone, rows)
        marks, kinds = _column(df, mark, mark_names, "mark", "event", rows)
        declared = names_of(window) if sequence_names is None else sequence_names
        codes, names = _column(df, sequence, declared, "sequence", "0", rows)
        column = "sequence" if sequence is None else str(sequence)
        sized = None if magnitude is None else df[magnitude]
        carried = read_magnitude(sized, str(magnitude), rows)
        seen = window, gaps, exposure, column, rows
        where = *seen, keep_history, outside, resolution, carried
        return cls(**assemble.assemble(clock, marks, codes, kinds, names, *where))

    @classmethod
    @checked
    def from_lists(
        cls,
        users: Sequence[Sequence[Any]],
        *,
        window: Any = None,
        gaps: Any = None,
        exposure: Any = None,
        keep_history: bool = False,
        resolution: str | Positive | None = None,
        outside: Literal["error", "drop"] = "error",
        mark_names: Collection[Any] = ("online", "offline"),
        sequence_names: Collection[Any] | None = None,
        unit: str = "",
    ) -> EventPanel:
        """A panel from one tuple of arrays per user: the times of each mark.

        Args:
            users: M tuples of D arrays of times, as `[(online, offline), ...]`.
            window, gaps, exposure, keep_history, resolution, outside: as in `from_arrays`.
            mark_names: D names, in the order within the tuples.
            sequence_names: M names; "0", "1", ... by default.
            unit: as in `from_arrays`.

        Raises:
            ValueError: as `from_arrays`; names the array and the value at fault.
        """
        window, marks = plain(window), unique_names(mark_names, "mark")
        declared = names_of(window) if sequence_names is None else sequence_names
        given = None if isinstance(users, (str, bytes, Set)) else listed_once(users)
        if given is None:
            raise ValueError(f"users is {short(users)}. Give a list of tuples of arrays of times.")
        users = given
        names = unique_names(range(len(users)) if declared is None else declared, "sequence")
        if len(names) != len(users):
            raise ValueError(
                f"{counted(len(names), 'sequence_name')} for {counted(len(users), 'user')}. "
                f"Give one each."
            )
        parts: list[Any] = []
        for name, user in zip(names, users, strict=True):
            arrays = None if isinstance(user, (str, bytes, Set)) else listed_once(user)
            if not arrays:
                raise ValueError(
                    f"Sequence {name!r}: give a tuple of {len(marks)} arrays of times."
                )
            if len(arrays) != len(marks):
                raise ValueError(
                    f"Sequence {name!r} has {counted(len(arrays), 'array')} of times for the "
                    f"{counted(len(marks), 'mark')} {listed(marks)}. "
                    f"Give one array per mark, in that order."
                )
            parts.extend(arrays)
        cells = [f"{mark!r} of sequence {name!r}" for name in names for mark in marks]
        arrays = [column_of(part, cell) for part, cell in zip(parts, cells, strict=True)]
        sizes = np.array([len(array) for array in arrays], np.int64)
        ends = np.cumsum(sizes)
        filled = [array for array in arrays if len(array)]
        times = pd.concat(filled, ignore_index=True) if filled else pd.Series([], dtype=float)

        def called(row: int) -> str:
            cell = int(np.searchsorted(ends, row, side="right"))
            place = row - int(ends[cell] - sizes[cell])
            return f"{place} of {cells[cell]}"

        rows = Rows("value", called)
        clock = read_times(times, "times", unit, None, rows)
        kinds = np.repeat(np.tile(np.arange(len(marks)), len(users)), sizes)
        codes = np.repeat(np.repeat(np.arange(len(users)), len(marks)), sizes)
        where = window, gaps, exposure, "sequence", rows, keep_history, outside, resolution
        return cls(**assemble.assemble(clock, kinds, codes, marks, names, *where))

    @checked
    def between(self, a: Any, b: Any, *, keep_history: bool = False) -> EventPanel:
        """The panel seen through [a, b): every window is cut to what it shares with it.

        Events at exactly b belong to the next piece, so that the pieces of a partition hold every
        event once; an event at the end of its own window stays in the piece that ends there.
        Sequences that do not meet [a, b) are kept, with no events and no time. Where a lies within
        a window, earlier events are forgotten and no longer excite (`waits` restart at a), unless
        `keep_history`.

        Args:
            a, b: absolute times in the panel's unit (the scale of `start`), or datetimes where
                the panel has an `origin`.
            keep_history: keep the events before a as the panel's `history`, which excites.

        Raises:
            ValueError: if a is not before b.
        """
        low, high = (moment(v, self, n) for v, n in ((a, "a"), (b, "b")))
        if not low < high:
            raise ValueError(f"between({a}, {b}): the first must be less than the second.")
        return replace(self, **assemble.cut(self, low, high, keep_history))

    def select(self, sequences: Any) -> EventPanel:
        """The panel of some sequences, in the order given; all marks are kept.

        Args:
            sequences: names, or positions 0 .. M-1 (negative ones count from the end), or a mask
                of M booleans; a single name or position is accepted.

        Raises:
            ValueError: if one is unknown or repeated.
        """
        rows = positions(sequences, self.sequence_names, "sequence")
        names = tuple(self.sequence_names[row] for row in rows)
        return replace(self, **assemble.choose(self, rows), sequence_names=names)


def _column(df: pd.DataFrame, column: Any, names: Any, what: str, single: str, rows: Rows) -> Codes:
    if column is None:
        return one_label(len(df), names, what, single)
    return read_labels(df[column], names, what, str(column), rows)
