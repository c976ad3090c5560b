"""Tables of a Hawkes posterior in the terms of the field, the methods of `HawkesPosterior`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from hawkesjax.core.tables import statistics
from hawkesjax.covariates.features import RATIO, quantities

# One tail of the 95 % intervals: up to this share of draws without a long run, shares are shown.
MOST_BEYOND = 0.025
COMMON_DECAYS = "The groups share their decay rates: the model has no gamma_effects."


def spillover(posterior: Any) -> pd.DataFrame:
    r"""Effect of each source on each target: alpha, its decay rate and its half-life.

    Rows read `online -> offline`: `alpha` is the expected number of direct offline children of
    one online event; below 0, with a link that allows it, the number of offline events that one
    online event prevents where the rate stays above 0. Half of the effect comes within the
    half-life (`log 2 / gamma` for an exponential kernel), in the data's unit of time. Decay rates
    are included if they were learned. Where effects are scaled, `alpha` is that of an event of
    magnitude 0 (of 1 for a power) in the reference group, and `alpha mean` the mean over the
    window's own events. Intervals run from the 2.5 % to the 97.5 % quantile of the draws.

    Returns:
        One row per pair; columns (quantity, statistic).
    """
    draws = posterior.posterior
    quantities = {"alpha": draws["alpha"]}
    if "alpha_mean" in draws:
        quantities["alpha mean"] = draws["alpha_mean"]
    if "gamma" in draws:
        quantities["gamma"] = draws["gamma"].broadcast_like(draws["alpha"])
    if "gamma" in draws or "half_life" in draws:
        quantities["half-life"] = _half_life(draws).broadcast_like(draws["alpha"])
    return _effects(draws, quantities)


def group_effects(posterior: Any) -> pd.DataFrame:
    """alpha of each group of sequences or period, with intervals.

    Returns:
        One row per group and effect (`online -> offline`): mean and quantiles.

    Raises:
        ValueError: when the model has no `alpha_effects`, or too many groups for a table.
    """
    draws = posterior.posterior
    if "alpha_group" not in draws:
        raise ValueError("The model has no groups: it has no alpha_effects, or too many of them.")
    alpha = draws["alpha_group"]
    rows = [
        (group, f"{source} -> {target}")
        for group in _names(alpha, "group")
        for target in _names(alpha, "target")
        for source in _names(alpha, "source")
    ]
    index = pd.MultiIndex.from_tuples(rows, names=["group", "effect"])
    return pd.DataFrame(statistics(_flat(alpha, ["group", "target", "source"])), index=index)


def contrast(
    posterior: Any, first: str, second: str, *, of: Literal["alpha", "gamma"] = "alpha"
) -> pd.DataFrame:
    """How many more events the events of one group trigger than those of another, or how much
    faster.

    Args:
        posterior: the result of `sample` for a model with `alpha_effects`.
        first, second: names of groups, as `group_effects()` lists them.
        of: `"gamma"` for the decay rates of a model with `gamma_effects`.

    Returns:
        One row per effect: the ratio and the difference of the first group's alpha (or gamma) and
        the second's, draw by draw, and the posterior probability that the first is larger.

    Raises:
        ValueError: for an unknown group, or decay rates that are common to all.
    """
    known = group_effects(posterior).index.unique("group")
    for name in (first, second):
        if name not in known:
            raise ValueError(f"There is no group {name!r}; there are {', '.join(known)}.")
    if f"{of}_group" not in posterior.posterior:
        raise ValueError(COMMON_DECAYS)
    values = posterior.posterior[f"{of}_group"]
    dims = [dim for dim in ("target", "source") if dim in values.dims]
    one, other = (_flat(values.sel(group=name, drop=True), dims) for name in (first, second))
    index = effects_of({dim: _names(values, dim) for dim in dims})
    parts = {"ratio": statistics(one / other), "difference": statistics(one - other)}
    columns = {(what, name): one for what, part in parts.items() for name, one in part.items()}
    columns[("larger", "probability")] = (one > other).mean(axis=0)
    return pd.DataFrame(columns, index=index)


def decay(posterior: Any) -> pd.DataFrame:
    r"""Decay rates gamma, 1 / unit of time, and half-lives (`log 2 / gamma` for an exponential
    kernel), with intervals.

    Returns:
        One row per pair (`online -> offline`), per source (`online -> all`), or `all -> all`;
        columns (quantity, statistic).

    Raises:
        ValueError: when the decay rates were fixed.
    """
    draws = posterior.posterior
    if "gamma" not in draws:
        raise ValueError("The decay rates were fixed, not learned; there are no draws of gamma.")
    return _effects(draws, {"gamma": draws["gamma"], "half-life": _half_life(draws)})


def baseline(posterior: Any) -> pd.DataFrame:
    """Baseline rates, events per unit of time that are immigrants: mean and quantiles.

    With covariates these are the means over each sequence's window.

    Returns:
        One row per sequence and mark (`all` where the sequences share one).
    """
    mu = _mu(posterior.posterior)
    dims = [dim for dim in ("sequence", "mark") if dim in mu.dims]
    names = [["all"], *(_names(mu, dim) for dim in dims)][-2:]
    index = pd.MultiIndex.from_product(names, names=["sequence", "mark"])
    return pd.DataFrame(statistics(_flat(mu, dims)), index=index)


def rate_ratios(posterior: Any) -> pd.DataFrame:
    r"""Rate ratios `exp(beta)` of covariates: the factor by which one more unit of a feature
    multiplies the rate, all else equal; for an indicator, the rate while it is on over the rate
    while it is off (or at the reference level).

    The intercept's row is not a ratio: it is the rate per unit of time where all features are 0;
    column `quantity` says which.

    Returns:
        One row per mark (where there are marks) and feature: mean and quantiles of `exp(beta)`,
        and the posterior probability that a ratio is above 1.

    Raises:
        ValueError: when the model has no covariates.
    """
    if "beta" not in posterior.posterior:
        raise ValueError("The model has no covariates; there are no draws of beta.")
    beta = posterior.posterior["beta"]
    dims = [dim for dim in ("mark", "feature") if dim in beta.dims]
    ratios = np.exp(_flat(beta, dims))
    index = pd.MultiIndex.from_product([_names(beta, dim) for dim in dims], names=dims)
    index = index if len(dims) > 1 else index.get_level_values(0)
    what = quantities(index.get_level_values("feature"))
    above = np.where(np.array(what) == RATIO, (ratios > 1).mean(axis=0), np.nan)
    return pd.DataFrame({"quantity": what} | statistics(ratios) | {"above 1": above}, index=index)


def shares(posterior: Any) -> pd.DataFrame:
    r"""Share of each target's events that would vanish without each source, in the long run.

    With `n = (I - alpha)^{-1} mu` the long-run rates, the share of target i due to source j is
    `1 - n_i(alpha_ij = 0) / n_i`, from every whole draw (not from point estimates); `all` adds
    up the rates of the sequences.

    A draw whose alpha has a spectral radius of one or more has no long-run rates, and so no share.
    If such draws are at most 2.5 % of all, one tail of the interval, the table shows the
    shares of the other draws: the posterior given stationarity, as with
    `Hawkes(stationary=True)`. If they are more, every share is NaN, and `why` says so; shares
    within the window (`HawkesPosterior.shares(panel)`) do not need a long run. The column `beyond`
    is the share of such draws.

    Returns:
        One row per sequence (and `all`), target and source: mean and quantiles, `beyond`, `why`.
    """
    draws = posterior.posterior
    link = getattr(posterior.model, "link", "identity")
    alpha = draws["alpha_mean" if "alpha_mean" in draws else "alpha"]
    alpha = alpha.transpose("chain", "draw", "target", "source").values
    size = alpha.shape[-1]
    alpha = alpha.reshape(-1, size, size)
    mu = _mu(draws)
    names = _names(mu, "sequence") if "sequence" in mu.dims else []
    mu = _flat(mu, ["sequence", "mark"] if names else ["mark"]).reshape(len(alpha), -1, size)
    if names:
        mu = np.concatenate([mu, mu.sum(axis=1, keepdims=True)], axis=1)
    names.append("all")
    stationary = np.abs(np.linalg.eigvals(alpha)).max(axis=-1) < 1
    beyond = np.mean(~stationary)
    if beyond > MOST_BEYOND or link != "identity":  # undefined: the table keeps its columns
        alpha, mu = np.zeros_like(alpha[:1]), mu[:1]
    else:
        alpha, mu = alpha[stationary], mu[stationary]
    whole = _long_run(alpha, mu)
    rows, values = [], []
    for i, target in enumerate(_names(draws, "target")):
        for j, source in enumerate(_names(draws, "source")):
            without = alpha.copy()
            without[:, i, j] = 0
            values.append(1 - _long_run(without, mu)[..., i] / whole[..., i])
            rows += [(name, target, source) for name in names]
    index = pd.MultiIndex.from_tuples(rows, names=["sequence", "target", "due to source"])
    table = pd.DataFrame(statistics(np.concatenate(values, axis=1)), index=index)
    why = ""
    if link != "identity":
        table[:] = np.nan
        beyond, why = np.nan, f"undefined with link={link!r}: effects do not add up to the rate"
    elif beyond > MOST_BEYOND:
        table[:] = np.nan
        why = (
            f"undefined: {100 * beyond:.1f} % of the draws are at or above criticality, "
            f"where there are no long-run rates"
        )
    elif beyond > 0:
        why = f"given stationarity: {np.sum(~stationary)} of {len(stationary)} draws are beyond it"
    return table.assign(beyond=beyond, why=why).loc[["all", *names[:-1]]]


def _long_run(alpha: np.ndarray, mu: np.ndarray) -> np.ndarray:
    system = np.eye(alpha.shape[-1]) - alpha
    return np.swapaxes(np.linalg.solve(system, np.swapaxes(mu, 1, 2)), 1, 2)


def _mu(draws: xr.Dataset) -> xr.DataArray:
    """Baselines; with covariates, their means over each sequence's window."""
    return draws["mu_mean" if "mu_mean" in draws else "mu"]


