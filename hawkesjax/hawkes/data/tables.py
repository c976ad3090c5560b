"""A panel as figures, tables and text."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.hawkes.data.assemble import pieces
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.checks import counted, short
from hawkesjax.inputs.moments import moments, shown
from hawkesjax.inputs.names import name_lines
from hawkesjax.inputs.silence import FEW, apart, asked


class AsTables:
    """An `EventPanel` as figures, tables and text."""

    @property
    def window(self: Any) -> Float[np.ndarray, "sequences 2"]:
        """Start and end of each sequence's window, absolute, in `unit`."""
        return np.stack([self.start, self.start + self.duration], axis=-1)

    @property
    def observed(self: Any) -> Float[AnyArray, " sequences"]:
        """(M,) time that each sequence was watched: its window without the gaps of the record."""
        return self.duration - self.gaps.total(len(self.start)) if len(self.gaps) else self.duration

    @property
    def exposed(self: Any) -> Float[AnyArray, " sequences"]:
        """(M,) integral of the exposure over the time that was watched; without one, that time."""
        if not len(self.exposure):
            return self.observed
        return self.exposure.totals(np.asarray(self.duration), self.gaps)

    @property
    def counts(self: Any) -> Int[np.ndarray, "sequences marks"]:
        """Number of events of each sequence and mark."""
        cells = np.asarray(self.sequence, np.int64) * self.num_marks + np.asarray(self.marks)
        size = self.num_sequences * self.num_marks
        counts = np.bincount(cells, minlength=size).astype(np.int64)
        return counts.reshape(self.num_sequences, self.num_marks)

    @checked
    def describe(self: Any, by: Literal["cell", "sequence", "mark"] = "cell") -> pd.DataFrame:
        """Numbers and rates of events, and the times without any.

        Args:
            by: "cell" for one row per sequence and mark, "sequence" or "mark" for totals.

        Returns:
            A table: sequence and/or mark, events, start and end of the window (datetimes where
            there is an `origin`; by mark, only their total `duration`), before (time from there to
            the first event), after (from the last event to the end), duration, rate (events per
            unit of time), ties (events that share their time with another of their sequence). By
            sequence also gaps (their number), longest (the longest time between events, whatever
            their marks) and usual (its approximate mean for a Poisson process, `(log n + 0.577) /
            rate`). No time includes the gaps of the record. With an exposure also its
            integral, exposure, and events per unit of it, `per exposure`; times in which it is 0
            do not count in before, after and longest.
        """
        counts, ties = self.counts, _count_ties(self)
        duration = np.asarray(self.observed)
        size, kinds = counts.shape
        table: dict[str, Any] = {}
        if by == "mark":
            table["mark"] = list(self.mark_names)
            events, ties = counts.sum(0), ties.sum(0)
        else:
            repeats = kinds if by == "cell" else 1
            table["sequence"] = np.repeat(np.array(self.sequence_names, object), repeats)
            if by == "cell":
                table["mark"] = np.tile(np.array(self.mark_names, object), size)
            events, ties = (
                (counts.ravel(), ties.ravel()) if by == "cell" else (counts.sum(1), ties.sum(1))
            )
        lengths = _spread(duration, by, kinds)
        table["events"] = events
        if by != "mark":
            for name, bound in zip(("start", "end"), self.window.T, strict=True):
                table[name] = np.repeat(absolute(self, bound), repeats)
            cells = np.asarray(self.sequence, np.int64)
            cells = cells * kinds + self.marks if by == "cell" else cells
            head, left = _watched(self), self.remaining
            if len(self.gaps) or _shut(self):
                left = _whole(self)[self.sequence] - head
            for name, since in (("before", head), ("after", left)):
                table[name] = np.full(len(events), np.inf)
                np.minimum.at(table[name], cells, since)
                table[name] = np.where(events > 0, table[name], np.nan)
        table["duration"] = lengths
        with np.errstate(divide="ignore", invalid="ignore"):
            table["rate"] = np.where(lengths > 0, events / lengths, np.nan)
            if len(self.exposure):
                table["exposure"] = _spread(self.exposed, by, kinds)
                table["per exposure"] = np.where(
                    table["exposure"] > 0, events / table["exposure"], np.nan
                )
        table["ties"] = ties
        if by == "sequence":
            table["gaps"] = np.bincount(self.gaps.sequence, minlength=size)
            table["longest"] = np.full(size, np.nan)
            own, silence = _silences(self)
            np.fmax.at(table["longest"], own, silence)
            with np.errstate(divide="ignore", invalid="ignore"):
                usual = (np.log(events) + np.euler_gamma) / table["rate"]
            table["usual"] = np.where(events > 1, usual, np.nan)
        return pd.DataFrame(table)

    def remarks(self: Any) -> list[str]:
        """Sentences on stretches without events that are far longer than the others: at the ends of
        windows, more than 10 times the mean time between events and 3 times the longest; between
        events, more than 10 times the mean and 5 times the next longest (of up to 5 such)."""
        table = self.describe("sequence")
        between = (table["duration"] - table["before"] - table["after"]) / (table["events"] - 1)
        longest = table["longest"].fillna(0).to_numpy()
        usual = (table["events"] >= FEW) & (longest > 0)
        said = []
        for name, where in (
            ("before", "before the first event"),
            ("after", "after the last event"),
        ):
            empty = table[name].where(usual & (table[name] > np.maximum(10 * between, 3 * longest)))
            if empty.notna().any():
                worst = int(np.nanargmax(empty))
                unit = f" {self.unit}s" if self.unit else ""
                count = int(empty.notna().sum())
                of = f" of {short(table['sequence'][worst])}" if len(table) > 1 else ""
                more = f", and likewise in {count - 1:,} more" if count > 1 else ""
                said.append(
                    f"No events in {empty[worst]:.4g}{unit} {where}{of}{more} (longest gap "
                    f"otherwise {longest[worst]:.3g}): was it observed then?"
                )
        return said + _holes(self, table)

    def to_dataframe(self: Any) -> pd.DataFrame:
        """The events in absolute time: columns time, mark, sequence, and magnitude where they have
        one.

        Times are datetimes where the panel has an `origin` (in its offset), in the finest
        resolution that float64 held; otherwise numbers.
        """
        times = np.asarray(self.start)[self.sequence] + np.asarray(self.times)
        sizes = {} if self.magnitude is None else {"magnitude": np.asarray(self.magnitude)}
        return pd.DataFrame(
            {
                "time": absolute(self, times),
                "mark": _named(self.marks, self.mark_names),
                "sequence": _named(self.sequence, self.sequence_names),
            }
            | sizes
        )

    def windows(self: Any) -> dict[str, Any]:
        """Start and end of each sequence's window by name, datetimes where there is an `origin`;
        a list of such pairs where there are gaps between.

        `from_dataframe(panel.to_dataframe(), ..., window=panel.windows())` restores the panel.
        """
        owner, start, end = pieces(self)
        pairs = zip(absolute(self, start).tolist(), absolute(self, end).tolist(), strict=True)
        found: dict[str, Any] = {}
        for name, pair in zip((self.sequence_names[m] for m in owner), pairs, strict=True):
            found.setdefault(name, []).append(pair)
        return {name: them if len(them) > 1 else them[0] for name, them in found.items()}

    def exposures(self: Any) -> pd.DataFrame:
        """The known exposure as a table: sequence, start, end (datetimes where there is an
        `origin`) and factor; no rows where there is none. Pass it back as `exposure=`."""
        known = self.exposure
        start = np.asarray(self.start)[known.sequence]
        bounds = (absolute(self, start + edge) for edge in (known.start, known.end))
        return pd.DataFrame(
            {
                "sequence": _named(known.sequence, self.sequence_names),
                **dict(zip(("start", "end"), bounds, strict=True)),
                "factor": np.asarray(known.factor),
            }
        )

    def __repr__(self: Any) -> str:
        """A summary that fits one screen for a panel of any size."""
        if not all(isinstance(leaf, np.ndarray) for leaf in (self.waits, self.marks, self.start)):
            return f"EventPanel({self.num_sequences} sequences, {self.num_marks} marks, traced)"
        counts = self.counts
        return "\n".join([*_head(self, counts), *_body(self, counts)])


