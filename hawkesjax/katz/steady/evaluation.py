"""Does the network help to say who will be active in a spike? The paper's protocol, with more."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from hawkesjax.inputs.arguments import Count, Key, Level, Whole, checked
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.windows import Bins
from hawkesjax.katz.rules import form_of
from hawkesjax.katz.steady.blockwise import checked_sweep
from hawkesjax.katz.steady.krylov import Effort, sweep_room
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.steady.solve import (
    KatzWarning,
    matrix_of,
    radius,
    solve,
    sweep_grid,
    warn_left,
)
from hawkesjax.katz.steady.ties import gains_in_order, membership, walk_order

BLOCK = 5  # bins that are resampled together: neighbours are alike
FEW_BLOCKS = 8  # of which intervals are too narrow to go without a warning
DRAWS = 2000  # of the bootstrap: ends of 95 % intervals then have standard errors of 0.06 of the sd


@dataclass(frozen=True, eq=False, repr=False)
class KatzEvaluation:
    """A sweep of alpha* scored on a spike.

    Args:
        table: one row per alpha*, 0 first: activity (posts of the top r in the spike), change
            against alpha = 0, lower and upper (block bootstrap), precision (part of the top r in
            the spike's true top r), ndcg, tied (users who share the places at the cut), placebo
            and placebo_sd (mean and sd of the change when the network's labels are permuted).
        top: r.
        oracle: posts of the spike's true top r among the users of the network: the most that any
            ranking of them reaches.
        limit: activity as alpha goes to 0 from above, where ties of b are broken by (A b, ...).
        posts: posts of the spike.
        unseen_share: part of them by users who are not in the network; no ranking can score them.
        radius: spectral radius; 0 for a network without cycles, whose table is by alpha.
        level: of the interval.
        spike: bins.
        redrawn: permuted networks without a cycle of users with posts, drawn anew (multiplicative
            form): the placebo speaks of the others.
    """

    drawn_by: ClassVar[str] = "plots.katz.change"

    table: pd.DataFrame
    top: int
    oracle: float
    limit: float
    posts: int
    unseen_share: float
    radius: float
    level: float
    spike: Bins
    redrawn: int = 0

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"table": self.table}

    def __repr__(self) -> str:
        name = str(self.table.index.name).replace("_star", "*")
        base, best = self.table["activity"].iloc[0], self.table["change"].idxmax()
        row = self.table.loc[best]
        lines = [
            f"KatzEvaluation: top {self.top} in a spike of {self.posts:,} posts, "
            f"{100 * self.unseen_share:.0f} % of them by users not in the network",
            f"  {name} = 0: {base:,.1f} posts; most possible {self.oracle:,.0f}",
        ]
        if self.redrawn:
            lines.append(f"  permuted networks without a cycle, drawn anew: {self.redrawn:,}")
        if not row["change"] > 0:
            return "\n".join([*lines, f"  no {name} of the sweep ranks better than 0"])
        interval = ""
        if row["lower"] < np.inf:
            interval = f" (95 %: {row['lower']:+,.0f} to {row['upper']:+,.0f})"
        lines.append(
            f"  best {name} = {best:g}: {row['change']:+,.1f} posts{interval}, precision "
            f"from {self.table['precision'].iloc[0]:.3f} to {row['precision']:.3f}, NDCG "
            f"from {self.table['ndcg'].iloc[0]:.3f} to {row['ndcg']:.3f}"
        )
        if "placebo" in self.table:
            lines.append(
                f"  placebo there: {row['placebo']:+,.1f} (standard deviation "
                f"{row['placebo_sd']:,.1f})"
            )
        lines.append("  The best was chosen on the spike that it is scored on, which flatters it.")
        return "\n".join(lines)


@checked
def evaluate(
    activity: Activity,
    *,
    key: Key,
    top: Count = 100,
    alpha_star: Sequence[float] | np.ndarray | None = None,
    alpha: Sequence[float] | np.ndarray | None = None,
    form: str = "additive",
    level: Level = 0.95,
    draws: Count = DRAWS,
    block: Count = BLOCK,
    placebos: Whole = 20,
) -> KatzEvaluation:
    """The change in the spike's activity of the top r against alpha = 0, over a sweep.

    Users are ranked by the steady state of the network of business as usual; activity counts
    their posts in the spike. Ties at the cut count in expectation. Intervals resample blocks of
    the spike's bins, with the rankings as they are. The placebo permutes the users of the network
    but not their baselines: what remains of the change then is due to the shape of the network
    alone.

    Args:
        activity: with a spike.
        key: PRNG key, for the bootstrap and the placebos.
        top: r.
        alpha_star: grid; 0, 0.05, ..., 0.95 by default. 0 is added where it is missing.
        alpha: grid of alpha itself, instead (a network without cycles needs it).
        form: as in `solve`.
        level: of the interval.
        draws: bootstrap samples.
        block: bins per block.
        placebos: permuted networks; 0 for none.

    Raises:
        ValueError: without a spike or posts of the network's users in it, or for arguments out of
            range.

    Warns:
        KatzWarning: when the spike has few blocks.

    Source: Higham, Grindrod, Mantzaris, Otley and Laflin, section 4; intervals, precision, NDCG,
    oracle and placebo are ours. Choose alpha* on one spike and score it on another.
    """
    name, rows, alphas = sweep_grid(activity, alpha_star, alpha, form, zero=True)
    window = activity.spike
    if window is None:
        raise ValueError(
            "The activity has no spike to score the ranking on. Give spike=(start, end), or "
            "spike='detect'."
        )
    posts = activity.posts(window).astype(np.float64)
    if not posts.any():
        raise ValueError(
            "No user of the network posts in the spike: there is nothing to score a ranking on."
        )
    by_block: Any = _posts_by_block(activity, window, block)
    blocks = by_block.shape[0]
    if blocks < FEW_BLOCKS:
        warnings.warn(
            f"The spike has {blocks} blocks of {block} bins: intervals of the change "
            f"rest on no more than these (none is given for one). Take a smaller block= or "
            f"shorter bins.",
            KatzWarning,
            stacklevel=3,
        )
    keys = np.asarray(jax.random.key_data(jax.random.split(key)))
    rng = np.random.default_rng(keys[0])  # how often each block is drawn
    resampled = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws).astype(np.float64)

    scores = solve(activity, alpha=alphas, form=form, backend="scipy")
    best = membership(posts, top)
    ideal = _discounted(-np.sort(-posts)[:top])
    base = membership(scores[0], top)
    lines = []
    for row in scores:
        chosen = membership(row, top)
        changes = resampled @ (by_block @ (chosen - base))
        low, high = np.quantile(changes, ((1 - level) / 2, (1 + level) / 2))
        lines.append(
            {
                "activity": chosen @ posts,
                "change": (chosen - base) @ posts,
                "lower": low if blocks > 1 else np.nan,
                "upper": high if blocks > 1 else np.nan,
                "precision": chosen @ best / min(top, len(posts)),
                "ndcg": _discounted(gains_in_order(row, posts, top)) / ideal,
                "tied": int(((chosen > 0) & (chosen < 1)).sum()),
            }
        )
    table = pd.DataFrame(lines, index=pd.Index(rows, name=name))
    redrawn = 0
    if placebos:
        null, redrawn = _placebos(activity, rows, alphas, name, form, top, posts, placebos, keys[1])
        table["placebo"], table["placebo_sd"] = null.mean(0), null.std(0)
    order = walk_order(matrix_of(activity, form), activity.baseline)[:top]
    return KatzEvaluation(
        table=table,
        top=top,
        oracle=float(best @ posts),
        limit=float(posts[order].sum()),
        posts=int(activity.volume[slice(*window)].sum()),
        unseen_share=activity.unseen_share(window),
        radius=radius(activity, form=form).value,
        level=level,
        spike=window,
        redrawn=redrawn,
    )


def _posts_by_block(activity: Activity, window: Bins, block: int) -> sparse.csr_array:
    """Posts of each user in each block of bins, as a sparse matrix."""
    part = slice(*np.searchsorted(activity.active_bin, window))
    rows = (activity.active_bin[part] - window[0]) // block
    count = -(-(window[1] - window[0]) // block)
    data = (activity.active_posts[part].astype(np.float64), (rows, activity.active_user[part]))
    return sparse.csr_array(data, shape=(count, activity.num_users))


def _discounted(gains: np.ndarray) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def _placebos(
    activity: Activity, rows, alphas, name, form, top, posts, count, seed
) -> tuple[Float[np.ndarray, "placebos alphas"], int]:
    """The change of activity under networks whose users are permuted, and how many were redrawn.

    In the multiplicative form a permuted network may hold no cycle of users with posts; then
    alpha* has no meaning, and another permutation is drawn.
    """
    rng = np.random.default_rng(seed)
    room = sweep_room(len(rows), activity.num_users)
    changes, tries = [], 0
    while len(changes) < count:
        tries += 1
        order = rng.permutation(activity.num_users)  # the user at each place of the network
        moved = replace(activity, baseline=activity.baseline[order])
        matrix = matrix_of(moved, form)
        attenuations = alphas
        if form_of(form).multiplies and name == "alpha_star":
            bounds = radius_bounds(matrix)
            if bounds.acyclic:  # alpha* has no meaning there: draw another
                if tries >= 20 * count:
                    raise ValueError(
                        f"Of {tries:,} permuted networks only {len(changes):,} hold a cycle of "
                        f"users with posts, so alpha_star has no meaning for the placebo. Give "
                        f"alpha=, or placebos=0."
                    )
                continue
            attenuations = rows / bounds.value
        scores = np.empty((len(rows), activity.num_users))
        swept = checked_sweep(matrix, moved.baseline, attenuations, Effort(1e-8, room=room))
        warn_left(swept.residuals, 1e-8)
        scores[:, order] = swept.scores
        active = np.array([membership(row, top) @ posts for row in scores])
        changes.append(active - active[0])
    return np.array(changes), tries - count
