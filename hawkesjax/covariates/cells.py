"""From tables to the cells of covariates: stretches of time with constant features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd

from hawkesjax.covariates.features import INTERCEPT, distinct, encode, listed_features
from hawkesjax.covariates.holes import UNKNOWN, Holes, one_step_each, without_holes
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import Rows, listed, refuse, short
from hawkesjax.inputs.clock import Clock
from hawkesjax.inputs.labels import one_label, read_labels
from hawkesjax.inputs.spans import Span, read_clock, read_moments, read_span, same_zones, span_of
from hawkesjax.inputs.tables import open_table

Fields = dict[str, Any]


def fields(
    span: Span,
    steps: np.ndarray,
    names: tuple[str, ...],
    values: np.ndarray,
    intercept: bool,
    timezone: str | None,
) -> Fields:
    """The fields of `Covariates` from ascending steps of the span's clock."""
    if intercept:
        names = distinct([INTERCEPT, *names])
        values = np.insert(values, 0, 1.0, axis=1)
    if not names:
        raise ValueError("There are no features. Name some, or pass intercept=True.")
    return {
        "edges": span.edges(steps),
        "values": values,
        "feature_names": names,
        "unit": span.clock.unit,
        "origin": span.origin,
        "timezone": timezone if span.clock.dated else None,
    }


