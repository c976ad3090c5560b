"""Many simulated panels sampled by one compiled kernel.

Panels differ in how many events they hold; `prepare_alike` lays them out in one size, so that all
share one compilation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from hawkesjax.core.nuts import Block, Settings, kernel_for, run
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.unconstrained import Unconstrained, best_start, scattered
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.hawkes.sizes import prepare_alike


@dataclass(frozen=True)
class Lengths:
    """How long each chain is, and how many there are of a panel."""

    chains: int = 2
    warmup: int = 300
    draws: int = 500


def sample_all(
    model: Hawkes, panels: Sequence[EventPanel], *, key: Any, lengths: Lengths
) -> Iterator[Posterior]:
    """A posterior of each panel, one after the other, by one compiled kernel.

    Args:
        model: the model; the same priors, starts and adaptation as in `hawkesjax.sample`.
        panels: of as many sequences and the same marks.
        key: PRNG key.
        lengths: of the chains.
    """
    prepared = prepare_alike(model, panels)
    loss = Unconstrained(model)
    dense = model.dense_mass(prepared[0])
    settings = Settings(
        num_warmup=lengths.warmup,
        target_accept=0.8,
        max_tree_depth=10,
        dense_mass=dense if isinstance(dense, bool) else tuple(map(tuple, dense)),
        block=100,
    )
    kernel = kernel_for(model, settings)
    natural = jax.jit(jax.vmap(jax.vmap(loss.natural, (0, None)), (0, None)))
    for number, (panel, data) in enumerate(zip(panels, prepared, strict=True)):
        scatter, chains = jax.random.split(jax.random.fold_in(key, number))
        first = best_start(loss, data)
        starts = [scattered(first, k, 0.1) for k in jax.random.split(scatter, lengths.chains)]
        points = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
        state = kernel.init(jax.random.split(chains, lengths.chains), points, data)
        blocks: list[Block] = []

        def keep(_, drawn, __, blocks=blocks):
            if drawn is not None:
                blocks.append(drawn)

        run(kernel, state, data, done=0, total=lengths.warmup + lengths.draws, after=keep)
        whole = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *blocks)
        params = natural(whole.point, data)
        params |= jax.vmap(jax.vmap(model.derived, (0, None)), (0, None))(params, data)
        params = {name: np.asarray(params[name]) for name in model.dims}
        yield _posterior(model, panel, params, whole.statistics)


def _posterior(model, panel, params, statistics) -> Posterior:
    names = model.coords(panel)
    chain = {
        "chain": np.arange(len(statistics["lp"])),
        "draw": np.arange(statistics["lp"].shape[1]),
    }
    used = {dim: names[dim] for name in params for dim in model.dims[name]}
    draws = {n: (("chain", "draw", *model.dims[n]), value) for n, value in params.items()}
    stats = {n: (("chain", "draw"), value) for n, value in statistics.items()}
    return Posterior.from_parts(
        model, panel, xr.Dataset(draws, chain | used), xr.Dataset(stats, chain), {}
    )
