"""Windows of observation as given: one for all sequences, or one for each."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ROWS, Rows, counted, listed, listed_once, refuse, short
from hawkesjax.inputs.clock import EXACT, LARGEST, UNITS, Clock, read_bounds, stamps
from hawkesjax.inputs.gaps import (
    ALONE,
    Gaps,
    between_pieces,
    merged,
    no_gaps,
    pairs_of,
    read_gaps,
    shortened,
    within,
)

DAY = 86400 * 10**9
DECADE = 3652 * DAY


def plain(window: Any) -> Any:
    """A window, possibly given as a table of two columns, start and end, or a Series of pairs, as a
    list of pairs: by name if its index holds names, each of which may have several rows."""
    if hasattr(window, "to_pandas"):
        window = window.to_pandas()
    if not isinstance(window, (pd.DataFrame, pd.Series)):
        return window
    pairs, index = window, window.index
    if isinstance(window, pd.DataFrame):
        columns = ["start", "end"] if {"start", "end"} <= set(window.columns) else window.columns
        if len(columns) != 2:
            raise ValueError(
                f"window is a table of the columns {listed(window.columns)}. Give one of two, "
                f"start and end, with a row for each sequence."
            )
        pairs = list(zip(*(window[column] for column in columns), strict=True))
    elif _is_pair(window.tolist()):
        return window.tolist()
    if index.equals(pd.RangeIndex(len(index))):
        return list(pairs)
    if not index.has_duplicates:
        return dict(zip(index, pairs, strict=True))
    found: dict[Any, list[Any]] = {}
    for name, pair in zip(index, pairs, strict=True):
        found.setdefault(name, []).append(pair)
    return found


def pair_of(window: Any, what: str = "window") -> list[Any]:
    """The two bounds of a single window."""
    unordered = isinstance(window, (str, bytes, Mapping, Set, pd.DataFrame))
    pair = [] if unordered else listed_once(window) or []
    if len(pair) != 2:
        raise ValueError(f"{what}={short(window)} is not a window. Give a pair (start, end).")
    return pair


def count_of(window: Any) -> int | None:
    """Number of sequences in a window with one row per sequence."""
    if window is None or isinstance(window, (str, Mapping)) or _is_pair(window):
        return None
    return len(window)


def names_of(window: Any) -> tuple[str, ...] | None:
    """Names of the sequences in a window given as a mapping."""
    return tuple(str(name) for name in window) if isinstance(window, Mapping) else None


def read_window(
    window: Any,
    clock: Clock,
    codes: np.ndarray,
    names: tuple[str, ...],
    column: str,
    rows: Rows = ROWS,
    gaps: Any = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Gaps]:
    """Start and end of each sequence's window, in the numbers of the clock, and its gaps.

    Args:
        window: None (first to last event of all), "sequence" (first to last event of each), one
            pair, one pair (or list of pairs) for each sequence, or a mapping from names to these.
        codes: (N,) the events' sequences, of which there are M names; `ALONE` for one record
            without a name.
        column: the column of sequences.
        rows: what error messages call the events.
        gaps: stretches in which nothing was observed, as `read_gaps` takes them.

    Returns:
        values (N,), start (M,), end (M,), all int64 or all float64, and the gaps within.
    """
    values, start, end, holes = _windows(window, clock, codes, names, column, rows)
    if gaps is None:
        return values, start, end, holes
    return leave_out(gaps, clock, names, values, start, end, holes)


def leave_out(
    gaps: Any,
    clock: Clock,
    names: tuple[str, ...],
    values: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    holes: Gaps,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Gaps]:
    """Windows [start, end] with gaps `holes` and declared ones; arguments and result as those of
    `read_window`."""
    declared = read_gaps(gaps, clock, names)
    values, bounds = same_kind(values, np.stack(declared[1:]), clock)
    start, end, *edges = (x.astype(values.dtype) for x in (start, end, *holes[1:]))
    declared = within(Gaps(declared.owner, *bounds), clock, names, start, end)
    both = zip((holes.owner, *edges), declared, strict=True)
    return values, *shortened(start, end, merged(Gaps(*map(np.concatenate, both))))


def _windows(
    window: Any,
    clock: Clock,
    codes: np.ndarray,
    names: tuple[str, ...],
    column: str,
    rows: Rows,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Gaps]:
    values = clock.values
    if isinstance(window, str) and window != "sequence":
        raise ValueError(
            f"window={window!r} is not known. Give a pair (start, end), or 'sequence'."
        )
    if window is None or isinstance(window, str):
        if not len(values):
            raise ValueError(
                f"Column {clock.column!r} is empty, so the window is not known. "
                f"Declare it: window=(start, end)."
            )
        refuse_far(clock, codes if window else np.zeros_like(codes), rows)
        low, high = values.min(), values.max()
        start, end = np.full(len(names), low), np.full(len(names), high)
        if window == "sequence":
            occupied = np.bincount(codes, minlength=len(names)) > 0
            end[~occupied] = low
            start[occupied], end[occupied] = high, low
            np.minimum.at(start, codes, values)
            np.maximum.at(end, codes, values)
        return values, start, end, no_gaps(values)
    pair = _is_pair(window)
    bounds, owner = _flat(window, names, column)
    place_of = np.arange(len(owner)) - np.searchsorted(owner, owner)
    alone = np.bincount(owner, minlength=len(names))[owner] == 1

    single = names == ALONE

    def called(one: int) -> str:
        whose = "" if single else f" of sequence {names[owner[one]]!r}"
        return f"{place_of[one]}{whose}"

    def side(place: int) -> str:
        end, one = ("'start'", "'end'")[place % 2], place // 2
        if pair:
            return end
        return f"{end} of " + (
            f"sequence {names[owner[one]]!r}"
            if alone[one] and not single
            else f"window {called(one)}"
        )

    array = read_bounds(bounds, clock, Rows("bound", side))
    values, array = same_kind(values, array, clock)
    start, end = array.reshape(-1, 2).T
    remedy = "Give (start, end) with start <= end."
    if pair and end[0] < start[0]:
        shown = f"{clock.show(start[0])} to {clock.show(end[0])}"
        raise ValueError(f"Column 'window': it ends before it begins ({shown}). {remedy}")
    every = bool(alone.all())
    named = every and not single
    owners = Rows("sequence", lambda i: repr(names[i])) if named else Rows("window", called)
    what = "a window that ends before it begins"
    show = lambda i: f"{clock.show(start[i])} to {clock.show(end[i])}"  # noqa: E731
    refuse(end < start, "window", what, remedy, show, owners)
    if not every:
        return values, *between_pieces(start, end, owner, clock, owners)
    size = len(names)
    whole = np.broadcast_to(start, size).copy(), np.broadcast_to(end, size).copy()
    return values, *whole, no_gaps(values)


def refuse_far(clock: Clock, codes: np.ndarray, rows: Rows = ROWS) -> None:
    """Refuse to infer windows from times that are decades off.

    If one gap of more than ten years makes up nine tenths of a sequence's time, the smaller
    side of it is assumed to be wrong (1970, a mistyped year, milliseconds among seconds).
    """
    values = clock.values
    if clock.unit not in UNITS:
        return
    decade = DECADE / UNITS[clock.unit] * clock.scale
    if float(values.max()) - float(values.min()) <= decade:
        return
    order = np.lexsort((values, codes))
    sorted_values, sorted_codes = values[order], codes[order]
    same = np.diff(sorted_codes) == 0
    wrong = np.zeros(len(values), bool)
    for place in np.flatnonzero(same & (np.diff(sorted_values) > decade)):
        first, last = np.searchsorted(sorted_codes, sorted_codes[place] + np.array([0, 1]))
        whole = sorted_values[last - 1] - sorted_values[first]
        before, after = place + 1 - first, last - place - 1
        if sorted_values[place + 1] - sorted_values[place] > 0.9 * whole and before != after:
            few = slice(first, place + 1) if before < after else slice(place + 1, last)
            wrong[order[few]] = True
    remedy = "Correct these times, or declare window=(start, end) if they are true."
    show = lambda row: clock.show(values[row])  # noqa: E731
    what = "a time that is decades from all others, while the window is inferred,"
    refuse(wrong, clock.column, what, remedy, show, rows)


def check_inside(
    clock: Clock,
    values: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    codes: np.ndarray,
    rows: Rows,
) -> None:
    """Refuse events outside their sequence's window [start, end]."""
    outside = values < start[codes]
    outside |= values > end[codes]
    if not outside.any():
        return
    first, own = int(np.flatnonzero(outside)[0]), codes[outside]
    low, high = start[own], end[own]
    remedy = (
        f"The window there is {clock.show(low[0])} to {clock.show(high[0])}: widen it, "
        f"or pass outside='drop' to leave these rows out."
    )
    near = np.maximum(low - values[outside], values[outside] - high)
    date = before_midnight(clock, values[first], high[0])
    if date:
        remedy += date
    elif clock.dated and near.max() <= DAY:
        remedy += " All are within a day of it: are times and window in the same time zone?"
    elif not clock.dated and (values[outside] < 0).any() and (low >= 0).any():
        remedy += " Negative times often come from a start in another time zone."
    show = lambda row: clock.show(values[row])  # noqa: E731
    refuse(outside, clock.column, "an event outside the window", remedy, show, rows)


