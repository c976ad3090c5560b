"""Groups that ArviZ knows besides the posterior: prior, predictive draws, the prior's density."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import xarray as xr

from hawkesjax.core.priors import drawn

MAX_EVENTS = 1_000_000  # of one replicate


def groups_of(
    model: Any, data: Any, posterior: xr.Dataset, key: Any, draws: int
) -> dict[str, xr.Dataset]:
    """The groups prior and log_prior, and where the model has replicates (`replicated`; your own
    may have none) also prior_predictive, posterior_predictive and what was observed in their place.

    Replicates beyond a million events are NaN: priors allow growth without end.

    Args:
        model: the model.
        data: what was sampled.
        posterior: the draws.
        key: PRNG key.
        draws: from the prior, and replicates of each kind.
    """
    prepared = model.prepare(data)
    sites = model.sites(prepared)
    keys = jax.random.split(key, len(sites) + 2)
    coords = model.coords(data)

    def dataset(parts: dict[str, Any], lead: tuple[str, ...]) -> xr.Dataset:
        shaped = {n: ((*lead, *dims), np.asarray(value)) for n, (dims, value) in parts.items()}
        used = {d: coords[d] for dims, _ in shaped.values() for d in dims if d in coords}
        return xr.Dataset(shaped, coords=used)

    lead = ("chain", "draw")
    drawn_values = drawn(model, prepared, keys[:-2], (1, draws))
    prior = {name: (model.dims[name], value) for name, value in drawn_values.items()}
    known = {str(name): one.values for name, one in posterior.items()}
    densities = {}
    for name, site in sites.items():
        if name in known:
            site = model.conditioned(name, site, known)
            found = np.asarray(site.log_prob(known[name]))
            densities[name] = (), found.sum(axis=tuple(range(2, found.ndim)))
    groups = {"prior": dataset(prior, lead), "log_prior": dataset(densities, lead)}
    replicated = getattr(model, "replicated", None)
    if replicated is None:
        return groups
    observed = replicated(data)
    flat = {str(n): v.values.reshape(-1, *v.shape[2:]) for n, v in posterior.items()}
    sources = {
        "prior_predictive": {name: np.asarray(value)[0] for name, (_, value) in prior.items()},
        "posterior_predictive": {name: flat[name] for name in sites if name in flat},
    }
    for (name, source), one in zip(sources.items(), keys[-2:], strict=True):
        groups[name] = dataset(_drawn(replicated, source, data, one, draws, observed), lead)
    return groups | {"observed": dataset(observed, ())}


def _drawn(replicated: Any, source: Any, data: Any, key: Any, draws: int, like: Any) -> Any:
    chosen = np.linspace(0, len(next(iter(source.values()))) - 1, draws).round().astype(int)
    rows = []
    for number, one in zip(chosen, jax.random.split(key, draws), strict=True):
        params = {name: value[number] for name, value in source.items()}
        try:
            rows.append(replicated(data, params, one, MAX_EVENTS))
        except ValueError:  # beyond the cap
            rows.append({n: (dims, np.full(np.shape(v), np.nan)) for n, (dims, v) in like.items()})
    return {n: (dims, np.stack([row[n][1] for row in rows])[None]) for n, (dims, _) in like.items()}
