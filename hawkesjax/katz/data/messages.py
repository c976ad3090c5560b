"""A log of messages in bins: what an `Activity` is cut from, and cut again when it slides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hawkesjax.inputs.bins import MOST, Grid, make_grid, read_pair, window_bins
from hawkesjax.inputs.checks import Rows, column_of, counted, same_length
from hawkesjax.inputs.clock import Clock, read_times, stamps
from hawkesjax.inputs.gaps import ALONE, Gaps, read_gaps, refuse_inside, within
from hawkesjax.inputs.names import Names
from hawkesjax.inputs.warned import warn
from hawkesjax.katz.data.attention import ActivityWarning, read_ways
from hawkesjax.katz.data.users import read_users, same_space


@dataclass(frozen=True, eq=False, repr=False)
class MessageLog:
    """R messages among U users in K bins, sorted by time, each number as small as it can be.

    Args:
        names: U names of all users of the log, sorted.
        grid: the bins on the clock.
        row_bin, row_source, row_target, row_way: (R,) each message's bin, users (target -1 for
            none) and edge (see `ways`).
        post_bin, post_user, post_count: distinct pairs of bin and user, sorted, with the number
            of posts: distinct time stamps of that user in that bin, or messages where the log
            knows only days.
        volume: (K,) posts.
        heard: (K,) messages that the authors of the bin's posts had received within one bin's
            length before their post, summed over posts.
        gaps: bins (first, last + 1) of which some time was not watched, sorted and apart.
        edges: what each kind of message makes, as it was given, for messages to come.
        last_user, last_time: the distinct posts of the last two bins, for the same.
        each: whether every message counts as a post (the log knows only days).
    """

    names: Names
    grid: Grid
    row_bin: np.ndarray
    row_source: np.ndarray
    row_target: np.ndarray
    row_way: np.ndarray
    post_bin: np.ndarray
    post_user: np.ndarray
    post_count: np.ndarray
    volume: np.ndarray
    heard: np.ndarray
    gaps: tuple[tuple[int, int], ...] = ()
    edges: Any = None
    last_user: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    last_time: np.ndarray = field(default_factory=lambda: np.zeros(0))
    each: bool = False


def read_log(
    columns: dict[str, Any],
    names: dict[str, str],
    *,
    edges: Any,
    length: Any,
    usual: Any,
    others: dict[str, Any],
    gaps: Any,
    unit: str | None,
    timezone: str | None,
    rows: Rows,
) -> MessageLog:
    """Check the columns and put the messages in bins, which reach over all windows; arguments as in
    `Activity.from_messages`.

    Args:
        columns: time, source, target and kind (None where there are none).
        names: what errors call them.
        length: of a bin; a bin begins at the start of `usual`.
        others: windows beside `usual`.
    """
    clock = read_times(columns["time"], names["time"], unit, timezone, rows)
    size = len(clock.values)
    if not size:
        raise ValueError("There are no messages. Give at least one.")
    source, target, users = read_both(columns, names, size, rows)
    way = read_ways(columns["kind"], edges, size, rows, names["kind"])
    holes = None if gaps is None else read_gaps(gaps, clock, ALONE)
    for one in zip(*holes, strict=True) if holes is not None else ():
        hole = Gaps(*(np.array([part]) for part in one))
        refuse_inside(clock, clock.values, np.full(size, -1), hole, rows)
    _warn({names["source"]: source, names["target"]: target}, users, target)

    values = clock.values
    if (np.diff(values) < 0).any():
        order = np.argsort(values, kind="stable")
        values, source, target, way = values[order], source[order], target[order], way[order]
    pairs = [read_pair(pair, clock, name) for name, pair in others.items()]
    begin = read_pair(usual, clock, "usual")
    grid, bins, count = _bins(clock, length, values, [begin, *pairs], begin[0])
    first, rank = _distinct(values)
    users_of, rank_of, _ = pairs_of(source, rank, len(first))
    each = _without_clock(clock)
    if len(users_of) < size and each:
        users_of, rank_of = source, rank
        warn(
            f"Column {names['time']!r} holds days without a time of day: every message counts as a "
            f"post. Where one that names several users is several rows, give times of day.",
            ActivityWarning,
        )
    lowest = np.searchsorted(values[first], _earliest(values[first], grid.step))
    bin_of = bins[first]
    heard = _heard(source, target, rank, users_of, rank_of, lowest, bin_of, count)
    post_bin, post_user, post_count = pairs_of(bin_of[rank_of], users_of, len(users))
    volume = np.bincount(bin_of[rank_of], minlength=count)
    counted_in = post_bin, post_user, post_count, volume, heard
    lost = () if holes is None else _lost(holes, grid, count)
    last = bin_of[rank_of] >= bins[-1] - 1
    ending = edges, users_of[last], values[first[rank_of[last]]], each
    return MessageLog(users, grid, bins, source, target, way, *counted_in, lost, *ending)


def read_both(
    columns: dict[str, Any], names: dict[str, str], size: int, rows: Rows
) -> tuple[np.ndarray, np.ndarray, Names]:
    """Codes of the sources and targets (-1 for none) of messages as many as their times, and the
    users' names; arguments as in `read_log`."""
    given = {
        names[role]: column_of(values, names[role], rows)
        for role, values in columns.items()
        if values is not None
    }
    same_length({name: len(values) for name, values in given.items()} | {names["time"]: size})
    both = {names[role]: given[names[role]] for role in ("source", "target")}
    codes, users = read_users(both, frozenset({names["target"]}), rows)
    return codes[names["source"]], codes[names["target"]], users


