"""Events before the windows, which are known and excite."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from hawkesjax.hawkes.data.sequences import rows_of
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class History:
    """Events before the start of their sequence's window; sorted by sequence, the oldest first.

    Args:
        age: (H,) time from each to the start of its sequence's window, above 0.
        marks: (H,) 0 .. D-1.
        sequence: (H,) 0 .. M-1.
    """

    age: Float[AnyArray, " past"]
    marks: Int[AnyArray, " past"]
    sequence: Int[AnyArray, " past"]

    @classmethod
    def none(cls) -> History:
        """No such events."""
        return cls(np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int32))

    def __len__(self) -> int:
        return self.age.shape[-1]

    def aged(
        self, by: Float[np.ndarray, " sequences"], kept: Bool[np.ndarray, " sequences"]
    ) -> History:
        """The history of some sequences, so much longer ago."""
        own = kept[self.sequence]
        return History((self.age + by[self.sequence])[own], self.marks[own], self.sequence[own])

    def join(self, later: History) -> History:
        """Both, sorted."""
        age = np.concatenate([self.age, later.age])
        sequence = np.concatenate([self.sequence, later.sequence])
        order = np.lexsort((-age, sequence))
        marks = np.concatenate([self.marks, later.marks])
        return History(age[order], marks[order], sequence[order])

    def choose(self, rows: Int[np.ndarray, " chosen"]) -> History:
        """Those of some sequences, renumbered in the order given."""
        taken, sequence = rows_of(self.sequence, rows)
        return History(self.age[taken], self.marks[taken], sequence)
