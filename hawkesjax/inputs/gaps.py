"""Gaps of a record as given: stretches of a window in which nothing could be observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows, counted, listed, listed_once, refuse, short
from hawkesjax.inputs.clock import Clock, read_bounds

FORMS = (
    "Give a pair (start, end), a list of such pairs, a dict from sequences to these, or a table of "
    "the columns start and end (and sequence, where they differ)."
)
ALONE = ("",)  # in place of names: a single record, which has none
FORMS_ALONE = (
    "Give a pair (start, end), a list of such pairs, or a table of the columns start and end."
)


class Gaps(NamedTuple):
    """Gaps within windows, sorted by sequence and time and disjoint, in the numbers of a clock."""

    owner: np.ndarray  # (G,) sequence
    start: np.ndarray
    end: np.ndarray


def no_gaps(values: np.ndarray) -> Gaps:
    """No gaps, in the numbers of a clock."""
    nothing = np.zeros(0, values.dtype)
    return Gaps(np.zeros(0, np.int64), nothing, nothing)


def between_pieces(
    start: np.ndarray, end: np.ndarray, owner: np.ndarray, clock: Clock, rows: Rows
) -> tuple[np.ndarray, np.ndarray, Gaps]:
    """First start and last end of each sequence's windows, and the gaps between them.

    Args:
        start, end: (K,) of each window, in any order; every sequence has one or more.
        owner: (K,) its sequence.
        clock: for messages.
        rows: what error messages call the windows.
    """
    order = np.lexsort((start, owner))
    first = np.diff(owner[order], prepend=-1) != 0
    several = np.bincount(owner)[owner] > 1
    show = lambda k: f"{clock.show(start[k])} to {clock.show(end[k])}"  # noqa: E731
    empty = several & (start == end)
    refuse(empty, "window", "a window of no length among several", "Remove it.", show, rows)
    before = np.roll(end[order], 1)
    overlap = np.zeros(len(start), bool)
    overlap[order] = ~first & (start[order] < before)
    what = "a window that begins before the previous one ends"
    refuse(overlap, "window", what, "Windows of a sequence may not overlap.", show, rows)
    apart = ~first & (start[order] > before)
    heads, tails = np.flatnonzero(first), np.flatnonzero(np.roll(first, -1))
    gaps = Gaps(owner[order][apart], before[apart], start[order][apart])
    return start[order][heads], end[order][tails], gaps


def plain_gaps(gaps: Any, forms: str = FORMS) -> Any:
    """Gaps, possibly given as a table, as pairs for all sequences or a dict from names to pairs."""
    if hasattr(gaps, "to_pandas"):
        gaps = gaps.to_pandas()
    if not isinstance(gaps, pd.DataFrame):
        return gaps
    missing = [name for name in ("start", "end") if name not in gaps.columns]
    if missing:
        raise ValueError(f"gaps is a table without the column {listed(missing)}. {forms}")
    pairs = list(zip(gaps["start"], gaps["end"], strict=True))
    if "sequence" not in gaps.columns:
        return pairs
    nameless = np.flatnonzero(np.asarray(gaps["sequence"].isna()))
    if len(nameless):
        row = int(nameless[0])
        raise ValueError(
            f"gaps has no sequence in row {row}. Name one, or leave the column out where all "
            f"sequences share their gaps."
        )
    found: dict[str, list[Any]] = {}
    for name, pair in zip(gaps["sequence"], pairs, strict=True):
        found.setdefault(str(name), []).append(pair)
    return found


def read_gaps(gaps: Any, clock: Clock, names: tuple[str, ...]) -> Gaps:
    """Declared gaps in the numbers of the clock, in the order given; owner -1 for all sequences.

    Raises:
        ValueError: for bounds that are not a pair, or end before they begin, and unknown sequence
            names.
    """
    forms = FORMS_ALONE if names == ALONE else FORMS
    gaps = plain_gaps(gaps, forms)
    if names == ALONE and isinstance(gaps, Mapping):
        raise ValueError(f"gaps names sequences, but there is only one record. {forms}")
    entries = list(gaps.items()) if isinstance(gaps, Mapping) else [(None, gaps)]
    places = {name: place for place, name in enumerate(names)}
    unknown = [str(name) for name, _ in entries if name is not None and str(name) not in places]
    if unknown:
        raise ValueError(
            f"gaps names unknown sequences {listed(unknown, 5)}. Remove them, or add them to "
            f"sequence_names."
        )
    bounds: list[Any] = []
    owner: list[int] = []
    for name, entry in entries:
        pairs = pairs_of(entry, "gaps", forms)
        bounds += [bound for pair in pairs for bound in pair]
        owner += [-1 if name is None else places[str(name)]] * len(pairs)
    if not bounds:
        return no_gaps(clock.values)
    whose = np.array(owner)

    def side(place: int) -> str:
        return ("'start'", "'end'")[place % 2] + f" of {called(place // 2, whose, names)}"

    array = read_bounds(bounds, clock, Rows("bound", side))
    found = Gaps(whose, *array.reshape(-1, 2).T)
    rows = Rows("gap", lambda gap: called(gap, whose, names))
    what = "a gap that ends before it begins, or as it begins,"
    remedy = "Give (start, end) with start < end."
    refuse(found.end <= found.start, "gaps", what, remedy, _shown(found, clock), rows)
    return found


def within(
    gaps: Gaps, clock: Clock, names: tuple[str, ...], start: np.ndarray, end: np.ndarray
) -> Gaps:
    """Gaps cut to the windows [start, end].

    Raises:
        ValueError: for a gap that meets no window.
    """
    each = np.where(gaps.owner < 0, len(names), 1)
    row = np.repeat(np.arange(len(each)), each)
    inner = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
    owner = np.where(gaps.owner[row] < 0, inner, gaps.owner[row])
    low, high = np.maximum(gaps.start[row], start[owner]), np.minimum(gaps.end[row], end[owner])
    kept = low < high
    unused = np.bincount(row, weights=kept, minlength=len(each)) == 0
    rows = Rows("gap", lambda gap: called(gap, gaps.owner, names))
    what = "a gap outside all windows of its sequence"
    refuse(unused, "gaps", what, "Correct it, or remove it.", _shown(gaps, clock), rows)
    return Gaps(owner[kept], low[kept], high[kept])


def _shown(gaps: Gaps, clock: Clock) -> Any:
    return lambda gap: f"{clock.show(gaps.start[gap])} to {clock.show(gaps.end[gap])}"


def called(gap: int, owner: np.ndarray, names: tuple[str, ...]) -> str:
    """What error messages call a gap: its place, or its place among a sequence's."""
    if owner[gap] < 0:
        return str(gap)
    place = int(np.sum(owner[:gap] == owner[gap]))
    return f"{place} of sequence {names[owner[gap]]!r}"


