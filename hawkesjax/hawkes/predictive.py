"""Posterior predictive checks: would data like these come from the fitted model?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import numpy as np
import pandas as pd
import scipy
from jaxtyping import Float

from hawkesjax.core.kept import Kept
from hawkesjax.core.record import recorded
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.simulate import simulate_like, simulate_together
from hawkesjax.hawkes.values import draws_of, one_of
from hawkesjax.inputs.arguments import Count, Key, Positive, checked
from hawkesjax.inputs.checks import kind_of_value

LEVELS = (0.025, 0.5, 0.975)
BINS = 50  # number of bins in the longest window


@dataclass(frozen=True, eq=False, repr=False)
class PredictiveCheck(Kept):
    """Statistics of a panel and of panels simulated from the fit.

    Args:
        observed: (S,) statistics of the panel; NaN where one is not defined.
        replicated: (draws, S) of the simulated panels.
        index: sequence (`all` for all together), mark, and name of each statistic.
        unit: unit of the gaps.
        record: of the run (`hawkesjax.core.record`).
    """

    drawn_by: ClassVar[str] = "plots.predictive"

    observed: Float[np.ndarray, " statistics"]
    replicated: Float[np.ndarray, "draws statistics"]
    index: pd.MultiIndex
    unit: str
    record: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> pd.DataFrame:
        """One row per statistic: observed, its predictive quantiles, p, and a sentence.

        `p` is the share of replicates above the observed value (ties count half): near 0 the
        model makes the statistic too small, near 1 too large. Replicates in which the statistic is
        not defined (fewer than two gaps, say) are left out; `undefined` is their share.
        """
        rows = []
        for seen, drawn in zip(self.observed, self.replicated.T, strict=True):
            known = drawn[~np.isnan(drawn)]
            row: dict[str, Any] = {"observed": seen}
            quantiles = np.quantile(known, LEVELS) if known.size else [np.nan] * 3
            row |= dict(zip(("2.5%", "50%", "97.5%"), quantiles, strict=True))
            p = np.nan
            if known.size and not np.isnan(seen):
                p = float(np.mean(known > seen) + 0.5 * np.mean(known == seen))
            row |= {"p": p, "undefined": 1 - known.size / len(drawn), "in words": _words(p)}
            rows.append(row)
        return pd.DataFrame(rows, index=self.index)

    def _shown(self) -> pd.DataFrame:
        return self.summary().loc["all"]

    def __repr__(self) -> str:
        rows = self.summary().loc["all"].to_string(float_format=lambda x: f"{x:.4g}")
        return f"Posterior predictive check, {len(self.replicated)} replicates\n{rows}"


@recorded
@checked
def predictive_check(
    model: HawkesLaw,
    values: Any,
    data: EventPanel,
    *,
    key: Key,
    draws: Count = 200,
    width: Positive | None = None,
    statistics: Mapping[str, Callable[[EventPanel], float]] | None = None,
    max_events: Count = 1_000_000,
) -> PredictiveCheck:
    """Simulate panels from whole draws, in the same windows, and compare their statistics.
    For each mark, over all sequences: the number of events, the mean, the coefficient of
    variation (1 for a Poisson process, above 1 for bursts) and the 10, 50 and 90 % quantiles of the
    times
    between its successive events, the largest count in a bin, and the rank correlation of
    successive gaps (above 0: short gaps follow short gaps). For each mark and sequence: the
    number of events.

    The model was fitted to the same panel, so it is expected to reproduce what it was fitted to
    (counts), and the p-values are more concentrated around 0.5 than uniform ones: a small or large
    one is evidence against the model. What the model does not contain (a weekly rhythm, say) shows
    in statistics of your own.

    Args:
        model: the model.
        values: a `Posterior` (its uncertainty is in the intervals), an `Estimate`, or a dict of
            natural parameters.
        data: the events that were fitted.
        key: PRNG key.
        draws: replicates; a posterior's draws are thinned or repeated to this number.
        width: width of the bins, in the panel's unit; a fiftieth of the longest window by default.
        statistics: further statistics by name, each a function of a panel.
        max_events: cap on the events of one replicate.

    Raises:
        ValueError: for fewer than one draw, a width that is not positive, or a replicate beyond
            the cap.

    Source: Gelman, Meng and Stern (1996), Statistica Sinica 6, 733-760.
    """
    panel = data
    longest = float(np.max(panel.duration, initial=0.0))
    if width is None:
        width = longest / BINS if longest > 0 else 1.0
    if not (statistics is None or isinstance(statistics, Mapping)):
        raise ValueError(
            f"statistics is {kind_of_value(statistics)}; it must be a dict of functions of a panel."
        )
    extra = dict(statistics or {})
    parameters = draws_of(values, model, limit=draws, panel=panel)
    ones = [one_of(parameters, number) for number in range(draws)]
    panels: Iterable[EventPanel] = (
        simulate_like(model, params, panel, key=one, max_events=max_events)
        for params, one in zip(ones, jax.random.split(key, draws), strict=True)
    )
    if model.link != "identity":
        panels = simulate_together(model, ones, panel, key=key, max_events=max_events)
    replicated = [_statistics(fresh, width, extra) for fresh in panels]
    observed, index = _statistics(panel, width, extra), _index(_names(panel, width, extra))
    return PredictiveCheck(observed, np.stack(replicated), index, panel.unit)


def replicated(
    model: HawkesLaw, data: EventPanel, params: Any = None, key: Any = None, max_events: int = 0
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Counts by sequence and mark, of the data or of data simulated in their windows: for ArviZ's
    predictive groups."""
    if params is not None:
        one = one_of(draws_of(params, model, limit=1, panel=data), 0)
        if model.link == "identity":
            data = simulate_like(model, one, data, key=key, max_events=max_events)
        else:
            data = next(iter(simulate_together(model, [one], data, key=key, max_events=max_events)))
    return {"counts": (("sequence", "mark"), np.asarray(data.counts))}


