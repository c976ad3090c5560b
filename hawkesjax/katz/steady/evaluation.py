"""Does the network help to say who will be active in a spike? The paper's protocol, with more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Count, Key, Level, Whole, checked
from hawkesjax.inputs.warned import warn
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.windows import Bins
from hawkesjax.katz.rules import form_of
from hawkesjax.katz.steady.blockwise import checked_sweep
from hawkesjax.katz.steady.krylov import Effort, sweep_room
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.steady.rivals import DECAYED, rivals
from hawkesjax.katz.steady.scoring import Scorer, scorer
from hawkesjax.katz.steady.solve import (
    KatzWarning,
    matrix_of,
    radius,
    solve,
    sweep_grid,
    warn_left,
)
from hawkesjax.katz.steady.ties import membership, walk_order

BLOCK = 5  # bins that are resampled together: neighbours are alike
FEW_BLOCKS = 8  # of which intervals are too narrow to go without a warning
BEST = "most possible"
DRAWS = 2000  # of the bootstrap: ends of 95 % intervals then have standard errors of 0.06 of the sd


@dataclass(frozen=True, eq=False, repr=False)
class KatzEvaluation(Kept):
    """A sweep of alpha*, and rankings that need no model, scored on a spike.

    Args:
        table: one row per alpha*, 0 first: activity (posts of the top r in the spike), change
            against alpha = 0, lower and upper (block bootstrap), precision (part of the top r in
            the spike's true top r), ndcg, tied (users who share the places at the cut), placebo
            and placebo_sd (mean and sd of the change when the network's labels are permuted).
        comparison: one row per ranking that needs no model, the columns as in `table`, and
            network, network_lower and network_upper: posts of the network's ranking at `compared`
            less those of this one, with the interval of the difference (the same draws of blocks).
            Rankings: posts as usual (in the window of business as usual), decayed posts (weighted
            by age, up to the spike), in-degree (how many hear a user), out-degree (how many a user
            hears), PageRank (by attention, damping 0.85), followers (where given), most possible.
        compared: the alpha* of the network's ranking in `comparison`: the best of the sweep but 0.
        notes: by ranking, how it was made, or why it is left out.
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
    comparison: pd.DataFrame
    compared: float
    top: int
    oracle: float
    limit: float
    posts: int
    unseen_share: float
    radius: float
    level: float
    spike: Bins
    redrawn: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"table": self.table, "comparison": self.comparison}

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
            lines.append(f"  no {name} of the sweep ranks better than 0")
            return "\n".join([*lines, *self._compared(name)])
        interval = self._interval(row["lower"], row["upper"])
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
        lines += self._compared(name)
        lines.append("  The best was chosen on the spike that it is scored on, which flatters it.")
        return "\n".join(lines)

    def _interval(self, lower: float, upper: float) -> str:
        if not lower < np.inf:
            return ""
        return f" ({100 * self.level:g} %: {lower:+,.0f} to {upper:+,.0f})"

    def _compared(self, name: str) -> list[str]:
        """Lines on the rankings that need no model."""
        at = f"the network at {name} = {self.compared:g}"
        lines = [f"  without a model, and {at} against it:"]
        ranking: Any
        row: Any
        for ranking, row in self.comparison.drop(index=BEST).iterrows():
            note = f" [{self.notes[ranking]}]" if ranking in self.notes else ""
            lines.append(
                f"    {ranking}: {row['activity']:,.1f} posts, network {row['network']:+,.1f}"
                f"{self._interval(row['network_lower'], row['network_upper'])}{note}"
            )
        missing = [one for one in self.notes if one not in self.comparison.index]
        lines += [f"    {one}: {self.notes[one]}" for one in missing]
        beaten: Any = self.comparison["network_upper"].drop(index=BEST).lt(0)
        ahead = [str(one) for one, so in beaten.items() if so]
        if len(ahead):
            lines.append(f"  Better without this network here: by {' and '.join(ahead)}.")
        if DECAYED in ahead and self.comparison.loc[DECAYED, "change"]:
            lines.append("  Weigh posts by age first, and then ask what the network adds.")
        return lines


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
    followers: Any = None,
) -> KatzEvaluation:
    """The change in the spike's activity of the top r against alpha = 0, over a sweep.

    Users are ranked by the steady state of the network of business as usual; activity counts
    their posts in the spike. Ties at the cut count in expectation. Intervals resample blocks of
    the spike's bins, with the rankings as they are; those of differences are paired, from the same
    blocks. Beside the sweep stand rankings that need no model: posts in business as usual, posts
    weighted by age up to the spike (as `activity.recent` has it, else with a half-life learned on
    the bins before the spike), degrees, PageRank and followers. The placebo permutes the users of
    the network but not their baselines: what remains of the change then is due to the shape of the
    network alone.

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
        followers: numbers by user (a Series or mapping; users of the network without one come
            last), or (N,); None where they are not known.

    Raises:
        ValueError: without a spike or posts of the network's users in it, or for arguments out of
            range.

    Warns:
        KatzWarning: when the spike has few blocks.

    Source: Higham, Grindrod, Mantzaris, Otley and Laflin, section 4; intervals, precision, NDCG,
    oracle, placebo and comparison are ours. Choose alpha* on one spike and score it on another.
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
    blocks = -(-(window[1] - window[0]) // block)
    if blocks < FEW_BLOCKS:
        warn(
            f"The spike has {blocks} blocks of {block} bins: intervals of the change "
            f"rest on no more than these (none is given for one). Take a smaller block= or "
            f"shorter bins.",
            KatzWarning,
        )
    keys = np.asarray(jax.random.key_data(jax.random.split(key)))
    rng = np.random.default_rng(keys[0])
    scored = scorer(activity, window, rng, top=top, level=level, draws=draws, block=block)
    simple, notes = rivals(activity, followers)

    scores = solve(activity, alpha=alphas, form=form, backend="scipy")
    base = scored.chosen(scores[0])
    table = pd.DataFrame(
        [scored.line(row, base) for row in scores], index=pd.Index(rows, name=name)
    )
    # 0 is no network, unless there is nothing else
    best = int(table["change"].to_numpy()[1:].argmax()) + 1 if len(rows) > 1 else 0
    comparison = _comparison(scored, simple | {BEST: posts}, scores[best], base)
    redrawn = 0
    if placebos:
        null, redrawn = _placebos(activity, rows, alphas, name, form, top, posts, placebos, keys[1])
        table["placebo"], table["placebo_sd"] = null.mean(0), null.std(0)
    order = walk_order(matrix_of(activity, form), activity.baseline)[:top]
    return KatzEvaluation(
        table=table,
        comparison=comparison,
        compared=float(rows[best]),
        top=top,
        oracle=float(scored.best @ posts),
        limit=float(posts[order].sum()),
        posts=int(activity.volume[slice(*window)].sum()),
        unseen_share=activity.unseen_share(window),
        radius=radius(activity, form=form).value,
        level=level,
        spike=window,
        redrawn=redrawn,
        notes=notes,
    )


def _comparison(
    scored: Scorer,
    simple: dict[str, Float[np.ndarray, " users"]],
    network: Float[np.ndarray, " users"],
    base: Float[np.ndarray, " users"],
) -> pd.DataFrame:
    """The table of the rankings that need no model, against alpha = 0 and the network."""
    chosen, lines = scored.chosen(network), []
    for scores in simple.values():
        ours = scored.change(chosen, scored.chosen(scores))
        names = ("network", "network_lower", "network_upper")
        lines.append(scored.line(scores, base) | dict(zip(names, ours, strict=True)))
    return pd.DataFrame(lines, index=pd.Index(simple, name="ranking"))


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
