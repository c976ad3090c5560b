"""Cascades up to an age: their sizes, and whether they were observed for so long."""

from __future__ import annotations

import numpy as np

from hawkesjax.inputs.checks import counted, listed
from hawkesjax.retweet.data.cascades import Cascades


def sizes_at(cascades: Cascades, age: float) -> np.ndarray:
    """Reposts of each cascade before an age since its post."""
    return np.bincount(before(cascades, age)[0], minlength=cascades.num_posts)


def before(cascades: Cascades, age: float) -> list[np.ndarray]:
    """Post, age and followers of the reposts before an age."""
    early = np.asarray(cascades.ages) < age
    return [np.asarray(part)[early] for part in (cascades.post, cascades.ages, cascades.followers)]


def spans_of(cascades: Cascades) -> np.ndarray:
    """For how long after its post each cascade was observed."""
    return np.asarray(cascades.until) - np.asarray(cascades.post_times)


def check_observed(cascades: Cascades, age: float, option: str) -> None:
    """Refuse cascades that were not observed, without a gap of the record, up to an age; `option`
    is where it was given."""
    short = spans_of(cascades) < age * (1 - 1e-9)
    if short.any():
        names = [cascades.names[row] for row in np.flatnonzero(short)]
        raise ValueError(
            f"{counted(len(names), 'cascade')} ({listed(names, 5)}) were observed for less than "
            f"{age:g}. Select the others (Cascades.select), or pass a smaller {option}."
        )
    begin = np.asarray(cascades.post_times)
    lost = cascades.gaps.meets(begin, begin + age)
    if lost.any():
        names = [cascades.names[row] for row in np.flatnonzero(lost)]
        raise ValueError(
            f"{counted(len(names), 'cascade')} ({listed(names, 5)}) have a gap of the record "
            f"before age {age:g}. Select the others (Cascades.select), or pass a smaller {option}."
        )