def before_midnight(clock: Clock, value: Any, end: Any) -> str:
    """A sentence for a window that ends at the midnight at which the day of `value` begins."""
    if not clock.dated or not end < value or clock.midnight(value) != end:
        return ""
    midnight: Any = stamps(end, clock.zone)[0]
    day = midnight.date()
    return (
        f" A date alone means its midnight, so this window ends as {day} begins: to include "
        f"that day, end it with {day + datetime.timedelta(1)}."
    )


def _is_pair(window: Any) -> bool:
    values = [] if isinstance(window, (bytes, Set, Iterator)) else listed_once(window)
    if not values:
        raise ValueError(
            f"window={short(window)} is not known. Give a pair (start, end), one pair per "
            f"sequence, or 'sequence'."
        )
    return len(values) == 2 and not any(map(pd.api.types.is_list_like, values))


def _flat(window: Any, names: tuple[str, ...], column: str) -> tuple[Any, np.ndarray]:
    """The bounds one after the other, in the order of the names, and the sequence of each pair."""
    if isinstance(window, Mapping):
        given = {str(name): pair for name, pair in window.items()}
        lacking = [name for name in names if name not in given]
        if lacking:
            raise ValueError(
                f"Column {column!r}: window has no entry for sequence {listed(lacking, 5)}. "
                f"Give a pair for every sequence."
            )
        known = set(names)
        unknown = [name for name in given if name not in known]
        if unknown:
            raise ValueError(
                f"Column {column!r}: window names unknown sequences {listed(unknown, 5)}. Remove "
                f"them, or add them to sequence_names."
            )
        window = [given[name] for name in names]
    elif _is_pair(window):
        bounds = list(window) if not isinstance(window, np.ndarray) else window
        return bounds, np.zeros(1, np.int64)
    elif len(names) == 1 < len(window) and _looks_like_pieces(window):
        window = [window]  # the windows of the one sequence
    elif len(window) != len(names) and pd.api.types.is_list_like(window[0]):
        raise ValueError(
            f"window has {len(window):,} rows for {counted(len(names), 'sequence')}. Give "
            f"one pair for all, or one pair per sequence, in the order of sequence_names."
        )
    if hasattr(window, "to_numpy"):
        window = window.to_numpy()
    if not any(map(pd.api.types.is_list_like, window)):
        raise ValueError(f"window has {len(window):,} values. Give a pair (start, end).")
    if isinstance(window, np.ndarray) and window.ndim == 2 and window.shape[1] == 2:
        return window.reshape(-1), np.arange(len(names))
    flat: list[Any] = []
    owner: list[int] = []
    for place, (name, entry) in enumerate(zip(names, window, strict=True)):
        what = f"window of sequence {name!r}: "
        nested = _looks_like_pieces(entry)
        pairs = pairs_of(entry, what, "Give pairs.") if nested else [pair_of(entry, what)]
        flat.extend(bound for pair in pairs for bound in pair)
        owner.extend([place] * len(pairs))
    return flat, np.array(owner)


def _looks_like_pieces(value: Any) -> bool:
    """Whether this looks like a list of windows."""
    if isinstance(value, (str, bytes, Mapping, Set)):
        return False
    values = listed_once(value)
    return bool(values) and all(map(pd.api.types.is_list_like, values))


def same_kind(
    values: np.ndarray, bounds: np.ndarray, clock: Clock
) -> tuple[np.ndarray, np.ndarray]:
    """Times and bounds both as integers if that is exact, else both as float64."""
    if values.dtype == bounds.dtype == np.int64:
        return values, bounds
    if not len(values) or values.dtype == np.float64:
        return values.astype(np.float64, copy=False), bounds.astype(np.float64, copy=False)
    if (bounds == np.floor(bounds)).all() and (np.abs(bounds) <= LARGEST).all():
        return values, bounds.astype(np.int64)
    if np.abs(values).max() > EXACT:
        raise ValueError(
            f"Column {clock.column!r} holds whole numbers beyond 2**53, which a window with "
            f"fractions cannot bound exactly. Give whole numbers as the window."
        )
    return values.astype(np.float64), bounds
