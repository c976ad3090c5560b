"""Known exposures as given: a factor for every moment of a window, piecewise constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows, listed, refuse, short
from hawkesjax.inputs.clock import Clock, read_bounds
from hawkesjax.inputs.spans import NEAR
from hawkesjax.inputs.windows import same_kind

COLUMNS = ("start", "end", "factor")
FORMS = (
    "Give a table of the columns start, end and factor (and sequence, where they differ), or a "
    "dict from sequences to such tables."
)


class Exposure(NamedTuple):
    """Stretches of constant factors, sorted by sequence and time, in the numbers of a clock; each
    begins where the previous one ends, the first where its sequence's window begins."""

    owner: np.ndarray  # (E,) sequence; every sequence has one or more
    start: np.ndarray
    end: np.ndarray
    factor: np.ndarray


class _Rows(NamedTuple):
    """Rows as given: owner -1 if one applies to all sequences."""

    owner: np.ndarray
    start: Any
    end: Any
    factor: Any
    called: Rows


def read_exposure(
    exposure: Any,
    clock: Clock,
    names: tuple[str, ...],
    values: np.ndarray,
    windows: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, tuple[np.ndarray, ...], Exposure]:
    """The exposure over the windows and as far beyond them as it is known.

    Args:
        exposure: as in `FORMS`.
        clock: of the events.
        names: of the M sequences.
        values: (N,) times of the events, in the numbers of the clock.
        windows: (M,) starts, (M,) ends, and other numbers of the clock, of one kind with `values`.

    Returns:
        values and windows, all int64 or all float64, and the exposure in the same.

    Raises:
        ValueError: for anything but such a table, a sequence without rows, a row that ends before
            it begins, an overlap, a hole, a window that the rows do not cover, and factors that
            are not numbers, not finite or negative; names the rows.
    """
    given = _rows(exposure, names)
    bounds: list[Any] = [*given.start, *given.end]
    size = len(given.owner)
    sides = Rows("row", lambda k: given.called.name(k % size))
    edges = read_bounds(bounds, clock, sides, "exposure")
    values, edges = same_kind(values, edges, clock)
    windows = tuple(part.astype(values.dtype) for part in windows)
    begin, stop = edges[:size], edges[size:]
    show = lambda k: f"{clock.show(begin[k])} to {clock.show(stop[k])}"  # noqa: E731
    remedy = "Give start < end."
    what = "a row that ends before it begins, or as it begins,"
    refuse(stop <= begin, "exposure", what, remedy, show, given.called)
    factor = _factors(given)

    order = np.lexsort((begin, given.owner))
    owner, begin, stop = given.owner[order], begin[order], stop[order]
    first = np.diff(owner, prepend=-2) != 0
    before = np.where(first, begin, np.roll(stop, 1))
    rows = given.called.at(order)
    show = lambda k: f"from {clock.show(begin[k])}"  # noqa: E731
    slack = NEAR * np.maximum(np.abs(begin), np.abs(before)) if begin.dtype == np.float64 else 0
    what, remedy = "a row that begins before the previous one ends", "Rows may not overlap."
    refuse(begin < before - slack, "exposure", what, remedy, show, rows)
    what = "a hole before the row"
    remedy = (
        "Add a row for the time between, with factor 0 if no immigrants could come: the exposure "
        "must be known at every moment."
    )
    refuse(begin > before + slack, "exposure", what, remedy, show, rows)
    fresh = np.r_[True, first[1:] | (factor[order][1:] != factor[order][:-1])]
    last = np.r_[fresh[1:], True]
    whole = _Rows(owner[fresh], begin[fresh], stop[last], factor[order][fresh], rows)
    return values, windows, _along(whole, clock, names, *windows[:2])


