"""How good a forecast was: log score and coverage on a held-out stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.special import logsumexp

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.forecast import MAX_EVENTS, continued
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.values import draws_of
from hawkesjax.inputs.arguments import Count, Key, Level, Positive, checked
from hawkesjax.inputs.moments import moment


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A forecast beside what happened.

    Args:
        log_score: log predictive density of the held-out events given those before, nats.
        events: number of held-out events.
        counts: one row per sequence and mark, and `all`: observed count, mean and interval of the
            forecast, whether the interval holds it.
        level: nominal level of the intervals.
    """

    log_score: float
    events: int
    counts: pd.DataFrame
    level: float

    @property
    def cells(self) -> pd.DataFrame:
        """The rows of single sequences."""
        return self.counts.iloc[: -len(self.counts.index.unique("mark"))]

    @property
    def coverage(self) -> float:
        """Part of the single cells (sequence, mark) whose interval holds the observed count."""
        return float(self.cells["inside"].mean())

    def __repr__(self) -> str:
        cells = len(self.cells)
        rows = self.counts.loc[["all"]].to_string(float_format=lambda x: f"{x:.4g}")
        return (
            f"Evaluation: log score {self.log_score:.2f} nats over {self.events} events, "
            f"{100 * self.level:g} % intervals hold {100 * self.coverage:.1f} % of {cells} counts\n"
            f"{rows}"
        )


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

    `values` were found on `data.between(start, cut)`; the events from `cut` on are held out.
    The log score is :math:`\log \frac1K \sum_k \exp(\ell_k(\text{whole}) - \ell_k(\text{past}))`
    over the draws k: the predictive density of the held-out times and marks given the past, to
    compare models on the same stretch. Counts are forecast from the same draws.

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
            f"before the cut to the end of what is held out: select the others, or move the cut."
        )
    begin = float(np.min(panel.start))
    past = panel.between(begin, at)
    whole = panel.between(begin, np.nextafter(until, np.inf))
    later = panel.between(at, np.nextafter(until, np.inf))

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
    return Evaluation(score, later.num_events, counts, level)


def _log_likelihoods(model: Any, draws: dict[str, np.ndarray], panel: EventPanel) -> np.ndarray:
    data = model.prepare(panel)
    compute = jax.jit(
        lambda draws, data: jax.lax.map(lambda one: model.log_likelihood(one, data), draws)
    )
    return np.asarray(compute(jax.tree.map(jnp.asarray, draws), data), np.float64)
