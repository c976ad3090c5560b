"""Where events lie in chunks of consecutive events, and what each needs to know of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from hawkesjax.hawkes.counts.lanes_layout import rung
from hawkesjax.hawkes.counts.stream import Stream


def cut(new: np.ndarray, width: int) -> np.ndarray:
    """Bounds of chunks of up to `width` events that part simultaneous ones only where more than
    `width` of them coincide; these have chunks of their own.

    Args:
        new: (N,) whether an event is later than the one before it, or of another sequence.
        width: most events of a chunk.
    """
    events, heads = len(new), np.append(np.flatnonzero(new), len(new))
    last = np.searchsorted(heads, np.minimum(np.arange(events) + width, events), side="right") - 1
    beyond = np.searchsorted(heads, np.arange(events), side="right")
    bounds = [0]
    while bounds[-1] < events:
        at = bounds[-1]
        end = int(heads[last[at]])
        if not new[at] or end <= at:  # among more simultaneous events than a chunk holds
            end = min(at + width, int(heads[beyond[at]]))
        bounds.append(end)
    return np.array(bounds, np.int64)


def lay_out(stream: Stream, width: int, height: int, dtype: Any) -> dict[str, np.ndarray]:
    """The arrays of `BlockForm`, by block, chunk and place in the chunk.

    Times are sums of gaps within a chunk: no time far from 0 is ever rounded.
    """
    events, sequence = stream.num_events, stream.sequence
    new = stream.first | (stream.gaps > 0)
    bounds = cut(new, width)
    start, size = bounds[:-1], np.diff(bounds)
    blocks = int(rung(max(-(-len(start) // height), 1), events))
    chunk = np.repeat(np.arange(len(start)), size)
    place = chunk * width + np.arange(events) - start[chunk]

    # The first event after the chunk that is later than all of its own, and of which sequence.
    flush = np.append(new, True)[bounds[1:]]
    heads = np.append(np.flatnonzero(new), events)
    later = heads[np.searchsorted(heads, bounds[1:])]
    none = later == events
    there = np.where(none, -1, np.append(sequence, 0)[later])
    wait = np.append(stream.gaps, 0.0)[later]

    def laid(values: Any, kind: Any, fill: float = 0) -> np.ndarray:
        out = np.full((blocks * height, width), fill, kind)
        out.reshape(-1)[place] = values
        return out

    gaps = stream.gaps.copy()
    gaps[stream.first] = 0
    gaps[start] = 0
    passed = np.cumsum(laid(gaps, np.float64), axis=1).reshape(-1)[place]
    group = np.maximum.accumulate(np.where(new, np.arange(events), 0))  # first simultaneous one
    own = np.maximum.accumulate(np.where(stream.first, np.arange(events), 0))
    own = np.maximum(own, start[chunk])  # first of the sequence in the chunk
    since = passed - passed[own]
    group = np.maximum(group, start[chunk])
    final = since[bounds[1:] - 1]
    left = np.where(sequence == there[chunk], (final + wait)[chunk] - since, -1.0)
    ahead = sequence[start]  # of the events that the chunk's state is for
    gap = np.where(flush, np.where(there == ahead, final + wait, -1.0), 0.0)
    known = ~stream.first[start]
    carried = np.where(known, np.bincount(chunk, sequence == ahead[chunk], len(start)), 0)

    def by_chunk(values: Any, kind: Any, fill: float = 0) -> np.ndarray:
        out = np.full(blocks * height, fill, kind)
        out[: len(start)] = values
        return out.reshape(blocks, height)

    by_event = {
        "marks": laid(stream.marks, np.int32),
        "owner": laid(sequence, np.int32),
        "since": laid(since, dtype),
        "left": laid(left, dtype, -1),
        "before": laid(group - start[chunk], np.int32),
        "begin": laid(own - start[chunk], np.int32),
    }
    shaped = {name: value.reshape(blocks, height, width) for name, value in by_event.items()}
    return shaped | {
        "size": by_chunk(size, np.int32),
        "carried": by_chunk(carried, np.int32),
        "gap": by_chunk(gap, dtype),
        "flush": by_chunk(flush, dtype, 1),
        "place": place.astype(np.int32),
    }
