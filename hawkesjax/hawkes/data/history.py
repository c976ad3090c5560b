"""Known events before the windows, which excite events within them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from hawkesjax.hawkes.data.sequences import rows_of
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class History:
    """Events before the start of their sequence's window; sorted by sequence, oldest first.

    Args:
        age: (H,) time from each to the start of its sequence's window, above 0.
        marks: (H,) 0 .. D-1.
        sequence: (H,) 0 .. M-1.
        magnitude: (H,) sizes, if the panel's events have sizes.
    """

    age: Float[AnyArray, " past"]
    marks: Int[AnyArray, " past"]
    sequence: Int[AnyArray, " past"]
    magnitude: Float[AnyArray, " past"] | None = None

    @classmethod
    def none(cls, sized: bool = False) -> History:
        """No such events."""
        empty = np.zeros(0, np.int32)
        return cls(np.zeros(0), empty, empty, np.zeros(0) if sized else None)

    def __len__(self) -> int:
        return self.age.shape[-1]

    def aged(
        self, by: Float[np.ndarray, " sequences"], kept: Bool[np.ndarray, " sequences"]
    ) -> History:
        """The history of the kept sequences, with ages increased by `by`."""
        own = kept[self.sequence]
        return replace(self._at(own), age=(self.age + by[self.sequence])[own])

    def join(self, later: History) -> History:
        """Both, sorted."""
        if not len(self) or not len(later):
            return (later if len(later) else self).sorted()
        whole = jax.tree.map(lambda *parts: np.concatenate(parts), self, later)
        return whole.sorted()

    def sorted(self) -> History:
        """By sequence, oldest first."""
        return self._at(np.lexsort((-self.age, self.sequence)))

    def choose(self, rows: Int[np.ndarray, " chosen"]) -> History:
        """The history of some sequences, renumbered in the order given."""
        taken, sequence = rows_of(self.sequence, rows)
        return replace(self._at(taken), sequence=sequence)

    def _at(self, rows: AnyArray) -> History:
        return jax.tree.map(lambda column: column[rows], self)
