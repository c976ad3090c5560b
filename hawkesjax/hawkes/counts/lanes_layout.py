"""How a stream is laid out as `steps x lanes`, on the host."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from hawkesjax.hawkes.counts.stream import Stream


def lane_layout(stream: Stream, dtype: np.dtype, lanes: int | None = None) -> dict[str, Any]:
    """The arrays of a `LaneForm`, by name; `lanes` is about how many (None chooses)."""
    marks, num_marks = stream.marks, stream.num_marks
    num_events = stream.num_events
    counts = np.bincount(stream.sequence, minlength=stream.num_sequences)
    steps = choose_steps(counts, lanes, on_cpu=jax.default_backend() == "cpu")
    lanes_of = -(-counts // steps)
    num_lanes = max(int(lanes_of.sum()), 1)
    owner = np.repeat(np.arange(stream.num_sequences), lanes_of)
    if owner.size == 0:
        owner = np.zeros(1, np.int64)
    # each event's lane and step
    begin = np.cumsum(counts) - counts
    # int32 halves what the layout needs beside its result
    step = np.arange(num_events, dtype=np.int32) - np.repeat(begin.astype(np.int32), counts)
    lane = np.repeat((np.cumsum(lanes_of) - lanes_of).astype(np.int32), counts)
    lane += step // np.int32(steps)
    step %= np.int32(steps)
    slots = step * np.int32(num_lanes) + lane

    # groups of simultaneous events
    moved = (stream.gaps > 0) & ~stream.first
    group = np.cumsum(moved | stream.first, dtype=np.int32) - np.int32(1)
    group_begin = np.flatnonzero(moved | stream.first)
    prefix = np.zeros((num_marks, num_events + 1), np.int32)
    jumps = np.zeros((steps, num_marks, num_lanes), dtype)
    bounds, earlier = np.append(group_begin, num_events), group[moved] - 1
    row, column = step[moved], lane[moved]
    for j in range(num_marks):
        np.cumsum(marks == j, out=prefix[j, 1:])
        jumps[row, j, column] = np.diff(prefix[j, bounds])[earlier]

    # each lane's first and last event
    tails, spans = np.zeros(num_lanes), np.zeros(num_lanes)
    linked = np.zeros(num_lanes)
    carried, pending = np.zeros((num_lanes, num_marks)), np.zeros((num_lanes, num_marks))
    lags = np.zeros(num_events)
    sources = np.full(num_events, -1, np.int32)
    if num_events:
        head = np.flatnonzero(step == 0)
        last = np.append(head[1:], num_events) - 1
        tails[:] = stream.remaining[last]
        clock = -stream.remaining
        lags = clock[last][lane] - clock
        linked[:] = ~stream.first[head]
        before = np.maximum(head - 1, 0)
        spans[:] = np.where(linked > 0, clock[last] - clock[before], 0)
        absorbed = (linked > 0) & (group[last] > group[before])
        waiting = prefix[:, head] - prefix[:, group_begin[group[before]]]
        carried[:] = np.where(absorbed, waiting, 0).T
        pending[:] = (prefix[:, last + 1] - prefix[:, np.maximum(head, group_begin[group[last]])]).T
        sources = np.where(group < group[last][lane], marks, -1)

    def place(values, kind, fill=0):
        out = np.full(steps * num_lanes, fill, kind)
        out[slots] = values
        return out.reshape(steps, num_lanes)

    return {
        "gaps": place(np.where(moved, stream.gaps, 0), dtype),
        "jumps": jumps,
        "marks": place(marks, np.int32, -1),
        "lags": tuple(
            _stack(lags[own], lane[own], num_lanes, dtype)
            for own in (np.flatnonzero(sources == j) for j in range(num_marks))
        ),
        "spans": spans.astype(dtype),
        "linked": linked.astype(dtype),
        "carried": carried.T.astype(dtype),
        "pending": pending.T.astype(dtype),
        "tails": tails.astype(dtype),
        "owner": owner.astype(np.int32),
        "slots": slots,
        "num_marks": num_marks,
        "num_sequences": stream.num_sequences,
        "depth": int(lanes_of.max(initial=0)),
    }


def _stack(values: np.ndarray, lane: np.ndarray, num_lanes: int, dtype: Any) -> np.ndarray:
    """Values of ascending lanes as columns, with -1 below each lane's last."""
    counts = np.bincount(lane, minlength=num_lanes)
    out = np.full((int(counts.max(initial=0)), num_lanes), -1.0, dtype)
    out[np.arange(values.size) - (np.cumsum(counts) - counts)[lane], lane] = values
    return out


def choose_steps(counts: np.ndarray, lanes: int | None = None, *, on_cpu: bool = True) -> int:
    """Number of steps that is fastest for sequences of about these lengths (numbers of events)."""
    if lanes is not None:
        return max(1, -(-int(counts.sum()) // lanes))
    counts = rung(counts, int(counts.sum()))  # so that nearly equal lengths have equal steps
    longest = max(int(counts.max(initial=1)), 1)
    options = np.unique(np.geomspace(1, longest, 80).astype(int))
    widths = np.array([np.sum(-(-counts // s)) for s in options])
    # seconds per step, per event and per lane, measured on one core; a GPU needs many more lanes
    step, event, lane = (4e-6, 18e-9, 130e-9) if on_cpu else (60e-6, 0.2e-9, 3e-9)
    spill = np.where((widths > 1500) & on_cpu, 1.2, 1.0)  # the states no longer fit the cache
    cost = step * options + event * spill * options * widths + lane * widths
    return int(options[np.argmin(cost)])


def rung(size: Any, events: int) -> Any:
    """The next size of a geometric ladder, so that similar numbers of events share a compilation:
    from 4 sizes per octave up to 1,000 events, where a call costs more than its events, to 64 from
    16,000 on (at most 1.6 % more)."""
    size = np.asarray(size, np.int64)
    digits = 3 + sum(events > limit for limit in (2**10, 2**12, 2**14, 2**14))
    step = 2 ** np.maximum(np.frexp(size)[1] - digits, 0)
    return -(-size // step) * step