def _names(panel: EventPanel, width: float, extra: Mapping[str, Any]) -> list[tuple[str, ...]]:
    bins = f"most events in {width:.3g}" + (f" {panel.unit}s" if panel.unit else "")
    of_mark = (
        "events",
        "mean gap",
        "CV of gaps",
        "10% of gaps",
        "50% of gaps",
        "90% of gaps",
        bins,
        "rank correlation of successive gaps",
    )
    return [
        *(("all", mark, name) for mark in panel.mark_names for name in of_mark),
        *(("all", "all", name) for name in extra),
        *((one, mark, "events") for one in panel.sequence_names for mark in panel.mark_names),
    ]


def _index(names: list[tuple[str, ...]]) -> pd.MultiIndex:
    """Sorted by first occurrence of each name, so that parts are found fast."""
    columns = list(zip(*names, strict=True))
    levels = [list(dict.fromkeys(column)) for column in columns]
    codes = [list(map(level.index, column)) for level, column in zip(levels, columns, strict=True)]
    return pd.MultiIndex(levels, codes, names=["sequence", "mark", "statistic"])


def _statistics(panel: EventPanel, width: float, extra: Mapping[str, Any]) -> np.ndarray:
    """All statistics of one panel, in the order of `_names`."""
    times, marks = np.asarray(panel.times), np.asarray(panel.marks)
    owner = np.asarray(panel.sequence)
    out: list[float] = []
    for mark in range(panel.num_marks):
        own = marks == mark
        out += _of_mark(times[own], owner[own], width)
    out += [float(function(panel)) for function in extra.values()]
    return np.concatenate([out, np.asarray(panel.counts, float).ravel()])


def _of_mark(times: np.ndarray, owner: np.ndarray, width: float) -> list[float]:
    same = np.diff(owner) == 0
    gaps = np.diff(times)[same]
    spread = [np.nan] * 5
    if gaps.size:
        mean = float(gaps.mean())
        varied = float(gaps.std() / mean) if gaps.size > 1 and mean > 0 else np.nan
        spread = [mean, varied, *map(float, np.quantile(gaps, (0.1, 0.5, 0.9)))]
    bins = np.stack([owner, times // width])
    most = np.unique(bins, axis=1, return_counts=True)[1].max(initial=0)
    linked = same[1:] & same[:-1]
    pairs = np.diff(times)[:-1][linked], np.diff(times)[1:][linked]
    return [float(len(times)), *spread, float(most), _rank_correlation(*pairs)]


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(scipy.stats.spearmanr(first, second)[0])


def _words(p: float) -> str:
    if np.isnan(p):
        return "not defined"
    if LEVELS[0] <= p <= LEVELS[2]:
        return "as the model expects"
    return f"{'higher' if p < 0.5 else 'lower'} than the model expects"