def _spread(by_sequence: np.ndarray, by: str, kinds: int) -> np.ndarray:
    """Values by sequence, repeated for the rows of `describe`."""
    if by == "mark":
        return np.full(kinds, np.sum(by_sequence))
    return np.repeat(by_sequence, kinds if by == "cell" else 1)


def _shut(panel: Any) -> bool:
    """Whether the exposure is 0 at any time."""
    return bool(np.any(np.asarray(panel.exposure.factor) == 0))


def _watched(panel: Any) -> np.ndarray:
    """Observed time from the start of its window to each event, without that of zero exposure."""
    times, sequence = np.asarray(panel.times), np.asarray(panel.sequence)
    if _shut(panel):
        return panel.exposure.open.before(times, sequence, panel.gaps)
    return times - panel.gaps.before(times, sequence) if len(panel.gaps) else times


def _whole(panel: Any) -> np.ndarray:
    """The same to the windows' ends."""
    if _shut(panel):
        return panel.exposure.open.totals(np.asarray(panel.duration), panel.gaps)
    return np.asarray(panel.observed)


def _silences(panel: Any) -> tuple[np.ndarray, np.ndarray]:
    """Sequence and observed length of each time between two successive events."""
    own = np.diff(panel.sequence, prepend=-1) == 0
    moved = len(panel.gaps) or _shut(panel)
    waits = np.diff(_watched(panel), prepend=0.0) if moved else np.asarray(panel.waits)
    return np.asarray(panel.sequence)[own], waits[own]