def _half_life(draws: xr.Dataset) -> xr.DataArray:
    """Half-lives, which kernels other than the exponential keep in addition to gamma."""
    return draws["half_life"] if "half_life" in draws else np.log(2) / draws["gamma"]


def _names(values: Any, dim: str) -> list[str]:
    return [str(name) for name in values[dim].values]


def _flat(values: xr.DataArray, dims: list[str]) -> np.ndarray:
    """(draws, entries) in the order of the axes."""
    array = values.transpose("chain", "draw", *dims).values
    return array.reshape(-1, math.prod(array.shape[2:]))


def _effects(draws: xr.Dataset, quantities: dict[str, xr.DataArray]) -> pd.DataFrame:
    """Quantities of pairs, sources or all, by effect."""
    first, *_ = quantities.values()
    dims = [dim for dim in ("target", "source") if dim in first.dims]
    columns = {
        (name, statistic): column
        for name, value in quantities.items()
        for statistic, column in statistics(_flat(value, dims)).items()
    }
    return pd.DataFrame(columns, index=effects_of({dim: _names(draws, dim) for dim in dims}))


def effects_of(names: Mapping[str, Sequence[str]]) -> pd.Index:
    """Labels `source -> target` of pairs, of sources (`online -> all`), or of all."""
    targets, sources = (names.get(dim, ["all"]) for dim in ("target", "source"))
    rows = [f"{source} -> {target}" for target in targets for source in sources]
    return pd.Index(rows, name="effect")
