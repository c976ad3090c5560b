"""Data divided among processes or devices, a whole sequence, post or user to each."""

from __future__ import annotations

import numpy as np

from hawkesjax.inputs.checks import counted, listed_once, short

Part = tuple[int, int]


def part_of(sizes: np.ndarray, part: Part | None, things: str) -> tuple[int, int]:
    """The first thing of a part and the one after its last, of things of such sizes: parts are of
    about one size, and have at least one thing.

    Raises:
        ValueError: for a part that does not exist, and for more parts than things.
    """
    if part is None:
        return 0, len(sizes)
    given = listed_once(part) or []
    whole = all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in given)
    if len(given) != 2 or not whole or not 0 <= given[0] < given[1]:
        raise ValueError(
            f"part is {short(part)}; it must be a pair (number, parts), such as (0, 4) for the "
            f"first of four."
        )
    number, parts = map(int, given)
    if parts > len(sizes):
        raise ValueError(
            f"{counted(len(sizes), things)} cannot be divided into {parts} parts: a {things} "
            f"is never divided. Use at most {counted(len(sizes), 'part')}."
        )
    weights = np.cumsum(np.asarray(sizes, float) + 1)
    wanted = weights[-1] * np.arange(1, parts) / parts
    cuts = np.searchsorted(weights, wanted) + 1
    place = np.arange(1, parts)
    cuts = np.maximum.accumulate(np.maximum(cuts - place, 0)) + place  # at least one each
    cuts = [0, *np.minimum(cuts, len(sizes) - parts + place).tolist(), len(sizes)]
    return cuts[number], cuts[number + 1]
