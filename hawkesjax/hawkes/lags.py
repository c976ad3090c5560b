"""The maximum-likelihood lag."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from hawkesjax.core.fit import maximum
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.prepared import PreparedPanel, prepare

# Candidate lags run from a hundredth of the mean time between events to a quarter of the longest
# window, each twice the previous one. Lags at which differences of event times are densest, in bins
# of 5 %, are added: nothing else reveals a short memory. Then the differences of times between the
# best lag and its neighbours, at which the likelihood drops, are tried with the best one's
# parameters, and all else is refitted at the best of these.
FIRST, LAST, RATIO, BIN, DENSEST = 0.01, 0.25, 2.0, 1.05, 8
ROUNDS, MOST, REFITS = 4, 200, 2
PAIRS = 2_000_000  # most differences that are counted


def learned_lag(
    model: HawkesLaw, panel: EventPanel, dtype: Any = None
) -> tuple[HawkesLaw, str, int]:
    """The model with the maximum-likelihood lag, a sentence on it, and the number of parameters
    that it counts as.

    Each lag requires a fit of all else. For given parameters the likelihood is smooth in the lag
    except where a pair of events drops out: there it falls, so the best lag is just below a
    difference of two times.
    """
    base = replace(model, lag=1.0)  # any lag will do: only the layout depends on it
    known: dict[float, float] = {}
    reached: dict[float, Any] = {}

    score = jax.jit(base.log_likelihood_inside)

    def laid_out(lag: float) -> PreparedPanel:
        return prepare(
            replace(panel),  # layouts are cached on this copy: hundreds of them are not kept
            dtype=dtype,
            gamma=base.gamma,
            kernel=base.kernel,
            covariates=base.background.covariates,
            strength=replace(base.strength, lag=max(lag, 1e-300)),  # 0 would have another form
        )

    def value(lag: float, near: float | None = None) -> float:
        if lag not in known:
            data = laid_out(lag)
            start = None if near is None else reached[near]
            params, _ = maximum(base, data, near=start)
            reached[lag] = {name: params[name] for name in base.shapes(data)}
            params = {name: jnp.asarray(one) for name, one in reached[lag].items()}
            known[lag] = float(score(params, data))
        return known[lag]

    between = np.asarray(panel.waits)[np.asarray(panel.waits) > 0]
    most = LAST * float(np.max(panel.duration, initial=0))
    least = min(FIRST * float(between.mean()) if len(between) else np.inf, most / 2)
    if not most > 0:
        raise ValueError("The windows have no length: no lag can be learned.")
    count = int(np.ceil(np.log(most / least) / np.log(RATIO))) + 1
    for lag in (0.0, *np.geomspace(least, most, count), *_dense(panel, least, most)):
        value(float(lag))
    best = max(known, key=known.__getitem__)
    for _ in range(ROUNDS):
        grid = sorted(known)
        place = grid.index(best)
        span = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        near = _differences(panel, *span)
        params = {name: jnp.asarray(one) for name, one in reached[best].items()}
        scores = [float(score(params, laid_out(lag))) for lag in near]
        for place in np.argsort(scores)[::-1][:REFITS]:
            value(near[place], best)
        best = max(known, key=known.__getitem__)
    best = max(known, key=lambda lag: (known[lag], -lag))
    drop = scipy.stats.chi2.ppf(0.95, 1) / 2
    inside = [lag for lag, found in known.items() if known[best] - found < drop]
    unit = f" {panel.unit}s" if panel.unit else ""
    said = (
        f"The lag is {best:.4g}{unit}, where the likelihood is highest; of the {len(known)} lags "
        f"tried, those from {min(inside):.4g} to {max(inside):.4g} are within 1.92 nats of it."
    )
    return replace(model, lag=best), said, 1


def _dense(panel: EventPanel, least: float, most: float) -> list[float]:
    """Lags from which on differences of event times are denser than elsewhere."""
    laid, last = _laid(panel, most), panel.num_events
    edges = np.geomspace(least, most, int(np.log(most / least) / np.log(BIN)) + 2)
    totals, before = [], np.searchsorted(laid, laid + edges[0])
    for edge in edges[1:]:
        after = np.searchsorted(laid, laid + edge)
        totals.append(int(np.sum(after - before)))
        before = after
        if sum(totals) > PAIRS:
            break
    counts, widths = np.array(totals), np.diff(edges)[: len(totals)]
    usual = widths * np.median(counts / widths)
    over = (counts - usual) / np.sqrt(np.maximum(usual, 1))
    best = np.argsort(-over, kind="stable")[:DENSEST] if last else []
    return [float(edges[place]) for place in best if over[place] > 0]


def _laid(panel: EventPanel, most: float) -> np.ndarray:
    """Times of all sequences on one axis, sequences further apart than any lag."""
    span = 1 + float(np.max(panel.duration, initial=0)) + most
    return np.asarray(panel.times) + 2 * span * np.asarray(panel.sequence)


def _differences(panel: EventPanel, low: float, high: float) -> list[float]:
    """Lags just below the differences of event times between two lags, at most `MOST` of them."""
    laid = _laid(panel, high)
    first, last = (np.searchsorted(laid, laid + lag) for lag in (low, high))
    pairs = [laid[a:b] - t for a, b, t in zip(first, last, laid, strict=True)]
    found = np.unique(np.concatenate([*pairs, [high]]))
    found = found[np.linspace(0, len(found) - 1, min(MOST, len(found))).astype(int)]
    return [float(one * (1 - 1e-9)) for one in found if one > 0]
