"""Rows of some sequences."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def rows_of(
    sequence: Int[np.ndarray, " rows"], chosen: Int[np.ndarray, " chosen"]
) -> tuple[Int[np.ndarray, " taken"], Int[np.ndarray, " taken"]]:
    """Positions of the rows of some sequences, in the order given, and their new sequence numbers;
    `sequence` gives the sequence of each row, ascending."""
    begin, end = (np.searchsorted(sequence, chosen, side) for side in ("left", "right"))
    sizes = end - begin
    number = np.repeat(np.arange(len(chosen)), sizes).astype(np.int32)
    inner = np.arange(len(number)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return begin[number] + inner, number
