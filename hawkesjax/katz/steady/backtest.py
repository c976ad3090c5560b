"""Rankings on the loud stretches of the past, each seen only from before it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Count, Key, Level, Positive, Whole, checked
from hawkesjax.inputs.warned import warn
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.windows import Bins
from hawkesjax.katz.steady.evaluation import DRAWS, FEW_BLOCKS
from hawkesjax.katz.steady.rivals import DECAYED, USUAL, by_place
from hawkesjax.katz.steady.solve import KatzWarning, radius, solve, sweep_grid
from hawkesjax.katz.steady.ties import membership

PARTS = 20  # of the past, one of which a pseudo-spike lasts where no spike says how long


@dataclass(frozen=True, eq=False, repr=False)
class KatzBacktest(Kept):
    """Rankings scored on pseudo-spikes of the past.

    Args:
        table: one row per pseudo-spike (its first bin) and ranking: end (last bin + 1), posts (of
            users known before it), possible (most posts of any top r), activity (posts of the
            ranking's top r), share (activity / possible), half_life (of decayed posts, in bins).
        summary: one row per ranking, over all pseudo-spikes: activity, share (of what was
            possible), change against decayed posts, lower and upper (bootstrap over
            pseudo-spikes), won, lost (pseudo-spikes with more and fewer posts than decayed posts).
        top: r.
        level: of the interval.
        skipped: stretches left out, with the reason, by first bin.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    top: int
    level: float
    skipped: dict[int, str]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"table": self.table, "summary": self.summary}

    def __repr__(self) -> str:
        count = self.table.index.get_level_values(0).nunique()
        lines = [f"KatzBacktest: top {self.top} over {count} pseudo-spikes of the past"]
        ranking: Any
        row: Any
        for ranking, row in self.summary.iterrows():
            against = ""
            if ranking != DECAYED:
                against = f", {row['change']:+,.1f} against {DECAYED}"
                if row["lower"] < np.inf:
                    ends = f"{row['lower']:+,.0f} to {row['upper']:+,.0f}"
                    against += f" ({100 * self.level:g} %: {ends})"
                against += f", more in {row['won']:g} and fewer in {row['lost']:g}"
            share = f"{100 * row['share']:.0f} % of the most possible"
            lines.append(f"  {ranking}: {row['activity']:,.1f} posts, {share}{against}")
        if self.skipped:
            lines.append(f"  left out: {len(self.skipped)} stretches (see skipped)")
        lines += [
            "  It tells how these rankings did in loud stretches of the past, each seen only from",
            "  before it. It cannot tell whether the network will help in a spike to come, which",
            "  may be larger, about something else, and made by users whom nobody has seen.",
        ]
        return "\n".join(lines)