class FromTables:
    """The constructors of `Covariates` from tables."""

    @classmethod
    @checked
    def from_dataframe(
        cls,
        df: Any,
        *,
        start: Any = None,
        end: Any = None,
        time: Any = None,
        until: Any = None,
        features: Sequence[Any] | None = None,
        reference: Mapping[Any, Any] | None = None,
        holes: Holes = "error",
        intercept: bool = True,
        unit: str | None = None,
        origin: Any = None,
        timezone: str | None = None,
    ) -> Self:
        """Covariates from a table with one row per cell, in any order.

        Args:
            df: the table.
            start, end: columns of the cells' ends. Together the rows cover one stretch of time,
                each moment once; for indicators that overlap use `intervals`.
            time: instead of both, a column of times: a row applies until the next one ...
            until: ... and the last one until this moment. Where rows come at equal steps, none may
                apply for two of them: the value before a hole is not the value in it.
            features: columns; by default all others. Numbers are one feature, as they are;
                booleans become 1 and 0; text and categories one feature `column=level` for
                every level but the reference.
            reference: category column -> level without a feature of its own, to which the others
                compare. By default the first: of a pandas categorical its own first, of text the
                first in the alphabet.
            holes: what stands for the features where they are not known: rows that are missing, or
                that have a feature missing. `"error"`: such a table is refused; `"hold"`: the last
                known values hold on; `"indicate"`: each feature is at its mean over the known time,
                and a further feature "unknown" is 1 there and 0 elsewhere, so that its effect takes
                what the others would have said. For events that were not seen either there are
                the gaps of the record.
            intercept: put a feature "intercept" in front that is 1 everywhere.
            unit: name of the numbers' unit; for datetimes the unit to convert them to: "second",
                "minute", "hour", "day" or "week". Time 0 is then the first start.
            origin: datetime of the numbers' 0, where they have one.
            timezone: zone of datetimes without an offset ("Europe/London").

        Raises:
            ValueError: for a gap, an overlap, a missing or infinite feature, and as
                `EventPanel.from_dataframe`; names the first offending rows, counted from 0.
        """
        ranges = start is not None and end is not None and time is None and until is None
        steps = time is not None and until is not None and start is None and end is None
        if not ranges and not steps:
            raise ValueError(
                "Name the columns start= and end=, or the column time= of a table whose values "
                "apply until the next row, with until=, the end of its last row."
            )
        df, _ = open_table(df, (), start=start, end=end, time=time)
        if not len(df):
            raise ValueError("The table is empty. Give a row for every stretch of time.")
        used = {start, end, time} - {None}
        if isinstance(features, str):
            raise ValueError(f"features is the text {features!r}. Give a list of columns.")
        others = [column for column in df.columns if column not in used]
        columns = others if features is None else listed_features(features)
        missing = [column for column in columns if column not in df.columns]
        if missing:
            raise ValueError(
                f"The table has no column for the features {listed(missing)}. The columns are "
                f"{listed(df.columns, 30)}."
            )
        column = start if ranges else time
        clock = read_clock(df[column], str(column), unit, origin, timezone)
        order = np.argsort(clock.values, kind="stable")
        begin = clock.values[order]
        missing = np.zeros(len(df), bool)
        if holes != "error":
            missing = df[columns].isna().any(axis=1).to_numpy()[order]
            df = _filled(df, columns, order)
        names, values = encode(df, columns, {} if reference is None else reference)
        if ranges:
            stop = _ends(df, end, clock, origin, unit, timezone)[order]
            _refuse_overlaps(clock, begin, stop, order)
            if holes == "error":
                _refuse_gaps(clock, begin, stop, order)
        else:
            again = np.diff(begin, prepend=begin[:1] - 1) == 0
            _refuse(again, clock, order, "a time that another row has too", "Keep one row.")
            bound = read_moments([until], clock, origin, Rows("bound", lambda _: "'until'"))
            if not begin[-1] < bound[0]:
                raise ValueError(
                    f"until={short(until)} is not after the last row, {clock.show(begin[-1])}. "
                    f"Give the time up to which its values apply."
                )
            stop = np.append(begin[1:], bound)
            if holes == "error":
                _refuse_stretched(clock, begin, stop, order)
            elif holes == "indicate":
                stop = one_step_each(begin, stop)
        ends = replace(clock, values=np.array([begin[0], stop[-1]]), column="window")
        span = span_of(ends, origin, timezone, [])
        steps, values = np.append(begin, stop[-1]), values[order]
        if holes != "error":
            steps, values = without_holes(begin, stop, missing, values, holes)
            names = names if holes == "hold" else distinct([*names, UNKNOWN])
        return cls(**fields(span, steps, names, values, intercept, timezone))

    @classmethod
    @checked
    def intervals(
        cls,
        df: Any,
        *,
        start: Any,
        end: Any,
        window: Any,
        kind: Any = None,
        kinds: Sequence[Any] | None = None,
        intercept: bool = False,
        unit: str | None = None,
        origin: Any = None,
        timezone: str | None = None,
    ) -> Self:
        """Indicators of lasting conditions: one feature per kind, 1 while at least one is on.
        Args:
            df: a table with one row for each, in any order; rows may overlap.
            start, end: columns of the times when it began and ended.
            window: (start, end) over which the features are known to be 0 outside the rows, on
                the clock of the times. Rows are cut to it.
            kind: column of kinds ("protest", "match"); None for the one feature "event".
            kinds: the kinds in their order, including those without rows; by default those that
                occur.
            intercept, unit, origin, timezone: as in `from_dataframe`; time 0 is the window's
                start.

        Raises:
            ValueError: for a row that ends at or before its start, and as `from_dataframe`.
        """
        df, _ = open_table(df, ("start", "end"), start=start, end=end, kind=kind)
        if kind is None:
            codes, names = one_label(len(df), kinds, "kind", "event")
        else:
            codes, names = read_labels(df[kind], kinds, "kind", str(kind))
        if not names:
            raise ValueError("The table is empty. Pass kinds=, the names of the features.")
        names = distinct(names)
        if not len(df):
            span = read_span(window, unit, origin, timezone)
            begin = stop = span.clock.values[:0]
        else:
            clock = read_clock(df[start], str(start), unit, origin, timezone)
            begin, stop = clock.values, _ends(df, end, clock, origin, unit, timezone)
            span = read_span(window, unit, origin, timezone, clock)
        low, high = span.clock.values
        inside = (stop > low) & (begin < high)
        begin, stop = np.maximum(begin[inside], low), np.minimum(stop[inside], high)
        codes = codes[inside]
        steps = np.unique(np.concatenate([[low], begin, stop, [high]]))
        change = np.zeros((len(steps), len(names)), np.int64)
        np.add.at(change, (np.searchsorted(steps, begin), codes), 1)
        np.add.at(change, (np.searchsorted(steps, stop), codes), -1)
        values = (np.cumsum(change, axis=0)[:-1] > 0).astype(np.float64)
        steps, values = merged(steps, values)
        return cls(**fields(span, steps, names, values, intercept, timezone))


