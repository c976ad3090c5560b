"""Which form of the decayed counts to build."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from hawkesjax.hawkes.counts.blocks import BlockForm
from hawkesjax.hawkes.counts.fixed import FixedForm
from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.pairs import PairForm
from hawkesjax.hawkes.counts.registers import RegisterForm
from hawkesjax.hawkes.counts.scan import ScanForm
from hawkesjax.hawkes.counts.stream import Stream

Form = ScanForm | LaneForm | PairForm | BlockForm | FixedForm

FORMS: dict[str, type[ScanForm] | type[LaneForm] | type[PairForm] | type[BlockForm]] = {
    "scan": ScanForm,
    "lanes": LaneForm,
    "registers": RegisterForm,
    "pairs": PairForm,
    "blocks": BlockForm,
}

# On a CPU, above this many marks 2 D exponentials per event and their gathers cost less than D^2:
# by lanes 1 / 1.21 times the pairs at D = 2, 1.3 and 2.0 times at 3 and 4, 5.9 times at 10
# (python -m benchmarks.tuning). Up to a few marks more, short streams keep to lanes all the same:
# they are padded to a ladder of sizes and share their compilations, which cost more than they do.
# On a GPU gathers cost more than exponentials: 29 ns per event by lanes, 1,025 by pairs (D = 20,
# docs/performance.md).
FEW_MARKS, MORE_MARKS, SHORT = 2, 4, 20_000

# With one decay for all pairs, blocks from this many marks on: they cost 1.09 times the pairs at
# D = 48, 0.85 at 100, 0.64 at 200. Known decays: only where the decayed counts, N D numbers, would
# take more than 0.4 GB (2 GB while they are made); a pass over them is otherwise the fastest.
MANY_MARKS, MOST_NUMBERS = 64, 50_000_000

# Share of the pairs up to which a network has a form of its own, and its least number of marks.
SPARSE, NETWORK = 0.25, 8


def choose_form(
    stream: Stream,
    *,
    form: str = "auto",
    dtype: Any = np.float64,
    gamma: np.ndarray | np.floating | None = None,
    shared: bool = False,
) -> Form:
    """Build the fastest form, or the requested one; all give the same numbers.

    Args:
        stream: the events.
        form: `"auto"`, `"scan"`, `"lanes"`, `"registers"`, `"pairs"` or `"blocks"`.
        dtype: floating type of the form.
        gamma: decay rates when they are fixed; then the decayed counts are data.
        shared: whether all pairs share a decay rate.

    Raises:
        ValueError: for an unknown form, and for blocks where decay rates differ.
    """
    if form == "auto" and in_blocks(stream, shared, gamma is not None):
        form = "blocks"
    if form == "blocks" and not shared:
        raise ValueError('form="blocks" needs one decay for all pairs: decay="shared".')
    if form == "auto":
        if gamma is not None:
            return FixedForm.from_stream(stream, dtype, gamma)
        few = MORE_MARKS if stream.num_events <= SHORT else FEW_MARKS
        lanes = by_lanes(stream.num_marks, few)
        return FORMS["lanes" if lanes else "pairs"].from_stream(stream, dtype)
    if form not in FORMS:
        raise ValueError(f"form is {form!r}; it must be one of auto, {', '.join(FORMS)}.")
    return FORMS[form].from_stream(stream, dtype)


def by_lanes(num_marks: int, few: int = MORE_MARKS) -> bool:
    """Whether D^2 exponentials an event are worth their order: for few marks, and on a GPU."""
    return num_marks <= few or jax.default_backend() != "cpu"


def in_blocks(stream: Stream, shared: bool, known: bool) -> bool:
    """Whether blocks are the form for these events, with decays that are known or learned."""
    if not shared or stream.num_marks < MANY_MARKS:
        return False
    return not known or stream.num_events * stream.num_marks > MOST_NUMBERS


def edges_of(network: bytes | None, num_marks: int) -> np.ndarray | None:
    """The mask (target, source) of a network, where it is sparse enough for a form of its own."""
    if network is None or num_marks < NETWORK:
        return None
    bits = np.unpackbits(np.frombuffer(network, np.uint8), count=num_marks**2)
    edges = bits.reshape(num_marks, num_marks).astype(bool)
    return edges if edges.mean() <= SPARSE else None