@checked
def backtest(
    activity: Activity,
    *,
    key: Key,
    half_life: Positive | Literal["learned"] = "learned",
    alpha_star: Sequence[float] | np.ndarray = (0.1, 0.4),
    top: Count = 100,
    folds: Count = 10,
    length: Count | None = None,
    lead: Whole = 0,
    until: Count | None = None,
    form: str = "additive",
    level: Level = 0.95,
    draws: Count = DRAWS,
) -> KatzBacktest:
    """The rankings of `evaluate` on rolling pseudo-spikes, all before the spike itself.

    The later half of the past (from the first bin of business as usual to `until`) is cut into
    `folds` stretches. In each, the pseudo-spike begins with the loudest bin that leaves it room.
    Users, edges, baselines and half-life are found anew from what lies `lead` bins or more before
    it; rankings are by posts as usual (all before it), decayed posts, both with the network at
    each alpha*, in-degree, out-degree and PageRank. Ties at the cut count in expectation.

    It tells how the rankings did in loud stretches of the past. It cannot tell whether the network
    will help in the next spike: that may be larger, about something else, and made by others.

    Args:
        activity: from a log.
        key: PRNG key, for the bootstrap.
        half_life: of decayed posts, in bins, or `"learned"` anew before each pseudo-spike.
        alpha_star: strengths of the network, chosen beforehand.
        top: r.
        folds: pseudo-spikes, at most: fewer where the past is short.
        length: bins of each; by default those of the spike, or a twentieth of the past.
        lead: bins before each that are left out.
        until: bin at which the past ends; by default the spike's first, or the end of business as
            usual.
        form: as in `solve`.
        level: of the interval.
        draws: bootstrap samples.

    Raises:
        ValueError: for a network without times, a past too short or too quiet, `until` within the
            spike, or arguments out of range.

    Warns:
        KatzWarning: when there are few pseudo-spikes.
    """
    low, end = _past(activity, until)
    spike = activity.spike
    if length is None:
        length = spike[1] - spike[0] if spike is not None else max(1, (end - low) // PARTS)
    stretches = _stretches(low, end, folds, length)
    tables, skipped = {}, {}
    for stretch in stretches:
        window = _loudest(activity, stretch, length)
        if window is None:
            skipped[stretch[0]] = "No room for a pseudo-spike without a gap of the record."
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each window's network, which is scored as it is
            try:
                one = activity.slide(bins=(low, max(window[0] - lead, 0)))
                one = replace(one, spike=window)
                recent = one.recent(half_life, lead=lead)
            except ValueError as error:
                skipped[stretch[0]] = str(error)
                continue
            if not one.posts(window).any():
                skipped[stretch[0]] = "No user known before the pseudo-spike posts in it."
                continue
            tables[window[0]] = _scored(one, recent, alpha_star, top, form)
    if not tables:
        reason = next(iter(skipped.values())).rstrip(".")
        raise ValueError(
            f"None of {len(stretches)} stretches of the past can be scored; the first: {reason}."
        )
    if len(tables) < FEW_BLOCKS:
        warn(
            f"There are {len(tables)} pseudo-spikes: intervals of the change rest on no more than "
            f"these (none is given for one). Take a smaller length=, or more folds=.",
            KatzWarning,
        )
    table = pd.concat(tables, names=["bin", "ranking"])
    seed = np.asarray(jax.random.key_data(key))
    summary = _summary(table, np.random.default_rng(seed), level, draws)
    return KatzBacktest(table, summary, top, level, skipped)


def _past(activity: Activity, until: int | None) -> Bins:
    """The bins of the past: all before the spike."""
    if activity.log is None or activity.network is None:
        raise ValueError(
            "This network was given without a log of messages: it has no past to test on."
        )
    spike = activity.spike
    if until is None:
        until = activity.network[1] if spike is None else spike[0]
    if until > activity.num_bins:
        raise ValueError(f"until is {until:,}, but the log has {activity.num_bins:,} bins.")
    if spike is not None and spike[0] < until:
        raise ValueError(
            f"until is {until:,}, within or after the spike (bins {spike[0]:,} to {spike[1]:,}): "
            f"what is tested on must lie before it. Take until={spike[0]} or less."
        )
    low = activity.network[0]
    if not low < until:
        raise ValueError(
            f"The past is empty: business as usual begins with bin {low:,}, and until is {until:,}."
        )
    return low, until


def _stretches(low: int, end: int, folds: int, length: int) -> list[Bins]:
    """The later half of the past in equal stretches that a pseudo-spike fits into."""
    half = (end - low) // 2
    count = min(folds, half // length)
    if not count:
        raise ValueError(
            f"The later half of the past has {half:,} bins, fewer than the {length:,} of a "
            f"pseudo-spike. Take a smaller length=."
        )
    size = half // count
    return [(end - place * size, end - (place - 1) * size) for place in range(count, 0, -1)]


def _loudest(activity: Activity, stretch: Bins, length: int) -> Bins | None:
    """The bins from the stretch's loudest on, of the places without a gap of the record."""
    low, high = stretch
    watched = np.ones(high - low, bool)
    for first, last in activity.gaps:
        watched[max(first - low, 0) : max(last - low, 0)] = False
    whole = np.convolve(watched, np.ones(length), "valid") == length
    if not whole.any():
        return None
    volume = np.where(whole, activity.volume[low : high - length + 1], -1)
    begin = low + int(volume.argmax())
    return begin, begin + length


def _scored(one: Activity, recent: Activity, alpha_star: Any, top: int, form: str) -> pd.DataFrame:
    """Every ranking on one pseudo-spike, by baselines that count and that weigh by age."""
    assert one.spike is not None and recent.recency is not None
    posts = one.posts(one.spike).astype(np.float64)
    scores = {USUAL: np.asarray(one.baseline), DECAYED: np.asarray(recent.baseline)}
    for name, activity in ((USUAL, one), (DECAYED, recent)):
        if radius(activity, form=form).acyclic:
            continue  # alpha* has no meaning
        _, stars, alphas = sweep_grid(activity, alpha_star, None, form)
        solved = solve(activity, alpha=alphas, form=form, backend="scipy")
        scores |= {f"{name} + network {s:g}": row for s, row in zip(stars, solved, strict=True)}
    scores |= by_place(one)
    possible = float(membership(posts, top) @ posts)
    active = {name: float(membership(row, top) @ posts) for name, row in scores.items()}
    return pd.DataFrame(
        {
            "end": one.spike[1],
            "posts": posts.sum(),
            "possible": possible,
            "activity": active,
            "share": {name: each / possible for name, each in active.items()},
            "half_life": recent.recency.half_life,
        },
        index=pd.Index(scores),
    )


def _summary(
    table: pd.DataFrame, rng: np.random.Generator, level: float, draws: int
) -> pd.DataFrame:
    """Sums over pseudo-spikes, and paired intervals of the changes against decayed posts."""
    active: Any = table["activity"].unstack("ranking")
    active = active[table.index.get_level_values("ranking").unique()]
    possible: Any = table["possible"].unstack("ranking")
    change = active.sub(active[DECAYED], axis=0)
    rows = {}
    for name in active.columns:
        known = change[name].dropna()  # a ranking may be missing where a network has no cycle
        count = len(known)
        ends = (np.nan, np.nan)
        if count > 1:
            drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
            ends = np.quantile(drawn @ known.to_numpy(), (0.5 - level / 2, 0.5 + level / 2))
        rows[name] = {
            "activity": active[name].sum(),
            "share": active[name].sum() / possible[name].sum(),
            "change": known.sum(),
            "lower": ends[0],
            "upper": ends[1],
            "won": int((known > 0).sum()),
            "lost": int((known < 0).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ranking")
