"""Tables of a Hawkes posterior in the field's own words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from hawkesjax.core.tables import statistics
from hawkesjax.inputs.arrays import HostArray

MOST_BEYOND = 0.025  # of the draws, at or above criticality, for shares that are still numbers


def spillover(posterior: xr.Dataset) -> pd.DataFrame:
    r"""Effect of each source on each target: alpha, its decay rate and its half-life.

    Rows read `online -> offline`: `alpha` is the expected number of direct offline children of
    one online event; within the half-life (`log 2 / gamma` of an exponential kernel), in the
    data's unit of time, half of them come. Intervals run from the 2.5 % to the 97.5 % quantile of
    the draws.

    Args:
        posterior: draws with variable `alpha` (chain, draw, target, source), and `gamma` where
            it was learned.

    Returns:
        A row a pair; columns (quantity, statistic).
    """
    quantities = {"alpha": posterior["alpha"]}
    if "gamma" in posterior:
        gamma = posterior["gamma"].broadcast_like(posterior["alpha"])
        quantities |= {"gamma": gamma}
    if "gamma" in posterior or "half_life" in posterior:
        quantities |= {"half-life": _half_life(posterior).broadcast_like(posterior["alpha"])}
    order = ("chain", "draw", "target", "source")
    columns = {
        (name, statistic): column
        for name, value in quantities.items()
        for statistic, column in _statistics(value.transpose(*order).values).items()
    }
    targets, sources = (posterior[dim].values for dim in ("target", "source"))
    rows = [f"{source} -> {target}" for target in targets for source in sources]
    return pd.DataFrame(columns, index=pd.Index(rows, name="effect"))


def decay(posterior: xr.Dataset) -> pd.DataFrame:
    r"""Decay rates gamma, 1 / unit of time, and half-lives (`log 2 / gamma` of an exponential
    kernel), with intervals.

    Args:
        posterior: draws with variable `gamma`.

    Returns:
        A row a pair (`online -> offline`), a source (`online -> all`), or `all -> all`; columns
        (quantity, statistic).

    Raises:
        ValueError: when the decay rates were fixed.
    """
    if "gamma" not in posterior:
        raise ValueError("The decay rates were fixed, not learned; there are no draws of gamma.")
    gamma = posterior["gamma"]
    dims = [dim for dim in ("target", "source") if dim in gamma.dims]
    names = {
        dim: map(str, posterior[dim].values) if dim in dims else ["all"]
        for dim in ("target", "source")
    }
    targets, sources = list(names["target"]), list(names["source"])
    columns = {
        (name, statistic): column
        for name, value in {"gamma": gamma, "half-life": _half_life(posterior)}.items()
        for statistic, column in _statistics(
            value.transpose("chain", "draw", *dims).values.reshape(-1, len(targets) * len(sources))
        ).items()
    }
    rows = [f"{source} -> {target}" for target in targets for source in sources]
    return pd.DataFrame(columns, index=pd.Index(rows, name="effect"))


def baseline(posterior: xr.Dataset) -> pd.DataFrame:
    """Baseline rates, events per unit of time that nothing set off: mean and quantiles.

    With covariates these are the means over each sequence's window.

    Args:
        posterior: draws with variable `mu` (chain, draw, [sequence,] mark), or `mu_mean`.

    Returns:
        A row a sequence and mark (`all` where the sequences share one).
    """
    mu = _mu(posterior)
    dims = [dim for dim in ("sequence", "mark") if dim in mu.dims]
    names = [str(v) for v in posterior["sequence"].values] if "sequence" in dims else ["all"]
    flat = mu.transpose("chain", "draw", *dims).values.reshape(-1, mu.sizes["mark"] * len(names))
    marks = [str(v) for v in posterior["mark"].values]
    index = pd.MultiIndex.from_product([names, marks], names=["sequence", "mark"])
    return pd.DataFrame(_statistics(flat), index=index)


def rate_ratios(posterior: xr.Dataset) -> pd.DataFrame:
    r"""Rate ratios `exp(beta)` of covariates: by what factor one more unit of a feature
    multiplies the rate, all else alike; of an indicator, the rate while it is on over the rate
    while it is off (or at the reference level).

    The intercept's row is no ratio: it is the rate per unit of time where all features are 0.

    Args:
        posterior: draws with variable `beta` (chain, draw, [mark,] feature).

    Returns:
        A row a mark (where there are marks) and feature: mean and quantiles of `exp(beta)`, and
        the posterior probability that it is above 1.

    Raises:
        ValueError: when the model has no covariates.
    """
    if "beta" not in posterior:
        raise ValueError("The model has no covariates; there are no draws of beta.")
    beta = posterior["beta"]
    dims = [dim for dim in ("mark", "feature") if dim in beta.dims]
    names = [[str(value) for value in posterior[dim].values] for dim in dims]
    flat = beta.transpose("chain", "draw", *dims).values
    flat = np.exp(flat.reshape(-1, int(np.prod([len(part) for part in names]))))
    index = pd.MultiIndex.from_product(names, names=dims)
    index = index if len(dims) > 1 else index.get_level_values(0)
    return pd.DataFrame(_statistics(flat) | {"above 1": (flat > 1).mean(axis=0)}, index=index)


def shares(posterior: xr.Dataset) -> pd.DataFrame:
    r"""Part of the events of each target that would vanish without each source, in the long run.

    With `n = (I - alpha)^{-1} mu` the long-run rates, the share of target i due to source j is
    `1 - n_i(alpha_ij = 0) / n_i`, from every whole draw (not from point estimates); `all` adds
    the sequences' rates up.

    A draw whose alpha has a spectral radius of one or more has no long run, and so no share.
    Where such draws are at most 2.5 % of all, one tail of the interval, the table holds the
    shares of the other draws: the posterior given stationarity, as with
    `Hawkes(stationary=True)`. Where they are more, every share is NaN, and `why` says so; shares
    within the window (`HawkesPosterior.shares(panel)`) need no long run. The column `beyond` is
    the part of such draws.

    Args:
        posterior: draws with variables `alpha` and `mu` (or `mu_mean`, with covariates).

    Returns:
        A row a sequence (and `all`), target and source: mean and quantiles, `beyond`, `why`.
    """
    alpha = posterior["alpha"].transpose("chain", "draw", "target", "source").values
    size = alpha.shape[-1]
    alpha = alpha.reshape(-1, size, size)
    radius = np.abs(np.linalg.eigvals(alpha)).max(axis=-1)
    kept = radius < 1
    mu = _mu(posterior)
    if "sequence" in mu.dims:
        names = [*map(str, posterior["sequence"].values), "all"]
        mu = mu.transpose("chain", "draw", "sequence", "mark").values
        mu = mu.reshape(len(alpha), -1, size)
        mu = np.concatenate([mu, mu.sum(axis=1, keepdims=True)], axis=1)
    else:
        names = ["all"]
        mu = mu.transpose("chain", "draw", "mark").values.reshape(len(alpha), 1, size)
    beyond = np.mean(~kept)
    if beyond > MOST_BEYOND:  # undefined: the table keeps its form
        alpha, mu = np.zeros_like(alpha[:1]), mu[:1]
    else:
        alpha, mu = alpha[kept], mu[kept]
    whole = _long_run(alpha, mu)
    rows, values = [], []
    targets, sources = (posterior[dim].values for dim in ("target", "source"))
    for i, target in enumerate(targets):
        for j, source in enumerate(sources):
            without = alpha.copy()
            without[:, i, j] = 0
            values.append(1 - _long_run(without, mu)[..., i] / whole[..., i])
            rows += [(name, str(target), str(source)) for name in names]
    index = pd.MultiIndex.from_tuples(rows, names=["sequence", "target", "due to source"])
    table = pd.DataFrame(_statistics(np.concatenate(values, axis=1)), index=index)
    why = ""
    if beyond > MOST_BEYOND:
        table[:] = np.nan
        why = (
            f"undefined: {100 * beyond:.1f} % of the draws are at or above criticality, "
            f"where there is no long run"
        )
    elif beyond > 0:
        why = f"given stationarity: {np.sum(~kept)} of {len(kept)} draws are beyond it"
    table = table.assign(beyond=beyond, why=why)
    return table.loc[["all", *names[:-1]]] if len(names) > 1 else table


def _long_run(alpha: np.ndarray, mu: np.ndarray) -> np.ndarray:
    system = np.eye(alpha.shape[-1]) - alpha
    return np.swapaxes(np.linalg.solve(system, np.swapaxes(mu, 1, 2)), 1, 2)


def _mu(posterior: xr.Dataset) -> xr.DataArray:
    """Baselines, of covariates the means over each sequence's window."""
    return posterior["mu_mean" if "mu_mean" in posterior else "mu"]


def _half_life(posterior: xr.Dataset) -> xr.DataArray:
    """Half-lives, which other kernels than the exponential keep beside gamma."""
    if "half_life" in posterior:
        return posterior["half_life"]
    return np.log(2) / posterior["gamma"]


def _statistics(draws: np.ndarray) -> dict[str, HostArray]:
    """Mean and quantiles over the draws (all but the trailing axes of a pair or of the rows)."""
    trailing = 2 if draws.ndim == 4 else 1
    return statistics(draws.reshape(-1, int(np.prod(draws.shape[-trailing:]))))
