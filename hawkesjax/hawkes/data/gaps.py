"""Gaps of the record within the windows of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.data.sequences import rows_of
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Gaps:
    """Stretches in which nothing of a sequence could be observed; sorted by sequence and time, and
    disjoint.

    Args:
        sequence: (G,) 0 .. M-1.
        start: (G,) time since the start of the sequence's window, in the panel's unit.
        length: (G,) above 0.
    """

    sequence: Int[AnyArray, " stretches"]
    start: Float[AnyArray, " stretches"]
    length: Float[AnyArray, " stretches"]

    @classmethod
    def none(cls) -> Gaps:
        """No gaps."""
        return cls(np.zeros(0, np.int32), np.zeros(0), np.zeros(0))

    @property
    def end(self) -> Float[AnyArray, " stretches"]:
        """(G,) time since the start of the sequence's window."""
        return self.start + self.length

    def __len__(self) -> int:
        return self.length.shape[-1]

    def total(self, num_sequences: int) -> Float[np.ndarray, " sequences"]:
        """Their length in each sequence."""
        return np.bincount(self.sequence, weights=self.length, minlength=num_sequences)

    def before(
        self, times: Float[np.ndarray, " events"], sequence: Int[np.ndarray, " events"]
    ) -> Float[np.ndarray, " events"]:
        """Length of the gaps that lie before times since the windows' starts."""
        lost = np.zeros(len(times))
        for owner in np.unique(self.sequence):
            own, mine = np.flatnonzero(sequence == owner), self.sequence == owner
            sums = np.append(0, np.cumsum(self.length[mine]))
            lost[own] = sums[np.searchsorted(self.end[mine], times[own], side="right")]
        return lost

    def around(
        self,
        times: Float[np.ndarray, " events"],
        sequence: Int[np.ndarray, " events"],
        duration: Float[np.ndarray, " sequences"],
    ) -> tuple[Float[np.ndarray, " events"], Float[np.ndarray, " events"]]:
        """The stretch without a gap that each time lies in, since its window's start; of two that
        meet there, the earlier one."""
        begin, stop = np.zeros(len(times)), duration[sequence].copy()
        for owner in np.unique(self.sequence):
            own, mine = np.flatnonzero(sequence == owner), self.sequence == owner
            starts = np.append(self.start[mine], duration[owner])
            ends = np.append(0.0, self.end[mine])
            place = np.searchsorted(self.start[mine], times[own], side="left")
            begin[own], stop[own] = ends[place], starts[place]
        return begin, stop

    def cut(
        self, low: Float[np.ndarray, " sequences"], high: Float[np.ndarray, " sequences"]
    ) -> Gaps:
        """Those parts within [low, high] of each sequence, since `low`."""
        first, last = low[self.sequence], high[self.sequence]
        start, end = np.maximum(self.start, first), np.minimum(self.end, last)
        kept = start < end
        whole = (start == self.start) & (end == self.end)
        length = np.where(whole, self.length, end - start)
        return Gaps(self.sequence[kept], (start - first)[kept], length[kept])

    def choose(self, rows: Int[np.ndarray, " chosen"]) -> Gaps:
        """The gaps of some sequences, renumbered in the order given."""
        taken, sequence = rows_of(self.sequence, rows)
        return Gaps(sequence, self.start[taken], self.length[taken])

    def holds(
        self, times: Float[np.ndarray, " events"], sequence: Int[np.ndarray, " events"]
    ) -> np.ndarray:
        """Whether times since the windows' starts lie inside a gap, its ends left out."""
        inside = np.zeros(len(times), bool)
        for owner in np.unique(self.sequence):
            own, mine = np.flatnonzero(sequence == owner), self.sequence == owner
            start, end = self.start[mine], self.end[mine]
            place = np.searchsorted(start, times[own], side="left") - 1
            inside[own] = (place >= 0) & (times[own] < end[place])
        return inside
