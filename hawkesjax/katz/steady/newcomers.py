"""How much of what comes will be posted by users whom nobody has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from jaxtyping import Float, Int
from scipy import special

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Count, Level, checked
from hawkesjax.katz.data.activity import Activity

PARTS = 20  # of the past, one of which the window lasts where no spike says how long
FEWEST, MOST = 6, 60  # windows of the past that are learned from
WEIGHTS = np.arange(1, 11) / 10  # of the newest window in the level, one of which is learned


@dataclass(frozen=True, eq=False, repr=False)
class Newcomers(Kept):
    """A forecast of the part of a window's posts that users unseen before it will make.

    Args:
        share: median forecast.
        lower, upper: of the interval.
        level: of the interval.
        begin, end: bins of the window, (first, last + 1).
        table: one row per window of the past (its first bin): end, posts, newcomers (posts of
            users unseen before the window), share.
        weight: of the newest window in the level; near 1 where the share drifts.
    """

    share: float
    lower: float
    upper: float
    level: float
    begin: int
    end: int
    table: pd.DataFrame
    weight: float

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"table": self.table}

    def __repr__(self) -> str:
        past = self.table["share"]
        return (
            f"Newcomers: {100 * self.share:.1f} % of the posts in bins {self.begin:,} to "
            f"{self.end:,} ({100 * self.level:g} %: {100 * self.lower:.1f} to "
            f"{100 * self.upper:.1f}), from {len(past)} windows of the past "
            f"({100 * past.min():.1f} to {100 * past.max():.1f})"
        )


@checked
def newcomers(
    activity: Activity,
    *,
    length: Count | None = None,
    until: Count | None = None,
    level: Level = 0.95,
) -> Newcomers:
    r"""How much of a window's posts will come from users who were in no message before it.

    No ranking of known users can name them. The later half of the past is cut into windows as long
    as the one to come, at most 60, back from `until`; their shares, as
    :math:`x_j = \log((n_j + 1/2) / (m_j + 1/2))` with n posts of newcomers and m of others, follow
    a level that drifts, :math:`l_{j+1} = l_j + w (x_j - l_j)`, w of 0.1, 0.2, ..., 1 by the least
    squares of one-step errors. The interval is that of a t distribution with their scale. It
    holds if what comes is like the windows before it; a spike from outside may not be.

    Args:
        activity: from a log. Its network, window of business as usual and baselines play no part.
        length: bins of the window; by default the spike's, or a twentieth of the past.
        until: bin that the window begins with; by default the spike's first, or the end of
            business as usual. Nothing from it on is seen.
        level: of the interval.

    Raises:
        ValueError: for a network without times, or a past with fewer than 6 such windows that were
            watched and have posts.

    Example:
        >>> sources = [k if k % 2 else 0 for k in range(120)]  # every other post by somebody new
        >>> activity = hj.Activity.from_messages(
        ...     time=range(120), source=sources, target=[0] * 120, edges="reposts", bin=1,
        ...     usual=(0, 120),
        ... )
        >>> round(hj.katz.newcomers(activity, length=10).share, 3)
        0.5

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), chapter
    2 (simple exponential smoothing); the half that is added keeps shares of 0 and 1 finite.
    """
    log, spike = activity.log, activity.spike
    if log is None or activity.network is None:
        raise ValueError(
            "This network was given without a log of messages: nobody is known to be new."
        )
    if until is None:
        until = activity.network[1] if spike is None else spike[0]
    if until > activity.num_bins:
        raise ValueError(f"until is {until:,}, but the log has {activity.num_bins:,} bins.")
    if length is None:
        length = spike[1] - spike[0] if spike is not None else max(1, until // PARTS)
    table = _windows(activity, until, length)
    if len(table) < FEWEST:
        raise ValueError(
            f"The later half of the {until:,} bins before bin {until:,} has {len(table)} windows "
            f"of {length:,} bins that were watched and have posts, fewer than {FEWEST}. Take a "
            f"smaller length=."
        )
    new, posts = (table[name].to_numpy(np.float64) for name in ("newcomers", "posts"))
    x = np.log((new + 0.5) / (posts - new + 0.5))
    paths = [(float((errors**2).sum()), weight, last) for weight, last, errors in _levels(x)]
    squares, weight, last = min(paths)
    freedom = len(x) - 2  # one error fewer than windows, and the weight
    reach = scipy.stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(squares / freedom)
    # as many posts as the last window: whole posts of newcomers, none of them among what may be
    size = posts[-1]
    count = special.expit([last, last - reach, last + reach]) * (size + 1) - 0.5
    share, lower, upper = np.clip([count[0], np.floor(count[1]), np.ceil(count[2])], 0, size) / size
    return Newcomers(
        float(share), float(lower), float(upper), level, until, until + length, table, weight
    )


def _levels(x: Float[np.ndarray, " windows"]) -> list[tuple[float, float, np.ndarray]]:
    """For each weight: it, the level after all windows, and the one-step errors."""
    out = []
    for weight in WEIGHTS:
        now, errors = float(x[0]), []
        for value in x[1:]:
            errors.append(value - now)
            now += weight * errors[-1]
        out.append((float(weight), now, np.array(errors)))
    return out


def _windows(activity: Activity, until: int, length: int) -> pd.DataFrame:
    """The windows of the past, oldest first, with the posts of those unseen before each."""
    log: Any = activity.log
    first = _first_seen(log)
    rows = {}
    for place in range(min(MOST, (until // 2) // length), 0, -1):
        begin = until - place * length
        end = begin + length
        if any(low < end and begin < high for low, high in activity.gaps):
            continue
        part = slice(*np.searchsorted(log.post_bin, (begin, end)))
        count = log.post_count[part]
        new = count[first[log.post_user[part]] >= begin].sum()
        if count.sum():
            rows[begin] = {"end": end, "posts": int(count.sum()), "newcomers": int(new)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["end", "posts", "newcomers"])
    table["share"] = table["newcomers"] / table["posts"]
    return table.rename_axis("bin")


def _first_seen(log: Any) -> Int[np.ndarray, " users"]:
    """The first bin in which each user of a log occurs, on whichever side of a message."""
    first = np.full(len(log.names), np.iinfo(np.int64).max)
    np.minimum.at(first, log.row_source, log.row_bin)
    named = log.row_target >= 0
    np.minimum.at(first, log.row_target[named], log.row_bin[named])
    return first
