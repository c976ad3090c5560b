"""When is a spike on: from a peak of the volume to a fraction of it."""

from __future__ import annotations

import numpy as np


def detect_spike(
    volume: np.ndarray, search: tuple[int, int] | None = None, fraction: float = 0.25
) -> tuple[tuple[int, int], bool]:
    """The bins from the largest volume to the first one with at most a fraction of it, inclusive.

    Args:
        volume: (K,) posts per bin.
        search: bins (first, last + 1) in which the peak is sought; all by default.
        fraction: of the peak's volume that ends the spike.

    Returns:
        The bins (first, last + 1), and whether the spike ends within the log.

    Raises:
        ValueError: for a range without posts, or a fraction not between 0 and 1.

    Source: Higham and others (peak to a quarter of the peak).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction!r}; it must lie between 0 and 1.")
    low, high = (0, len(volume)) if search is None else search
    part = np.asarray(volume)[low:high]
    if not part.size or not part.max() > 0:
        raise ValueError(
            f"No post in bins {low:,} to {high:,}, where a spike is sought: end the window of "
            f"business as usual earlier, or name the spike (start, end)."
        )
    peak = low + int(part.argmax())
    below = np.flatnonzero(np.asarray(volume)[peak:] <= fraction * volume[peak])
    if not len(below):
        return (peak, len(volume)), False
    return (peak, peak + int(below[0]) + 1), True