def _along(
    whole: _Rows, clock: Clock, names: tuple[str, ...], start: np.ndarray, end: np.ndarray
) -> Exposure:
    """Each sequence's rows from the start of its window on."""
    shared = whole.owner[0] < 0
    owner, rows = [], []
    for m, name in enumerate(names):
        low, high = np.searchsorted(whole.owner, (-1, 0) if shared else (m, m + 1))
        begin = whole.start[low:high]
        _refuse_short(begin[0], whole.end[high - 1], start[m], end[m], clock, name)
        head = low + max(int(np.searchsorted(begin, start[m], side="right")) - 1, 0)
        rows.append(np.arange(head, high))
        owner.append(np.full(high - head, m))
    place, who = np.concatenate(rows), np.concatenate(owner)
    fresh = np.diff(who, prepend=-1) != 0
    last = np.r_[fresh[1:], True]
    begin = np.where(fresh, start[who], whole.start[place])
    # Each row extends to the next, and the last one at least to the window's end: moments that
    # differ by rounding are one.
    stop = np.where(last, np.maximum(whole.end[place], end[who]), np.roll(begin, -1))
    return Exposure(who, begin, stop, whole.factor[place])


def _refuse_short(low: Any, high: Any, start: Any, end: Any, clock: Clock, name: str) -> None:
    """Refuse an exposure that begins after a window begins, or ends before it ends."""
    slack = NEAR * max(map(abs, (low, high, start, end))) if isinstance(low, np.floating) else 0
    if low <= start + slack and high >= end - slack:
        return
    raise ValueError(
        f"Column 'exposure': the rows reach from {clock.show(low)} to {clock.show(high)}, the "
        f"window of sequence {name!r} from {clock.show(start)} to {clock.show(end)}. Add rows that "
        f"cover it, including gaps of the record, with factor 0 where no immigrants could come."
    )


def _factors(given: _Rows) -> np.ndarray:
    raw = pd.Series(list(given.factor), dtype=object)
    number = pd.to_numeric(raw, errors="coerce")
    text = lambda k: short(raw.iloc[k])  # noqa: E731
    remedy = "Give a number, 0 or more, in each row."
    what = "a factor that is not a finite number"
    factor = np.asarray(number, np.float64)
    refuse(~np.isfinite(factor), "exposure", what, remedy, text, given.called)
    refuse(factor < 0, "exposure", "a negative factor", remedy, text, given.called)
    return factor


def _rows(exposure: Any, names: tuple[str, ...]) -> _Rows:
    """The rows of all tables, and what error messages call them."""
    tables = dict(exposure) if isinstance(exposure, Mapping) else {None: exposure}
    parts: list[pd.DataFrame] = []
    labels: list[str | None] = []
    called: list[str] = []
    for key, given in tables.items():
        table = _table(given)
        parts.append(table[list(COLUMNS)])
        rows = map(str, range(len(table)))
        if key is not None:
            rows = (f"{row} of sequence {str(key)!r}" for row in rows)
            labels += [str(key)] * len(table)
        elif "sequence" in table.columns:
            _refuse_nameless(table["sequence"])
            labels += map(str, table["sequence"])
        else:
            labels += [None] * len(table)
        called += rows
    if not labels:
        raise ValueError(f"exposure has no rows. {FORMS}")
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    unknown = [name for name in dict.fromkeys(labels) if name is not None and name not in places]
    if unknown:
        raise ValueError(
            f"exposure names unknown sequences {listed(unknown, 5)}. Remove them, or add them "
            f"to sequence_names."
        )
    lacking = [] if None in labels else [name for name in names if name not in set(labels)]
    if lacking:
        raise ValueError(
            f"exposure has no rows for sequence {listed(lacking, 5)}. Give each sequence rows, "
            f"with factor 1 where the baseline is unchanged."
        )
    begin, stop, factor = (pd.concat([part[name] for part in parts]) for name in COLUMNS)
    owner = np.array([places.get(label, -1) for label in labels])
    return _Rows(owner, begin, stop, factor, Rows("row", lambda row: called[row]))


def _table(given: Any) -> pd.DataFrame:
    """One table of the exposure."""
    table = given.to_pandas() if hasattr(given, "to_pandas") else given
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"exposure is {short(given)}. {FORMS}")
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(f"exposure is a table without the column {listed(missing)}. {FORMS}")
    return table


def _refuse_nameless(labels: pd.Series) -> None:
    nameless = np.flatnonzero(np.asarray(labels.isna()))
    if len(nameless):
        raise ValueError(
            f"exposure has no sequence in row {int(nameless[0])}. Name one, or leave the column "
            f"out where all sequences share their exposure."
        )