def _holes(panel: Any, table: pd.DataFrame) -> list[str]:
    """Silences between events that look like undeclared gaps: a few that stand apart from all
    others of their sequence."""
    owner, silence = _silences(panel)
    order = np.lexsort((-silence, owner))
    owner, silence = owner[order], silence[order]
    heads = np.flatnonzero(np.diff(owner, prepend=-1))
    found: dict[int, tuple[float, float]] = {}
    for head, stop in zip(heads, [*heads[1:], len(owner)][: len(heads)], strict=True):
        mine = silence[head:stop]
        size = apart(mine)
        if size:
            found[int(owner[head])] = float(mine[0]), float(mine[size])
    if not found:
        return []
    worst = max(found, key=lambda one: found[one][0])
    long, next_long = found[worst]
    of = f" of {short(table['sequence'][worst])}" if len(table) > 1 else ""
    more = f", and likewise in {counted(len(found) - 1, 'sequence')} more" if len(found) > 1 else ""
    return [asked(long, next_long, panel.unit, of, more)]


def absolute(panel: Any, times: np.ndarray) -> Any:
    """Absolute times as datetimes where the panel has an origin, all equally fine; else numbers."""
    return moments(panel, times, span=float(np.max(panel.start + panel.duration)))


def _named(codes: np.ndarray, names: tuple[str, ...]) -> pd.Series:
    return pd.Series(np.array(names, dtype=object)[np.asarray(codes)], dtype="str")


def tied(panel: Any) -> np.ndarray:
    """Mask of the events that share their time with another event of their sequence."""
    sequence = np.asarray(panel.sequence)
    with_last = (np.asarray(panel.waits) == 0) & (np.diff(sequence, prepend=-1) == 0)
    return with_last | np.append(with_last[1:], False)[: len(sequence)]


def _count_ties(panel: Any) -> np.ndarray:
    cells = np.asarray(panel.sequence, np.int64) * panel.num_marks + np.asarray(panel.marks)
    shape = (panel.num_sequences, panel.num_marks)
    return np.bincount(cells[tied(panel)], minlength=shape[0] * shape[1]).reshape(shape)


