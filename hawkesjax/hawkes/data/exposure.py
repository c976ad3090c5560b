"""The known exposure of a panel's baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.data.gaps import Gaps
from hawkesjax.hawkes.data.sequences import rows_of
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.moments import shown
from hawkesjax.inputs.spans import NEAR

Cut = tuple[Int[np.ndarray, " pieces"], Int[np.ndarray, " pieces"], Float[np.ndarray, " pieces"]]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Exposure:
    """A factor E_m(t) on the baselines of sequence m, piecewise constant; 1 where there are none.

    Sorted by sequence and time. A sequence's first piece begins with its window, each other one
    where the previous one ends; the last may reach beyond the window. A piece applies from its
    start until the next one.

    Args:
        sequence: (E,) 0 .. M-1, each of them once or more.
        start: (E,) time since the start of the sequence's window, in the panel's unit.
        length: (E,) 0 or more.
        factor: (E,) 0 or more.
    """

    sequence: Int[AnyArray, " pieces"]
    start: Float[AnyArray, " pieces"]
    length: Float[AnyArray, " pieces"]
    factor: Float[AnyArray, " pieces"]

    @classmethod
    def none(cls) -> Exposure:
        """A factor of 1 throughout."""
        return cls(np.zeros(0, np.int32), np.zeros(0), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return self.length.shape[-1]

    @property
    def end(self) -> Float[AnyArray, " pieces"]:
        """(E,) time since the start of the sequence's window."""
        return self.start + self.length

    def locate(
        self, times: Float[np.ndarray, " points"], sequence: Int[np.ndarray, " points"]
    ) -> Int[np.ndarray, " points"]:
        """The piece that applies at each time since its sequence's window's start."""
        return self._place(times, sequence, "right")

    def at(
        self, times: Float[np.ndarray, " points"], sequence: Int[np.ndarray, " points"]
    ) -> Float[np.ndarray, " points"]:
        """E at times since the windows' starts; 1 where there is no exposure."""
        if not len(self):
            return np.ones(len(times))
        return np.asarray(self.factor)[self.locate(times, sequence)]

    def cut(
        self,
        low: Float[np.ndarray, " stretches"],
        high: Float[np.ndarray, " stretches"],
        sequence: Int[np.ndarray, " stretches"],
        length: Float[np.ndarray, " stretches"] | None = None,
    ) -> Cut:
        """Stretches cut at the pieces' edges: the stretch, piece and length of each part.

        Args:
            low, high: their ends, since the windows' starts; what lies before these is left out.
            sequence: their sequences.
            length: their exact lengths, used for those within one piece.
        """
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
        begin = self._place(low, sequence, "right")
        count = np.maximum(self._place(high, sequence, "left") - begin, 0) + 1
        owner = np.repeat(np.arange(len(low)), count)
        piece = begin[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        edges = np.append(np.asarray(self.start), 0.0)
        since = np.maximum(low[owner], edges[piece])
        last = piece == (begin + count - 1)[owner]
        until = np.where(last, high[owner], np.minimum(high[owner], edges[piece + 1]))
        parts = np.maximum(until - since, 0.0)
        if length is not None:
            parts = np.where(count[owner] == 1, length[owner], parts)
        return owner, piece, parts

    def integrals(self, *stretches: Any) -> Float[np.ndarray, " stretches"]:
        """E integrated over stretches, arguments as those of `cut`."""
        owner, piece, length = self.cut(*stretches)
        weights = np.asarray(self.factor)[piece] * length
        return np.bincount(owner, weights=weights, minlength=len(stretches[0]))

    def before(
        self,
        times: Float[np.ndarray, " points"],
        sequence: Int[np.ndarray, " points"],
        gaps: Gaps,
    ) -> Float[np.ndarray, " points"]:
        """E integrated from the windows' starts to times outside of gaps, without the gaps."""
        whole = self.integrals(np.zeros(len(times)), times, sequence, times)
        if not len(gaps):
            return whole
        owner = np.asarray(gaps.sequence)
        missed = self.integrals(gaps.start, gaps.end, owner, gaps.length)
        sums = np.append(0.0, np.cumsum(missed))
        done = np.searchsorted(_keys(owner, gaps.end), _keys(sequence, times), side="right")
        rest = whole - (sums[done] - sums[np.searchsorted(owner, sequence)])
        return np.where(rest > 1e-12 * whole, rest, 0.0)

    def totals(
        self, duration: Float[np.ndarray, " sequences"], gaps: Gaps
    ) -> Float[np.ndarray, " sequences"]:
        """E integrated over each sequence's window, outside of its gaps."""
        return self.before(duration, np.arange(len(duration)), gaps)

    @property
    def open(self) -> Exposure:
        """1 where the factor is above 0, and 0 elsewhere."""
        return replace(self, factor=np.asarray(np.asarray(self.factor) > 0, float))

    def since(
        self,
        begin: Float[np.ndarray, " sequences"],
        known: np.ndarray,
    ) -> Exposure:
        """The exposure from `begin` of each sequence on, with times counted from there; sequences
        that are not `known` keep one piece of zero length."""
        if not len(self):
            return self
        head = self.locate(begin, np.arange(len(begin)))
        first = np.zeros(len(self), bool)
        first[head] = True
        own, place = np.asarray(self.sequence), np.arange(len(self))
        kept = (place >= head[own]) & (known[own] | first)
        start = np.where(first, 0.0, self.start - begin[own])
        length = np.where(
            first & (self.start < begin[own]), self.end - begin[own], np.asarray(self.length)
        )
        length = np.where(known[own], np.maximum(length, 0.0), 0.0)
        return Exposure(own[kept], start[kept], length[kept], np.asarray(self.factor)[kept])

    def known(
        self,
        begin: Float[np.ndarray, " sequences"],
        length: Float[np.ndarray, " sequences"],
        panel: Any,
    ) -> Exposure:
        """The exposure from `begin` of each sequence of a panel on, with times counted from there.

        Raises:
            ValueError: where it is not known for that long.
        """
        last = np.diff(self.sequence, append=self.sequence[-1] + 1) != 0
        reach, until = np.asarray(self.end)[last], begin + length
        short = (length > 0) & (reach < until - NEAR * np.maximum(until, np.abs(panel.start)))
        if short.any():
            m = int(np.flatnonzero(short)[0])
            have, need = shown(panel, panel.start[m] + np.array([reach[m], until[m]]))
            raise ValueError(
                f"The exposure of sequence {panel.sequence_names[m]!r} is known up to {have}, and "
                f"is needed up to {need}. Extend its rows to that time, with the values expected."
            )
        return self.since(begin, np.ones(len(begin), bool))

    def choose(self, rows: Int[np.ndarray, " chosen"]) -> Exposure:
        """The exposure of some sequences, renumbered in the order given."""
        if not len(self):
            return self
        taken, sequence = rows_of(self.sequence, rows)
        return Exposure(sequence, self.start[taken], self.length[taken], self.factor[taken])

    def _place(self, times: np.ndarray, sequence: np.ndarray, side: Any) -> np.ndarray:
        edges = _keys(self.sequence, self.start)
        place = np.searchsorted(edges, _keys(sequence, times), side) - 1
        return np.clip(place, 0, len(edges) - 1)


def _keys(sequence: AnyArray, times: AnyArray) -> np.ndarray:
    """Keys that sort by sequence and then by time: complex numbers, by their real parts first."""
    return np.asarray(sequence) + 1j * np.asarray(times)
