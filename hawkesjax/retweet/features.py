"""What is seen of young cascades: numbers that tell how many reposts are to come."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hawkesjax.inputs.clock import SECONDS
from hawkesjax.retweet.ages import before
from hawkesjax.retweet.data.cascades import Cascades

RECENT = (2, 4, 8, 16)  # shares of the age, as 1 / share, over which speed is measured
LATE = 4  # of the age: whose followers count as those of the last reposters
# What may be unknown of all cascades, and the columns that it takes with it.
GROUPS = {
    "author's followers": ("author",),
    "reposters' followers": ("reached", "reached last", "reposter", "last reposter"),
    "time of day": ("cos", "sin"),
}


def features(cascades: Cascades, observed: float) -> pd.DataFrame:
    """Features of each cascade at an age; nothing later is used.

    All numbers of people are logs of one more. `size`: reposts so far. `speed 1/k`: how much
    faster they came in the last k-th of the age than on average. `reposts' age`: the mean, as a
    share of the age. Of followers: those of the author; the sum over reposters, and over those of
    the last quarter of the age; the mean log of a reposter's, and the log mean of the last ones'.
    `cos`, `sin`: time of day at the age.

    Args:
        cascades: observed up to `observed` at least.
        observed: age, in their unit.

    Returns:
        One row per cascade; NaN where it says nothing (means over no reposts), and in all rows
        where something is not known: followers where no author has more than one, or where all
        reposters have the same number; the time of day where posts have no calendar time, or
        where all levels of sentiment are 0.
    """
    post, ages, followers = before(cascades, observed)
    num = cascades.num_posts

    def total(rows: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        weights = None if values is None else values[rows]
        return np.bincount(post[rows], weights, num).astype(np.float64)

    every = np.ones(len(post), bool)
    seen = total(every)
    columns = {"size": np.log1p(seen)}
    for part in RECENT:
        recent = total(ages >= observed * (1 - 1 / part))
        columns[f"speed 1/{part}"] = np.log((recent + 0.5) * part / (seen + 0.5))
    columns["reposts' age"] = np.log(_mean(total(every, ages), seen) / observed + 0.01)
    late = ages >= observed * (1 - 1 / LATE)
    author = np.asarray(cascades.post_followers, np.float64)
    reached, last = total(every, followers), total(late, followers)
    columns |= {
        "author": np.log1p(author),
        "reached": np.log1p(reached),
        "reached last": np.log1p(last),
        "reposter": _mean(total(every, np.log1p(followers)), seen),
        "last reposter": np.log1p(_mean(last, total(late))),
    }
    day = 86400 / SECONDS.get(cascades.unit, np.nan)
    clock = float(cascades.start) + np.asarray(cascades.post_times, np.float64) + observed
    turn = 2 * np.pi * np.remainder(clock, day) / day
    columns |= {"cos": np.cos(turn), "sin": np.sin(turn)}
    known = np.max(author) > 1, len(followers) and np.ptp(followers) > 0, _has_clock(cascades)
    lost = [GROUPS[name] for name, told in zip(GROUPS, known, strict=True) if not told]
    columns |= dict.fromkeys(sum(lost, ()), np.full(num, np.nan))
    return pd.DataFrame(columns, index=pd.Index(cascades.names, name="post"))


def unknown(*tables: pd.DataFrame) -> tuple[str, ...]:
    """The `GROUPS` that some table does not know."""
    return tuple(
        name
        for name, columns in GROUPS.items()
        if any(table[list(columns)].isna().all(axis=None) for table in tables)
    )


def _has_clock(cascades: Cascades) -> bool:
    dated = cascades.origin is not None or float(cascades.start) != 0
    return (dated or not cascades.posts_at_once) and bool(
        np.any(np.asarray(cascades.sentiment) > 0)
    )


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Means; NaN over nothing."""
    return np.where(count > 0, total, np.nan) / np.maximum(count, 1)