def _warn(codes: dict[str, np.ndarray], users: Names, target: np.ndarray) -> None:
    without = int((target < 0).sum())
    if without:
        warn(
            f"{counted(without, 'message')} without a target: they count as posts, and make no "
            f"edge.",
            ActivityWarning,
        )
    apart = same_space(codes, users)
    if apart is not None:
        warn(apart, ActivityWarning)


def _without_clock(clock: Clock) -> bool:
    """Whether all times are whole days, so that equal ones need not be one moment."""
    if clock.dated:
        local = stamps(clock.values, clock.zone).tz_localize(None)
        return bool((local == local.normalize()).all())
    return clock.unit in ("day", "week") and bool((clock.values == np.floor(clock.values)).all())


def _bins(
    clock: Any, length: Any, values: np.ndarray, pairs: list[Any], anchor: Any
) -> tuple[Grid, np.ndarray, int]:
    """The grid over the messages and all windows, each message's bin, and the number of bins."""
    grid = make_grid(clock, length, anchor)
    wide = grid.bins(values[[0, -1]])
    low, high = int(wide[0]), int(wide[1]) + 1
    for pair in pairs:
        begin, end = window_bins(grid, pair, high)
        low = min(low, begin) if pair[0] is not None else low
        high = max(high, end) if pair[1] is not None else high
    if high - low > MOST:
        raise ValueError(
            f"bin={length} {clock.unit} makes {high - low:,} bins from the first message or "
            f"window to the last. Take longer bins; is the unit of the times {clock.unit!r}?"
        )
    grid = Grid(grid.clock, grid.anchor, grid.step, low)
    return grid, grid.bins(values).astype(np.int32), high - low


def _lost(holes: Gaps, grid: Grid, count: int) -> tuple[tuple[int, int], ...]:
    """The bins that meet a gap, as ranges."""
    start, end = (grid.start(np.array([bin])) for bin in (0, count))
    cut = within(holes, grid.clock, ALONE, start, end)
    missed = np.zeros(count + 2, bool)
    for low, high in zip(grid.bins(cut.start), grid.borders(cut.end), strict=True):
        missed[low + 1 : high + 1] = True
    edges = np.flatnonzero(np.diff(missed))
    return tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _earliest(values: np.ndarray, step: Any) -> np.ndarray:
    """A bin's length before each time, with the slack of rounding for numbers that have some."""
    before = values - step
    if before.dtype.kind != "f":
        return before
    return before - 8 * np.finfo(float).eps * np.maximum(np.abs(values), step)


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows where a new time begins, and the number of each row's time among the distinct ones."""
    new = np.diff(values) != 0
    rank = np.zeros(len(values), np.int32)
    np.cumsum(new, out=rank[1:])
    return np.concatenate([[0], np.flatnonzero(new) + 1]), rank


def _heard(source, target, rank, users_of, rank_of, lowest, bin_of, count) -> np.ndarray:
    """Messages received by each post's author in [t - bin, t), summed by bin."""
    times = len(lowest)
    received = target.astype(np.int64) * times + rank
    received = received[(target >= 0) & (target != source)]
    received.sort()
    base = users_of.astype(np.int64) * times
    upto = np.searchsorted(received, base + rank_of)
    since = np.searchsorted(received, base + lowest[rank_of])
    return np.bincount(bin_of[rank_of], weights=upto - since, minlength=count)


def pairs_of(
    first: np.ndarray, second: np.ndarray, size: int, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs, sorted, and how often each occurs, or the sum of its weights; `size` is more
    than the largest of `second`."""
    keys = first.astype(np.int64) * size + second
    if weight is None:
        keys.sort()
    else:
        order = np.argsort(keys, kind="stable")
        keys, weight = keys[order], weight[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1) != 0)
    if weight is None:
        total = np.diff(begins, append=len(keys)).astype(np.int32)
    else:
        total = np.add.reduceat(weight, begins) if len(begins) else np.zeros(0)
    one, two = np.divmod(keys[begins], size)
    return one.astype(np.int32), two.astype(np.int32), total
