"""What rankings are worth on a spike: their posts, and paired intervals of the differences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import sparse

from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.windows import Bins
from hawkesjax.katz.steady.ties import gains_in_order, membership


@dataclass(frozen=True, eq=False)
class Scorer:
    """A spike's posts, by user and block of bins, and how often a bootstrap draws each block.

    Args:
        posts: (N,) in the spike.
        by_block: posts of each user in each block.
        resampled: how often each draw takes each block; the same draws for all rankings.
        top: r.
        level: of intervals.
    """

    posts: Float[np.ndarray, " users"]
    by_block: sparse.csr_array
    resampled: Float[np.ndarray, "draws blocks"]
    top: int
    level: float

    @cached_property
    def best(self) -> Float[np.ndarray, " users"]:
        """Who is in the spike's true top r."""
        return membership(self.posts, self.top)

    @cached_property
    def ideal(self) -> float:
        """The discounted posts of the true order."""
        return _discounted(-np.sort(-self.posts)[: self.top])

    def chosen(self, scores: Float[np.ndarray, " users"]) -> Float[np.ndarray, " users"]:
        """Who is in the top r of scores; in part where they tie."""
        return membership(scores, self.top)

    def change(
        self, chosen: Float[np.ndarray, " users"], base: Float[np.ndarray, " users"]
    ) -> tuple[float, float, float]:
        """Posts of one top less those of another, and the interval of the difference."""
        difference: Any = chosen - base
        blocks: Any = self.by_block @ difference
        ends = (np.nan, np.nan)
        if len(blocks) > 1:
            ends = np.quantile(
                self.resampled @ blocks, (0.5 - self.level / 2, 0.5 + self.level / 2)
            )
        return float(difference @ self.posts), float(ends[0]), float(ends[1])

    def line(
        self, scores: Float[np.ndarray, " users"], base: Float[np.ndarray, " users"]
    ) -> dict[str, Any]:
        """A row of a table: a ranking against the top of another."""
        chosen = self.chosen(scores)
        change, lower, upper = self.change(chosen, base)
        return {
            "activity": chosen @ self.posts,
            "change": change,
            "lower": lower,
            "upper": upper,
            "precision": chosen @ self.best / min(self.top, len(self.posts)),
            "ndcg": _discounted(gains_in_order(scores, self.posts, self.top)) / self.ideal,
            "tied": int(((chosen > 0) & (chosen < 1)).sum()),
        }


def scorer(
    activity: Activity,
    window: Bins,
    rng: np.random.Generator,
    *,
    top: int,
    level: float,
    draws: int,
    block: int,
) -> Scorer:
    """The scorer of a spike, whose blocks are `block` bins each."""
    by_block: Any = _posts_by_block(activity, window, block)
    blocks = by_block.shape[0]
    # how often each block is drawn
    resampled = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws)
    posts = activity.posts(window).astype(np.float64)
    return Scorer(posts, by_block, resampled.astype(np.float64), top, level)


def _posts_by_block(activity: Activity, window: Bins, block: int) -> sparse.csr_array:
    """Posts of each user in each block of bins, as a sparse matrix."""
    part = slice(*np.searchsorted(activity.active_bin, window))
    rows = (activity.active_bin[part] - window[0]) // block
    count = -(-(window[1] - window[0]) // block)
    data = (activity.active_posts[part].astype(np.float64), (rows, activity.active_user[part]))
    return sparse.csr_array(data, shape=(count, activity.num_users))


def _discounted(gains: np.ndarray) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())
