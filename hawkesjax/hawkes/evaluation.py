"""How good a forecast was: log score and coverage on a held-out stretch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import scipy
from scipy.special import gammaln, logsumexp

from hawkesjax.core.kept import Kept
from hawkesjax.core.record import recorded
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.drift import warn_of_drift
from hawkesjax.hawkes.forecast import MAX_EVENTS, continued
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.values import draws_of
from hawkesjax.inputs.arguments import Count, Key, Level, Positive, checked
from hawkesjax.inputs.moments import moment


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Kept):
    """A forecast compared with what happened.

    Args:
        log_score: log predictive density of the held-out events given those before, nats.
        events: number of held-out events.
        counts: one row per sequence and mark, and `all`: observed count, mean and interval of the
            forecast, whether the interval contains it.
        level: nominal level of the intervals.
        scores: the model and Poisson processes of constant rate: log score, log score per event,
            mean absolute error of the counts of single sequences, and the share of their intervals
            that contain them. A baseline whose log score is higher predicts better.
        record: of the run (`hawkesjax.core.record`).
    """

    log_score: float
    events: int
    counts: pd.DataFrame
    level: float
    scores: pd.DataFrame
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def cells(self) -> pd.DataFrame:
        """The rows of single sequences."""
        return self.counts.iloc[: -len(self.counts.index.unique("mark"))]

    @property
    def coverage(self) -> float:
        """Share of the single cells (sequence, mark) whose interval contains the observed count."""
        return float(self.cells["inside"].mean())

    def _shown(self) -> pd.DataFrame:
        return self.scores

    def __repr__(self) -> str:
        cells = len(self.cells)
        rows = self.counts.loc[["all"]].to_string(float_format=lambda x: f"{x:.4g}")
        table = self.scores.to_string(float_format=lambda x: f"{x:.4g}")
        return (
            f"Evaluation: log score {self.log_score:.2f} nats over {self.events} events, "
            f"{100 * self.level:g} % intervals contain {100 * self.coverage:.1f} % of "
            f"{cells} counts\n"
            f"{rows}\n{table}"
        )


@recorded
@checked
def evaluate(
    model: HawkesLaw,
    values: Any,
    data: EventPanel,
    *,
    cut: Any,
    key: Key,
    horizon: Positive | None = None,
    level: Level = 0.95,
    draws: Count = 400,
) -> Evaluation:
    r"""Score a fit on what came after it.

    `values` were fitted to `data.between(start, cut)`; the events from `cut` on are held out.
    The log score is :math:`\log \frac1K \sum_k \exp(\ell_k(\text{whole}) - \ell_k(\text{past}))`
    over the draws k: the predictive density of the held-out times and marks given the past, to
    compare models on the same stretch. Counts are forecast from the same draws. Poisson processes
    of constant rate (per unit of exposure), learned from the same past, serve for comparison.

    Args:
        model: the model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters.
        data: past and held-out events together.
        cut: where the past ends: a time in the panel's unit, or a datetime.
        key: PRNG key.
        horizon: how long the held-out stretch is; by default to the end of the first window
            that ends after the cut.
        level: of the intervals of counts.
        draws: draws of a posterior to use; also the number of continuations.

    Warns:
        DriftWarning: as `forecast`, of the part before the cut.

    Raises:
        ValueError: when a sequence's window does not reach from before the cut to the end of the
            horizon, or the level is not between 0 and 1.
    """
    panel = data
    at = moment(cut, panel, "cut")
    ends = panel.window[:, 1]
    until = float(np.min(ends[ends > at], initial=np.inf)) if horizon is None else at + horizon
    horizon = until - at
    outside = (np.asarray(panel.start) >= at) | (ends < until) | (horizon <= 0)
    if np.any(outside):
        names = [n for n, bad in zip(panel.sequence_names, outside, strict=True) if bad]
        raise ValueError(
            f"The windows of {len(names)} sequences ({', '.join(names[:5])}) do not reach from "
            f"before the cut to the end of the held-out stretch: select others, or move the cut."
        )
    begin = float(np.min(panel.start))
    past = panel.between(begin, at)
    whole = panel.between(begin, np.nextafter(until, np.inf))
    later = panel.between(at, np.nextafter(until, np.inf))

    warn_of_drift(model, values, past)
    found = draws_of(values, model, limit=draws, panel=panel)
    if model.gamma is not None:
        found.pop("gamma")
    count = max(len(value) for value in found.values())
    stacked = {
        name: np.broadcast_to(value, (count, *value.shape[1:])) for name, value in found.items()
    }
    scores = _log_likelihoods(model, stacked, whole) - _log_likelihoods(model, stacked, past)

    ahead = continued(model, values, past, horizon, key, draws, 1, MAX_EVENTS, later.gaps)
    tail = (1 - level) / 2
    simulated = np.concatenate([ahead.counts, ahead.counts.sum(axis=1, keepdims=True)], axis=1)
    low, high = np.quantile(simulated, (tail, 1 - tail), axis=0, method="inverted_cdf")
    observed = later.counts
    observed = np.concatenate([observed, observed.sum(axis=0, keepdims=True)])
    index = pd.MultiIndex.from_product(
        [[*panel.sequence_names, "all"], panel.mark_names], names=["sequence", "mark"]
    )
    counts = pd.DataFrame(
        {
            "observed": observed.ravel().astype(int),
            "mean": simulated.mean(axis=0).ravel(),
            "lower": low.ravel().astype(int),
            "upper": high.ravel().astype(int),
            "inside": ((observed >= low) & (observed <= high)).ravel(),
        },
        index=index,
    )
    score = float(logsumexp(scores) - np.log(len(scores)))
    named = {type(model).__name__: (score, counts)} | _baselines(past, later, index, level)
    return Evaluation(score, later.num_events, counts, level, _table(named, later))


def _baselines(
    past: EventPanel, later: EventPanel, index: pd.MultiIndex, level: float
) -> dict[str, tuple[float, pd.DataFrame]]:
    r"""Log scores and counts of Poisson processes, their rates (per unit of exposure) integrated
    out.

    With the prior :math:`1 / \sqrt\lambda`, n events in a time T give a gamma posterior of shape
    n + 1/2 and rate T; m events at given times in a further time S have the density
    :math:`T^{n + 1/2} \Gamma(n + m + 1/2) / [\Gamma(n + 1/2) (T + S)^{n + m + 1/2}]`.
    With an exposure T and S are its integrals, and the density is multiplied by its values at the
    events.
    """
    before, after = past.counts, later.counts
    time, ahead = np.asarray(past.exposed), np.asarray(later.exposed)
    at = later.exposure.at(np.asarray(later.times), np.asarray(later.sequence))
    with np.errstate(divide="ignore"):  # minus infinity for an event where the exposure is 0
        known_at = float(np.sum(np.log(at)))
    rates = {
        "Poisson, by sequence": (before, after, time[:, None], ahead[:, None]),
        "Poisson, shared": (before.sum(0), after.sum(0), time.sum(), ahead.sum()),
    }
    found = {}
    for name, (n, m, known, further) in rates.items():
        shape = n + 0.5
        with np.errstate(divide="ignore", invalid="ignore"):  # NaN without any observed past
            scores = shape * np.log(known) - (shape + m) * np.log(known + further)
        score = float(np.sum(scores + gammaln(shape + m) - gammaln(shape))) + known_at
        cells = np.broadcast_to(shape, before.shape), np.broadcast_to(known, before.shape)
        totals = (shape.sum(0), time.sum()) if shape.ndim == 2 else (shape, time.sum())
        parts = [_counts(*cells, ahead[:, None], after, level)]
        if shape.ndim == 2:  # the sum of independent sequences, by its first two moments
            mean = (shape * further / known).sum(0)
            variance = (shape * further / known * (1 + further / known)).sum(0)
            parts.append(_matched(mean, variance, after.sum(0), level))
        else:
            parts.append(_counts(*totals, ahead.sum(), after.sum(0), level))
        columns = {key: np.concatenate([part[key].ravel() for part in parts]) for key in parts[0]}
        found[name] = score, pd.DataFrame(columns, index=index)
    return found


def _counts(shape: Any, known: Any, further: Any, observed: np.ndarray, level: float) -> Any:
    """Negative binomial counts over a further time, given a gamma distribution of the rate."""
    ratio = further / known
    return _matched(shape * ratio, shape * ratio * (1 + ratio), observed, level)


def _matched(mean: Any, variance: Any, observed: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """A negative binomial with this mean and variance, compared with the observed counts."""
    mean, tail = np.broadcast_to(mean, observed.shape), (1 - level) / 2
    size = np.maximum(mean**2 / np.maximum(variance - mean, 1e-300), 1e-9)
    law = scipy.stats.nbinom(size, size / (size + np.maximum(mean, 1e-300)))
    low, high = law.ppf(tail), law.ppf(1 - tail)
    return {"observed": observed, "mean": mean, "inside": (observed >= low) & (observed <= high)}


def _table(named: dict[str, tuple[float, pd.DataFrame]], later: EventPanel) -> pd.DataFrame:
    """One row per forecaster; errors and coverage are those of single sequences."""
    rows = {}
    for name, (score, counts) in named.items():
        cells = counts.iloc[: later.num_sequences * later.num_marks]
        rows[name] = {
            "log_score": score,
            "per event": score / later.num_events if later.num_events else np.nan,
            "mae": float((cells["observed"] - cells["mean"]).abs().mean()),
            "coverage": float(cells["inside"].mean()),
        }
    return pd.DataFrame(rows).T.rename_axis("forecaster")


def _log_likelihoods(model: Any, draws: dict[str, np.ndarray], panel: EventPanel) -> np.ndarray:
    data = model.prepare(panel)
    compute = jax.jit(
        lambda draws, data: jax.lax.map(lambda one: model.log_likelihood(one, data), draws)
    )
    return np.asarray(compute(jax.tree.map(jnp.asarray, draws), data), np.float64)
