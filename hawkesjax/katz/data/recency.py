"""Baselines with a memory: posts weighted by their age, with a half-life given or learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

# Of the bins before the moment, a fold holds one in PARTS, and the last FOLDS are predicted,
# each from what came before it: half of the past at most is learned from alone.
PARTS, FOLDS = 20, 10
FEWEST = 4  # watched bins below which nothing is learned


@dataclass(frozen=True)
class Recency:
    """How an activity's baseline weighs posts by age.

    Args:
        half_life: watched bins after which a post weighs half.
        until: posts count in bins before this one, less `lead`.
        lead: bins before `until` that are left out.
        tried: where the half-life was learned, each half-life with its score: the discounted
            posts of its rankings as a part of the most possible; () where it was given.
    """

    half_life: float
    until: int
    lead: int = 0
    tried: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        learned = " (learned)" if self.tried else ""
        return (
            f"posts weighted by age, half-life {self.half_life:g} bins{learned}, in bins before "
            f"{self.until - self.lead:,}"
        )


def recency_of(activity: Any, half_life: Any, until: Any, lead: int) -> Recency:
    """The weighing that `Activity.recent` was asked for, learned where it is to be, checked."""
    if not activity.num_bins:
        raise ValueError(
            "This network was given without times, so its posts have no age. Read a log of "
            "messages, or give baselines that are weighted already."
        )
    spike = activity.spike
    if until is None:
        if spike is None and activity.network is None:
            raise ValueError(
                "Before which bin do posts count? This activity has neither a spike nor a window "
                "of business as usual. Give until=."
            )
        until = activity.network[1] if spike is None else spike[0]
    if until > activity.num_bins:
        raise ValueError(f"until is {until:,}, but the log has {activity.num_bins:,} bins.")
    end = until - lead
    if spike is not None and spike[0] < end:
        raise ValueError(
            f"Posts up to bin {end:,} reach into the spike (bins {spike[0]:,} to {spike[1]:,}): "
            f"the ranking would know what it is scored on. Take until={spike[0]} or less."
        )
    if end < 1 or not activity.active_bin.size or activity.active_bin[0] >= end:
        raise ValueError(
            f"No user of the network posts before bin {max(end, 0):,} (until is {until:,}, lead "
            f"{lead:,}): there is nothing to weigh by age."
        )
    if half_life != "learned":
        return Recency(half_life, until, lead)
    tried = _tried(activity, end, lead)
    best = max(tried, key=lambda pair: (pair[1], pair[0]))  # of equals the longest: more posts
    return Recency(best[0], until, lead, tried)


def decayed(activity: Any, recency: Recency) -> Float[np.ndarray, " users"]:
    """Each user's posts before the moment, weighted by age."""
    end = recency.until - recency.lead
    age, user, posts = _aged(activity, end)
    weight = posts * np.exp2(-age / recency.half_life)
    return np.bincount(user, weights=weight, minlength=activity.num_users)


def _aged(activity: Any, end: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Age in watched bins, user and posts of each pair before a bin, the oldest first."""
    high = int(np.searchsorted(activity.active_bin, end))
    before = watched_before(activity, end)
    age = before[end] - before[activity.active_bin[:high] + 1]
    return age, activity.active_user[:high], activity.active_posts[:high]


def watched_before(activity: Any, end: int) -> Int[np.ndarray, " borders"]:
    """How many bins were watched from end to end before each of bins 0 to `end`."""
    watched = np.ones(end, bool)
    for first, last in activity.gaps:
        watched[first:last] = False
    return np.append(0, np.cumsum(watched))


def _tried(activity: Any, end: int, lead: int) -> tuple[tuple[float, float], ...]:
    r"""Half-lives 1, 2, 4, ... to the length of the past, each with the score of its rankings.

    The last `FOLDS` stretches of the past are each predicted from the bins that lie `lead` bins or
    more before them. A fold's score is :math:`\sum_i n_i / \log_2(1 + k_i)`, n the posts in it and
    k the ranks, ties sharing their places; it sees nothing from the moment on.
    """
    age, user, posts = _aged(activity, end)
    past = int(age[0]) + 1
    size = max(1, past // PARTS)
    folds = [fold for fold in range(min(FOLDS, past // 2), 0, -1) if fold * size + lead < past]
    if past < FEWEST or not folds:
        raise ValueError(
            f"{past:,} bins before bin {end:,}, with a lead of {lead:,}, are too few to learn a "
            f"half-life from. Give it in bins, half_life=."
        )

    def counted(low: int, high: float, moment: int, half_life: float) -> np.ndarray:
        """Posts of ages in [low, high), weighted by age at a moment that is itself so old."""
        first, last = np.searchsorted(-age, (-high, -low), side="right")
        weight = posts[first:last] * np.exp2((moment - age[first:last]) / half_life)
        return np.bincount(user[first:last], weights=weight, minlength=activity.num_users)

    targets = [counted((fold - 1) * size, fold * size, 0, np.inf) for fold in folds]
    sums = np.append(0, np.cumsum(1 / np.log2(np.arange(2, activity.num_users + 2))))
    most = sum(_discounted(target, target, sums) for target in targets)
    if not most:
        raise ValueError(
            f"No user of the network posts in the {folds[0] * size:,} bins before bin {end:,}: no "
            f"half-life can be learned. Give it in bins, half_life=."
        )
    tried = []
    for power in range(past.bit_length()):
        half_life, total = 2.0**power, 0.0
        old, b = np.inf, np.zeros(activity.num_users)
        for fold, target in zip(folds, targets, strict=True):
            moment = fold * size + lead
            b *= np.exp2(-(old - moment) / half_life)
            b += counted(moment, old, moment, half_life)
            total += _discounted(b, target, sums)
            old = moment
        tried.append((half_life, float(total / most)))
    return tuple(tried)


def _discounted(
    scores: Float[np.ndarray, " users"],
    posts: Float[np.ndarray, " users"],
    sums: Float[np.ndarray, " places"],
) -> float:
    """Posts discounted by rank, of users in the order of scores; ties share their places.

    `sums` of the discounts of the first 0, 1, ... places.
    """
    ranked, users = np.sort(scores[scores > 0]), np.flatnonzero(posts)
    asked, size = scores[users], len(ranked)
    above = size - np.searchsorted(ranked, asked, side="right")
    upto = size - np.searchsorted(ranked, asked, side="left")
    upto = np.where(asked > 0, upto, len(scores))  # those without any share the last places
    return float(((sums[upto] - sums[above]) / (upto - above)) @ posts[users])
