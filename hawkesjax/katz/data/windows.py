"""What the windows of an `Activity` decide: network, spike, and what a model is fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Range, checked, number
from hawkesjax.inputs.bins import bins_of, read_pair, window_bins
from hawkesjax.inputs.checks import column_of
from hawkesjax.inputs.warned import warn
from hawkesjax.inputs.windows import pair_of
from hawkesjax.katz.data.attention import ActivityWarning
from hawkesjax.katz.data.messages import MessageLog
from hawkesjax.katz.data.network import network_of

Bins = tuple[int, int]


def cut_log(
    log: MessageLog,
    usual: Any,
    spike: Any,
    fit: Any,
    options: dict[str, bool],
    *,
    in_bins: bool = False,
) -> dict[str, Any]:
    """The fields of an `Activity` that the windows decide."""
    count = len(log.volume)
    base = bins_of(usual, "bins", count) if in_bins else _window(log, usual, "usual")
    fields = network_of(log, base, **options)
    _refuse_empty(log, base, "window of business as usual")
    if not len(fields["listener"]):
        warn(
            "The network has no edge: every score will be the user's own baseline. Do edges= and "
            "the window suit the log?",
            ActivityWarning,
        )
    peak = _spike(log, spike, base)
    if peak is not None:
        refuse_gap(log.gaps, peak, "spike", "Name a spike that was watched from end to end.")
    if peak is not None and peak[0] < base[1] and base[0] < peak[1]:
        raise ValueError(
            f"The window of business as usual (bins {base[0]:,} to {base[1]:,}) overlaps the "
            f"spike (bins {peak[0]:,} to {peak[1]:,}): the ranking would know what it is scored "
            f"on. End the one before the other begins."
        )
    if peak is not None and base[0] >= peak[1]:
        warn(
            f"Business as usual (bins {base[0]:,} to {base[1]:,}) comes after the spike (bins "
            f"{peak[0]:,} to {peak[1]:,}): a ranking from it predicts nothing.",
            ActivityWarning,
        )
    if fit is not None:
        chosen = _window(log, fit, "fit")
        _check_fit(log, chosen)
    else:
        chosen = (base[1], count) if base[1] < count else base
    return fields | {"network": base, "spike": peak, "fit": chosen}


def refuse_gap(gaps: tuple[Bins, ...], window: Bins, what: str, remedy: str) -> None:
    """Refuse bins of which some were not watched."""
    for low, high in gaps:
        if low < window[1] and window[0] < high:
            raise ValueError(
                f"The {what} (bins {window[0]:,} to {window[1]:,}) meets a gap of the record (bins "
                f"{low:,} to {high:,}), in which nobody knows who posted. {remedy}"
            )


def _window(log: MessageLog, pair: Any, what: str) -> Bins:
    """A window in the times' own terms as bins within the log."""
    count = len(log.volume)
    low, high = window_bins(log.grid, read_pair(pair, log.grid.clock, what), count)
    if not (0 <= low < high <= count):
        shown = log.grid.clock.show
        raise ValueError(
            f"{what} holds no bin of the log: bins begin from {shown(log.grid.start(0))} on, "
            f"{count:,} of them, to {shown(log.grid.start(count))}."
        )
    return low, high


def _refuse_empty(log: MessageLog, window: Bins, what: str) -> None:
    if not log.volume[slice(*window)].any():
        shown = log.grid.clock.show
        raise ValueError(
            f"The {what} is empty: no message in bins {window[0]:,} to {window[1]:,}. Messages run "
            f"from {shown(log.grid.start(log.row_bin[0]))} to "
            f"{shown(log.grid.start(log.row_bin[-1] + 1))}, in the times' own terms."
        )


def _check_fit(log: MessageLog, window: Bins) -> None:
    _refuse_empty(log, window, "window to fit")
    last = int(log.row_bin[-1]) + 1
    if window[1] > last:
        warn(
            f"The window to fit ends with bin {window[1] - 1:,}, the messages with bin "
            f"{last - 1:,}: the {window[1] - last:,} bins between count as silent.",
            ActivityWarning,
        )


def _spike(log: MessageLog, spike: Any, base: Bins) -> Bins | None:
    if spike is None:
        return None
    if not isinstance(spike, str):
        window = _window(log, spike, "spike")
        _refuse_empty(log, window, "spike")
        return window
    if spike != "detect":
        raise ValueError(f"spike={spike!r} is not known. Give (start, end), 'detect' or None.")
    window, ended = detect_spike(log.volume, (base[1], len(log.volume)))
    if not ended:
        warn(
            "The spike does not end within the log: its volume never falls to a quarter of the "
            "peak.",
            ActivityWarning,
        )
    return window


@checked
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
    posts = column_of(volume, "volume")
    if not pd.api.types.is_any_real_numeric_dtype(posts.dtype):
        raise ValueError("Column 'volume' holds what is no number. Give the posts of each bin.")
    volume = posts.to_numpy(np.float64, na_value=np.nan)
    ends = (0, len(volume)) if search is None else pair_of(search, "search")
    low, high = (int(number(end, "a bound of search", Range(0), whole=True)) for end in ends)
    part = volume[low:high]
    if not part.size or not part.max() > 0:
        raise ValueError(
            f"No post in bins {low:,} to {high:,}, where a spike is sought: end the window of "
            f"business as usual earlier, or name the spike (start, end)."
        )
    peak = low + int(part.argmax())
    below = np.flatnonzero(volume[peak:] <= fraction * volume[peak])
    if not len(below):
        return (peak, len(volume)), False
    return (peak, peak + int(below[0]) + 1), True