def merged(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells with neighbours of equal features merged."""
    new = np.append(True, (values[1:] != values[:-1]).any(axis=1))
    return steps[np.append(new, True)], values[new]


def _ends(
    df: pd.DataFrame, end: Any, clock: Clock, origin: Any, unit: str | None, timezone: str | None
) -> np.ndarray:
    """The column of ends in the steps of the clock of starts, each after its start."""
    ends = read_clock(df[end], str(end), unit, origin, timezone)
    same_zones(clock, ends)
    show = lambda row: f"{clock.show(clock.values[row])} to {ends.show(ends.values[row])}"  # noqa: E731
    what = "a row that ends at or before its start"
    refuse(ends.values <= clock.values, str(end), what, "Give start < end.", show)
    return ends.values


def _filled(df: pd.DataFrame, columns: Sequence[Any], order: np.ndarray) -> pd.DataFrame:
    """The table with each missing feature replaced by the last known one in time, or the first."""
    places = np.arange(len(df))
    found = {}
    for column in columns:
        known = df[column].notna().to_numpy()[order]
        last = np.maximum.accumulate(np.where(known, places, -1))
        last = np.where(last < 0, known.argmax(), last)
        rows = np.empty(len(df), np.int64)
        rows[order] = order[last]
        found[column] = df[column].take(rows).set_axis(df.index)
    return pd.DataFrame({column: found.get(column, df[column]) for column in df.columns})


def _refuse_overlaps(clock: Clock, begin: np.ndarray, stop: np.ndarray, order: np.ndarray) -> None:
    """Refuse rows that begin before the end of a row before them."""
    last = np.append(begin[:1], np.maximum.accumulate(stop)[:-1])
    what = "an overlap with the previous row in time"
    remedy = (
        "Cut them, so that every time is in one row; indicators that overlap are for intervals()."
    )
    _refuse(begin < last, clock, order, what, remedy)


def _refuse_gaps(clock: Clock, begin: np.ndarray, stop: np.ndarray, order: np.ndarray) -> None:
    """Refuse rows that begin after the end of the previous row."""
    what = "a gap after the previous row in time"
    remedy = (
        "Add a row for the time between them, or pass holes='hold' (the last values hold on) or "
        "holes='indicate' (means, and a feature that says so)."
    )
    _refuse(begin > np.append(begin[:1], stop[:-1]), clock, order, what, remedy)


def _refuse_stretched(clock: Clock, begin: np.ndarray, stop: np.ndarray, order: np.ndarray) -> None:
    """Refuse rows that would apply over a hole in a table of equal steps."""
    lengths = stop - begin
    step = np.median(lengths[:-1]) if len(lengths) > 4 else 0
    near = np.abs(lengths[:-1] - step) <= 0.1 * step  # days of 23 and 25 hours, months
    if not len(near) or np.mean(near) < 0.75:
        return
    span = f"{clock.in_units(lengths.max()):.6g} for {clock.in_units(step):.6g} {clock.unit}s"
    what = f"a value that would apply over a hole (at most {span.strip()})"
    remedy = (
        "Add the rows that are missing, or pass holes='hold' (the last values hold on) or "
        "holes='indicate' (means, and a feature that says so)."
    )
    _refuse(lengths > 1.9 * step, clock, order, what, remedy)


def _refuse(wrong: np.ndarray, clock: Clock, order: np.ndarray, what: str, remedy: str) -> None:
    """`refuse` for rows in the order of time."""
    mask = np.zeros(len(order), bool)
    mask[order] = wrong
    shown = lambda row: f"from {clock.show(clock.values[row])}"  # noqa: E731
    refuse(mask, clock.column, what, remedy, shown)