def merged(gaps: Gaps) -> Gaps:
    """The union of gaps, sorted by sequence and time."""
    order = np.lexsort((gaps.start, gaps.owner))
    owner, start, end = (part[order] for part in gaps)
    first = np.diff(owner, prepend=-1) != 0
    reach = end.copy()
    for k in np.flatnonzero(~first):
        reach[k] = max(reach[k], reach[k - 1])
    fresh = first | (start > np.roll(reach, 1))
    last = np.roll(fresh, -1)
    return Gaps(owner[fresh], start[fresh], reach[last])


def shortened(
    start: np.ndarray, end: np.ndarray, gaps: Gaps
) -> tuple[np.ndarray, np.ndarray, Gaps]:
    """Windows without the gaps at their ends, and the other gaps."""
    start, end = start.copy(), end.copy()
    owner, low, high = gaps
    head, tail = low <= start[owner], high >= end[owner]
    whole = owner[head & tail]
    start[owner[head]] = high[head]
    end[owner[tail]] = low[tail]
    start[whole] = end[whole]
    inner = ~head & ~tail
    return start, end, Gaps(owner[inner], low[inner], high[inner])


def inside_gaps(values: np.ndarray, codes: np.ndarray, gaps: Gaps) -> tuple[np.ndarray, np.ndarray]:
    """Mask of the events within a gap, and the last gap that began before each; those exactly at
    its ends count as observed."""
    place = np.zeros(len(values), np.int64)
    if not len(gaps.owner):
        return np.zeros(len(values), bool), place
    for owner in np.unique(gaps.owner):
        own, mine = codes == owner, np.flatnonzero(gaps.owner == owner)
        place[own] = mine[0] + np.searchsorted(gaps.start[mine], values[own], side="left") - 1
    known = np.isin(codes, gaps.owner) & (place >= 0)
    place = np.where(known, place, 0)
    inside = known & (gaps.owner[place] == codes)
    return inside & (gaps.start[place] < values) & (values < gaps.end[place]), place


def refuse_inside(
    clock: Clock, values: np.ndarray, codes: np.ndarray, gaps: Gaps, rows: Rows
) -> None:
    """Refuse events within a gap."""
    inside, place = inside_gaps(values, codes, gaps)
    if not inside.any():
        return
    first = place[np.flatnonzero(inside)[0]]
    remedy = (
        f"The gap there is {clock.show(gaps.start[first])} to {clock.show(gaps.end[first])}: "
        f"correct it, or remove these rows first."
    )
    show = lambda row: clock.show(values[row])  # noqa: E731
    refuse(inside, clock.column, "an event inside a gap of the record", remedy, show, rows)


def pairs_of(entry: Any, what: str, forms: str) -> list[list[Any]]:
    """A pair of bounds, or a list of such pairs, as a list of pairs."""
    given = None if isinstance(entry, (str, bytes, Mapping)) else listed_once(entry)
    if given is None:
        raise ValueError(f"{what} is {short(entry)}. {forms}")
    nested = [pd.api.types.is_list_like(one) for one in given]
    if len(given) == 2 and not any(nested):
        return [given]
    if not all(nested):
        raise ValueError(f"{what} is {short(entry)}. {forms}")
    pairs = [listed_once(one) or [] for one in given]
    for place, pair in enumerate(pairs):
        if len(pair) != 2:
            raise ValueError(
                f"{what} has {counted(len(pair), 'bound')} in place {place} ({short(given[place])})"
                f". {forms}"
            )
    return pairs
