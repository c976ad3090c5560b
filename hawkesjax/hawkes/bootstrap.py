"""Tests of residuals with p-values that account for the fitted parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pandas as pd

from hawkesjax.core.fit import maximum
from hawkesjax.evaluation.residual_tests import (
    anderson_darling,
    exponential_tests,
    groups,
    in_words,
    kolmogorov_smirnov,
)
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.residuals import rescaled, residuals
from hawkesjax.hawkes.simulate import simulate_like
from hawkesjax.hawkes.sizes import prepare_alike
from hawkesjax.inputs.arguments import Count, Key, checked
from hawkesjax.inputs.warned import warn

STATISTICS = {"ks": kolmogorov_smirnov, "ad": anderson_darling}


@checked
def residual_bootstrap(
    model: Any,
    estimate: Any,
    panel: EventPanel,
    *,
    key: Key,
    replicates: Count = 99,
    join: bool = True,
    max_events: Count = 1_000_000,
) -> pd.DataFrame:
    r"""`residual_tests` with p-values from a parametric bootstrap.

    Panels are simulated from the fit in the same windows, the model is refitted to each, and the
    same statistics are computed. The p-value is :math:`(1 + \#\{T_b \ge T\}) / (1 + B)`. Fitting
    and the treatment of the windows' ends affect the replicates as they affect the data, so the
    p-values are valid whatever was fitted.

    All replicates share one compilation where there are few marks and learned exponential decays;
    with other kernels each is compiled separately, which is slow.

    Args:
        model: the model.
        estimate: the result of `fit` on this panel; a posterior cannot be refitted.
        panel: the events.
        key: PRNG key.
        replicates: simulated panels B; the smallest p-value is 1 / (1 + B).
        join: as in `residuals`.
        max_events: cap on the events of one replicate.

    Returns:
        The table of `residual_tests` with the bootstrap's p-values in place of its own.

    Raises:
        ValueError: for anything but an `Estimate`, or fewer than 19 replicates.

    Source: Stute, Gonzalez Manteiga and Presedo Quindimil (1993), Metrika 40, 243-256.
    """
    if not hasattr(estimate, "log_likelihood") or not hasattr(estimate, "params"):
        raise ValueError(
            f"The bootstrap refits every replicate as the panel was fitted: pass the Estimate from "
            f"fit, not {type(estimate).__name__}."
        )
    if replicates < 19:
        raise ValueError(f"replicates is {replicates!r}; a test at 5 % needs at least 19.")
    observed = residuals(model, estimate, panel, join=join)
    table = exponential_tests(observed)
    panels = [
        simulate_like(model, estimate, panel, key=one, max_events=max_events)
        for one in jax.random.split(key, replicates)
    ]
    panels = [one for one in panels if one.num_events]
    size = max(one.num_events for one in panels)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in STATISTICS}
    lost = 0
    for one, prepared in zip(panels, prepare_alike(model, panels), strict=True):
        params, converged = maximum(model, prepared)
        lost += not converged
        parts = groups(rescaled(one, *_increments(model, params, one, size), join=join)).values()
        for name, statistic in STATISTICS.items():
            drawn[name].append(np.array([statistic(v) if len(v) else np.nan for v in parts]))
    for name in STATISTICS:
        draws = np.stack(drawn[name])
        defined = np.sum(np.isfinite(draws) | np.isinf(draws), axis=0)
        over = np.sum(draws >= table[name].to_numpy(), axis=0)
        table[f"{name} p"] = np.where(table[name].notna(), (1 + over) / (1 + defined), np.nan)
    table["in words"] = [
        in_words(values, row["ks p"], row["ad p"], fitted=False, jittered="jittered" in observed)
        for values, (_, row) in zip(groups(observed).values(), table.iterrows(), strict=True)
    ]
    if lost:
        warn(f"{lost} of {len(panels)} refits did not converge; their best values were used.")
    return table


def _increments(model, params, panel: EventPanel, size: int):
    """`model.compensator_increments` of a panel padded to `size` events, so that panels of
    different lengths share a compilation: an extra sequence of zero length holds the padding."""
    more = size - panel.num_events
    filled = replace(
        panel,
        times=np.pad(panel.times, (0, more)),
        waits=np.pad(panel.waits, (0, more)),
        remaining=np.pad(panel.remaining, (0, more)),
        marks=np.pad(panel.marks, (0, more)),
        sequence=np.pad(panel.sequence, (0, more), constant_values=panel.num_sequences),
        start=np.pad(panel.start, (0, 1), mode="edge"),
        duration=np.pad(panel.duration, (0, 1)),
        sequence_names=(*panel.sequence_names, ""),
    )
    if np.ndim(params.get("mu", 0)) == 2:
        params = params | {"mu": np.pad(params["mu"], ((0, 1), (0, 0)), mode="edge")}
    inside, tails = model.compensator_increments(params, filled)
    return np.asarray(inside)[: panel.num_events], np.asarray(tails)[:-1]
