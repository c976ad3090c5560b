"""A panel of marked events: any number of sequences, each with a window of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import pandas as pd

from hawkesjax.data.build import assemble
from hawkesjax.data.checks import one_dimensional, unique_names
from hawkesjax.data.clock import NANOSECONDS, UNITS, clock_of
from hawkesjax.data.labels import index_codes, label_codes


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class EventPanel:
    """Events with a mark and a sequence each, and the window in which each sequence was seen.

    Build one with `from_arrays`, `from_lists`, `from_dataframe` or `read_events`; they check
    everything once, on the host. Events are sorted by sequence, then time; ties keep their order.

    Args:
        times: (N,) time since the start of the event's own sequence's window.
        gaps: (N,) time since the previous event of the sequence; for its first event, since the
            start of the window.
        remaining: (N,) time to the end of the window.
        marks: (N,) 0 .. D - 1.
        sequence: (N,) 0 .. M - 1, ascending.
        start: (M,) start of each window, from the panel's time 0.
        duration: (M,) length of each window.
        mark_names, sequence_names: D and M names.
        unit: name of the time unit of all of these.
        origin: date and time (ISO) of time 0, where the times came as datetimes.
    """

    times: np.ndarray
    gaps: np.ndarray
    remaining: np.ndarray
    marks: np.ndarray
    sequence: np.ndarray
    start: np.ndarray
    duration: np.ndarray
    mark_names: tuple[str, ...] = field(metadata={"static": True})
    sequence_names: tuple[str, ...] = field(metadata={"static": True})
    unit: str = field(default="", metadata={"static": True})
    origin: str | None = field(default=None, metadata={"static": True})

    @classmethod
    def from_arrays(
        cls,
        times: Any,
        marks: Any,
        *,
        sequence: Any = None,
        window: Any = None,
        mark_names: Sequence[str] | None = None,
        sequence_names: Sequence[str] | None = None,
        unit: str = "",
    ) -> EventPanel:
        """Build a panel from one array a column.

        Args:
            times: (N,) numbers or datetimes, in any order.
            marks: (N,) whole numbers from 0, or names.
            sequence: (N,) whole numbers from 0, or names; None for one sequence.
            window: (start, end); or one pair a sequence, as an array or a dict by name; or
                `"sequence"`, each sequence's first to last event; None, the first to the last
                event of all. An event at the very end counts.
            mark_names, sequence_names: names, those without events included.
            unit: the unit of `times`; datetimes need one of second, minute, hour, day, week.

        Raises:
            ValueError: naming the column, the first offending rows and the remedy.
        """
        clock = clock_of(times, "times", unit or None)
        codes, mark_names = index_codes(marks, mark_names, "marks", "mark")
        if sequence is None:
            names = unique_names(sequence_names or ("0",), "sequence")
            if len(names) != 1:
                raise ValueError(
                    f"sequence_names has {len(names)} names but no sequence array was given."
                )
            owners = np.zeros(len(clock.values), np.int32)
        else:
            owners, names = index_codes(sequence, sequence_names, "sequence", "sequence")
        parts = {"times": clock.values, "marks": codes, "sequence": owners}
        return cls(**assemble(clock, codes, owners, window, mark_names, names, parts))

    @classmethod
    def from_lists(
        cls,
        users: Sequence[Sequence[Any]],
        *,
        window: Any,
        mark_names: Sequence[str] | None = None,
        sequence_names: Sequence[str] | None = None,
        unit: str = "",
    ) -> EventPanel:
        """Build a panel from one tuple of arrays of times a user: `[(online, offline), ...]`.

        Args:
            users: for each sequence, one array of times for each mark; empty ones are fine.
            window: as in `from_arrays`.
            mark_names: "online", "offline" for two marks by default, numbers otherwise.
            sequence_names: numbers by default.
            unit: the unit of the times.
        """
        widths = {len(user) for user in users}
        if len(widths) > 1:
            raise ValueError(
                f"users have {sorted(widths)} arrays: give every user one array for each mark."
            )
        width = widths.pop() if widths else len(mark_names or ())
        if mark_names is None:
            mark_names = ("online", "offline") if width == 2 else tuple(map(str, range(width)))
        if len(mark_names) != width:
            raise ValueError(f"{width} arrays a user, but {len(mark_names)} mark_names.")
        if sequence_names is not None and len(sequence_names) != len(users):
            raise ValueError(f"{len(users)} users, but {len(sequence_names)} sequence_names.")
        flat = [
            one_dimensional(times, f"user {m}, {mark_names[i]}")
            for m, user in enumerate(users)
            for i, times in enumerate(user)
        ]
        sizes = np.array([len(times) for times in flat], int)
        cells = np.repeat(np.arange(len(flat)), sizes)
        filled = [times for times in flat if len(times)]
        return cls.from_arrays(
            np.concatenate(filled) if filled else np.zeros(0),
            cells % max(width, 1),
            sequence=cells // max(width, 1),
            window=window,
            mark_names=mark_names,
            sequence_names=sequence_names or tuple(map(str, range(len(users)))),
            unit=unit,
        )

    @classmethod
    def from_dataframe(
        cls,
        df: pd.DataFrame,
        *,
        time: str,
        mark: str | None = None,
        sequence: str | None = None,
        window: Any = None,
        unit: str | None = None,
        timezone: str | None = None,
        mark_names: Sequence[str] | None = None,
        sequence_names: Sequence[str] | None = None,
        first_row: int = 0,
    ) -> EventPanel:
        """Build a panel from a table with a row an event.

        Args:
            df: the table.
            time: column of times: numbers, datetimes, or text of either.
            mark: column of marks, names or whole numbers; None for a single mark `event`.
            sequence: column of sequences; None for one sequence.
            window: as in `from_arrays`; with datetimes, pairs of datetimes.
            unit: for numbers the name of their unit; for datetimes the unit to convert to:
                second, minute, hour, day or week. Time 0 is then the earliest window's start.
            timezone: for datetimes without a zone, the zone they are in; for datetimes of
                several zones, the one to show them in.
            mark_names, sequence_names: names in the order wanted, those without events included;
                by default those found, sorted.
            first_row: number of the first row in messages (2 for the lines of a file).

        Raises:
            ValueError: naming the column, the first offending rows and the remedy.
        """
        columns = [str(name) for name in df.columns]
        repeated = sorted({name for name in columns if columns.count(name) > 1})
        if repeated:
            raise ValueError(f"Duplicated column names: {', '.join(repeated)}. Rename them.")
        wanted = {"time": time, "mark": mark, "sequence": sequence}
        for role, name in wanted.items():
            if name is not None and name not in df.columns:
                raise ValueError(
                    f"No column {name!r} for the {role}. The columns are: {', '.join(columns)}."
                )
        clock = clock_of(df[time], time, unit, timezone, first_row)
        count = len(df)
        if mark is None:
            names = unique_names(mark_names or ("event",), "mark")
            if len(names) != 1:
                raise ValueError(f"mark_names has {len(names)} names but no mark column was named.")
            codes, mark_names = np.zeros(count, np.int32), names
        else:
            codes, mark_names = label_codes(df[mark], mark_names, mark, "mark", first_row)
        if sequence is None:
            names = unique_names(sequence_names or ("0",), "sequence")
            if len(names) != 1:
                raise ValueError(
                    f"sequence_names has {len(names)} names but no sequence column was named."
                )
            owners = np.zeros(count, np.int32)
        else:
            owners, names = label_codes(df[sequence], sequence_names, sequence, "sequence", first_row)
        parts = {time: clock.values}
        return cls(**assemble(clock, codes, owners, window, mark_names, names, parts, first_row))

    # What it holds

    @property
    def num_events(self) -> int:
        """Number of events N."""
        return self.marks.shape[0]

    @property
    def num_marks(self) -> int:
        """Number of marks D."""
        return len(self.mark_names)

    @property
    def num_sequences(self) -> int:
        """Number of sequences M."""
        return len(self.sequence_names)

    @property
    def window(self) -> np.ndarray:
        """(M, 2) start and end of each window, from the panel's time 0."""
        return np.stack([self.start, self.start + self.duration], axis=1)

    @property
    def counts(self) -> np.ndarray:
        """(M, D) number of events."""
        cells = self.sequence.astype(np.int64) * self.num_marks + self.marks
        size = self.num_sequences * self.num_marks
        return np.bincount(cells, minlength=size).reshape(self.num_sequences, self.num_marks)

    def between(self, a: Any, b: Any) -> EventPanel:
        """Cut every window to its part in [a, b), with the events inside.

        An event at b belongs to the next piece, unless its window ends there. Sequences that do
        not meet [a, b) stay, with a window of length 0. What happened before a is forgotten.

        Args:
            a, b: times from the panel's time 0, or datetimes where the panel has an origin.
        """
        a, b = self._moment(a, "a"), self._moment(b, "b")
        if b < a:
            raise ValueError(f"between: the end {b} is before the start {a}.")
        end = self.start + self.duration
        start = np.clip(a, self.start, end)
        stop = np.clip(b, start, end)
        at = self.start[self.sequence] + self.times
        last = (stop == end)[self.sequence] & (b >= end[self.sequence])
        open_ = (stop > start)[self.sequence] | (at == stop[self.sequence])
        keep = (at >= start[self.sequence]) & open_
        keep &= np.where(last, at <= stop[self.sequence], at < stop[self.sequence])
        shift = start - self.start
        times = self.times[keep] - shift[self.sequence[keep]]
        sequence = self.sequence[keep]
        first = np.diff(sequence, prepend=-1) != 0
        return EventPanel(
            times=times,
            gaps=np.where(first, times, self.gaps[keep]),
            remaining=self.remaining[keep] - (end - stop)[sequence],
            marks=self.marks[keep],
            sequence=sequence,
            start=start,
            duration=np.where(stop == end, self.duration - shift, stop - start),
            mark_names=self.mark_names,
            sequence_names=self.sequence_names,
            unit=self.unit,
            origin=self.origin,
        )

    def select(self, sequences: Any) -> EventPanel:
        """The named (or numbered) sequences, in that order, with all their events."""
        wanted = [sequences] if isinstance(sequences, str | int | np.integer) else list(sequences)
        place = {name: number for number, name in enumerate(self.sequence_names)}
        rows = []
        for item in wanted:
            row = place.get(item, -1) if isinstance(item, str) else int(item)
            if not 0 <= row < self.num_sequences:
                raise ValueError(
                    f"No sequence {item!r}; there are {self.num_sequences}: "
                    f"{', '.join(self.sequence_names[:10])}{' ...' if len(place) > 10 else ''}."
                )
            rows.append(row)
        if len(set(rows)) != len(rows):
            raise ValueError(f"A sequence is named twice in {wanted!r}.")
        new = np.full(self.num_sequences, -1, np.int32)
        new[rows] = np.arange(len(rows), dtype=np.int32)
        kept = np.flatnonzero(new[self.sequence] >= 0)
        order = kept[np.argsort(new[self.sequence[kept]], kind="stable")]
        return EventPanel(
            times=self.times[order],
            gaps=self.gaps[order],
            remaining=self.remaining[order],
            marks=self.marks[order],
            sequence=new[self.sequence[order]],
            start=self.start[rows],
            duration=self.duration[rows],
            mark_names=self.mark_names,
            sequence_names=tuple(self.sequence_names[row] for row in rows),
            unit=self.unit,
            origin=self.origin,
        )

    def describe(self) -> pd.DataFrame:
        """A row a sequence, and `all`: its window, its events of each mark, their rate."""
        counts = self.counts
        tied = (self.gaps == 0) & (np.diff(self.sequence, prepend=-1) == 0)
        ties = np.bincount(self.sequence[tied], minlength=self.num_sequences)
        table = pd.DataFrame(
            {
                "start": self.start,
                "end": self.start + self.duration,
                "duration": self.duration,
                **dict(zip(self.mark_names, counts.T, strict=True)),
                "events": counts.sum(axis=1),
                "ties": ties,
            },
            index=pd.Index(self.sequence_names, name="sequence"),
        )
        total = table.sum()
        total["start"], total["end"] = self.start.min(initial=np.inf), table["end"].max()
        table.loc["all"] = total
        table = table.astype({name: int for name in (*self.mark_names, "events", "ties")})
        with np.errstate(invalid="ignore", divide="ignore"):
            table["rate"] = table["events"] / table["duration"]
        return table

    def to_dataframe(self) -> pd.DataFrame:
        """The events as a table: time (datetimes where the panel has an origin), mark, sequence."""
        at = self.start[self.sequence] + self.times
        if self.origin is not None:
            ticks = np.round(at * UNITS[self.unit] * NANOSECONDS).astype(np.int64)
            at = pd.Timestamp(self.origin) + pd.to_timedelta(ticks, unit="ns")
        return pd.DataFrame(
            {
                "time": at,
                "mark": np.array(self.mark_names, object)[self.marks],
                "sequence": np.array(self.sequence_names, object)[self.sequence],
            }
        )

    def __repr__(self) -> str:
        if not isinstance(self.times, np.ndarray):
            return f"EventPanel({', '.join(self.mark_names)}; arrays being traced)"
        unit = f" {self.unit}s" if self.unit else ""
        origin = f", time 0 is {self.origin}" if self.origin else ""
        table = self.describe()
        shown = pd.concat([table.iloc[:10], table.iloc[-1:]]) if len(table) > 12 else table
        lines = [
            f"EventPanel: {self.num_events} events, {self.num_marks} marks, "
            f"{self.num_sequences} sequences, {self.duration.sum():.6g}{unit} in all{origin}",
            shown.to_string(float_format=lambda x: f"{x:.6g}", max_cols=12),
        ]
        if len(shown) < len(table):
            lines.append(f"({self.num_sequences - 10} more sequences in describe())")
        return "\n".join(lines)

    def _moment(self, value: Any, what: str) -> float:
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            return float(value)
        if self.origin is None:
            raise ValueError(f"between: {what} is {value!r}; this panel's times are numbers.")
        zero = pd.Timestamp(self.origin)
        moment = pd.Timestamp(value)
        if (moment.tzinfo is None) != (zero.tzinfo is None):
            raise ValueError(f"between: {what} is {value!r}; time 0 is {self.origin}: give both a zone.")
        return (moment - zero).value / (UNITS[self.unit] * NANOSECONDS)