def _head(panel: Any, counts: np.ndarray) -> list[str]:
    size, kinds = counts.shape
    empty = int((counts.sum(1) == 0).sum())
    without = f" ({empty:,} without events)" if empty and size > 1 else ""
    title = (
        f"EventPanel: {counted(panel.num_events, 'event')}, {counted(kinds, 'mark')}, "
        f"{counted(size, 'sequence')}{without}"
    )
    unit = f" {panel.unit}s" if panel.unit else ""
    duration, window = panel.duration, panel.window
    if np.ptp(window, axis=0).max() == 0:
        low, high = shown(panel, window[0])
        seen = f"{low} to {high}, {duration[0]:.6g}{unit} long"
        seen += " in every sequence" if size > 1 else ""
    else:
        low, high = shown(panel, np.array([window[:, 0].min(), window[:, 1].max()]))
        seen = (
            f"one for each sequence, within {low} to {high}; {duration.min():.6g} to "
            f"{duration.max():.6g}{unit} long, median {np.median(duration):.6g}"
        )
    lines = [title, f"  window  {seen}"]
    if len(panel.gaps):
        total = float(panel.gaps.length.sum())
        share = total / float(duration.sum())
        lines.append(
            f"  gaps    {counted(len(panel.gaps), 'gap')} of the record, {total:.6g}{unit} in all "
            f"({share:.1%} of the windows)"
        )
    if len(panel.exposure):
        lines.append(f"  exposed {_exposed(panel)}")
    if panel.resolution:
        unit_of = f" {panel.unit}s" if panel.unit else ""
        lines.append(f"  times   known to {panel.resolution:g}{unit_of}")
    if panel.magnitude is not None and panel.num_events:
        low, middle, high = np.quantile(panel.magnitude, [0, 0.5, 1])
        lines.append(f"  sizes   {low:.4g} to {high:.4g}, median {middle:.4g}")
    if len(panel.history):
        lines.append(f"  history {counted(len(panel.history), 'event')} before the windows")
    if panel.left_out:
        lines.append(f"  outside {counted(panel.left_out, 'event')} that no window saw, left out")
    if panel.num_events:
        times = panel.start[panel.sequence] + panel.times
        low, high = shown(panel, np.array([times.min(), times.max()]))
        lines.append(f"  events  {low} to {high}")
    share = int(tied(panel).sum())
    if share:
        percent = f"{100 * share / panel.num_events:.1f} %"
        lines.append(
            f"  ties    {share:,} events at the time of another of their sequence ({percent})"
        )
    lines += [f"  silent  {remark}" for remark in panel.remarks()]
    named = panel.unit or "not named"
    origin = "" if panel.origin is None else f"; time 0 is {panel.origin}"
    lines.append(f"  unit    {named}{origin}")
    return lines


def _exposed(panel: Any) -> str:
    """The exposure in a line."""
    known = panel.exposure
    stop = np.minimum(known.end, np.asarray(panel.duration)[known.sequence])
    within = known.start < stop
    factor = np.asarray(known.factor)[within]
    if not len(factor):
        return "for no time"
    time = (stop - known.start)[within]
    mean, off = np.average(factor, weights=time), np.average(factor == 0, weights=time)
    zero = f", 0 for {off:.1%} of the windows" if off else ""
    return f"by a factor of {factor.min():.4g} to {factor.max():.4g}, mean {mean:.4g}{zero}"


def _body(panel: Any, counts: np.ndarray) -> list[str]:
    total = float(panel.observed.sum())
    per = f"per {panel.unit or 'unit of time'}" + (" and sequence" if len(counts) > 1 else "")
    sums = counts.sum(0)
    rates = (f"  {count / total:.4g} {per}" if total > 0 else "" for count in sums)
    lines = ["  marks"]
    lines += name_lines(
        panel.mark_names, (f"{n:>11,}{rate}" for n, rate in zip(sums, rates, strict=True))
    )
    if panel.num_sequences == 1:
        return lines
    few = 1 < panel.num_marks <= 6
    lines.append("  sequences" + (", and their events by mark" if few else ""))
    details = ("  " + ", ".join(f"{n:,}" for n in row) if few else "" for row in counts)
    return lines + name_lines(
        panel.sequence_names,
        (f"{n:>11,}{detail}" for n, detail in zip(counts.sum(1), details, strict=True)),
    )
