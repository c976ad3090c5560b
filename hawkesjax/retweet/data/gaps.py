"""Gaps of the record within the window of cascades."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float

from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Gaps:
    """Stretches in which nothing could be seen, the same for all posts; sorted, apart from each
    other.

    Args:
        start: (G,) time since the window's start.
        length: (G,) above 0.
    """

    start: Float[AnyArray, " stretches"]
    length: Float[AnyArray, " stretches"]

    @classmethod
    def none(cls) -> Gaps:
        """No gaps."""
        return cls(np.zeros(0), np.zeros(0))

    @property
    def end(self) -> Float[AnyArray, " stretches"]:
        """(G,) time since the window's start."""
        return self.start + self.length

    def __len__(self) -> int:
        return self.length.shape[-1]

    def before(self, times: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """Length of the gaps, and parts of gaps, that lie before times since the window's start."""
        if not len(self):
            return np.zeros(len(times))
        sums = np.cumsum(self.length)
        knots = np.stack([self.start, self.end], axis=1).ravel()
        heights = np.stack([sums - self.length, sums], axis=1).ravel()
        return np.interp(times, knots, heights)

    def holds(self, times: Float[np.ndarray, " times"]) -> Bool[np.ndarray, " times"]:
        """Whether times since the window's start lie inside a gap, its ends left out."""
        return self.meets(times, times)

    def meets(
        self, low: Float[np.ndarray, " stretches"], high: Float[np.ndarray, " stretches"]
    ) -> Bool[np.ndarray, " stretches"]:
        """Whether some of [low, high] lies inside a gap, its ends left out."""
        if not len(self):
            return np.zeros(len(low), bool)
        place = np.searchsorted(self.end, low, side="right")
        return np.append(self.start, np.inf)[place] < high

    def cut(self, low: float, high: float) -> Gaps:
        """Those parts within [low, high], since `low`."""
        start, end = np.maximum(self.start, low), np.minimum(self.end, high)
        kept = start < end
        whole = (start == self.start) & (end == self.end)
        length = np.where(whole, self.length, end - start)
        return Gaps((start - low)[kept], length[kept])

    def watched(self) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends of what they leave of the time from the window's start on, the last end
        infinite."""
        return np.append(0.0, self.end), np.append(self.start, np.inf)
