"""Posterior sampling with NUTS."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import xarray as xr
from tqdm.auto import tqdm

from hawkesjax._version import __version__
from hawkesjax.core.chains import dense_blocks, is_small, method_of, regularized
from hawkesjax.core.checkpoint import Checkpoint, fingerprint
from hawkesjax.core.compiled import at_once
from hawkesjax.core.diagnostics import SamplingWarning
from hawkesjax.core.hosts import SharedCheckpoint, shared
from hawkesjax.core.interrupts import Interrupts
from hawkesjax.core.mesh import Given, over, over_hosts
from hawkesjax.core.model import Data, EstimateT, Model, PosteriorT, as_model
from hawkesjax.core.nuts import Block, Settings, kernel_for, run
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.record import recorded
from hawkesjax.core.unconstrained import (
    Unconstrained,
    best_start,
    given_point,
    inside,
    scattered,
    within,
)
from hawkesjax.core.watch import Callback, Progress, is_seen, report
from hawkesjax.inputs.arguments import Count, Key, Precision, Share, Whole, checked
from hawkesjax.inputs.checks import flaw, short
from hawkesjax.inputs.warned import warn

JITTER = 0.1  # standard deviation of the starts, on the unconstrained scale
POINTWISE_LIMIT = 20_000_000  # numbers of the pointwise log-likelihood: 160 MB in float64


@recorded
@checked
def sample(
    model: Model[Data, EstimateT, PosteriorT],
    data: Data,
    *,
    key: Key,
    num_warmup: Whole = 1000,
    num_samples: Count = 1000,
    num_chains: Count = 4,
    init: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    chain_method: Literal["auto", "vectorized", "sequential", "parallel"] = "auto",
    pointwise: str | None = "auto",
    target_accept: Share = 0.8,
    max_tree_depth: Count = 10,
    dense_mass: Any = None,
    block: Count = 50,
    progress: bool = True,
    callback: Callback | None = None,
    dtype: Precision = None,
    mesh: Given = None,
) -> PosteriorT:
    """Draw from the posterior with the No-U-Turn sampler.

    Blocks of steps of numpyro's kernel run in one compiled function that takes the data as an
    argument: other data of the same sizes need no new compilation. After Ctrl-C the current block
    is finished, and the draws so far are returned with a warning; a second Ctrl-C stops at once.

    Args:
        model: a model.
        data: its data.
        key: PRNG key; the same key, settings and chain method give the same draws.
        num_warmup: steps of adaptation per chain, not kept.
        num_samples: draws per chain.
        num_chains: number of chains.
        init: an `Estimate` or dict of natural parameters near which the chains start (but those
            on a boundary start inside); by default the best of the model's own starting values.
            Each chain is scattered around it (standard deviation 0.1 on the unconstrained scale).
        checkpoint: a folder; the same call with it continues an interrupted run bit for bit, also
            in warm-up.
        chain_method: `"vectorized"` (one batched call), `"sequential"`, `"parallel"` (spread over
            `jax.devices()`); `"auto"`: parallel over several devices, otherwise vectorized on a
            GPU and up to 20,000 events, where calls dominate the cost. More chains than devices
            run side by side on a device in the same two cases, otherwise one after another. The
            number of devices used divides the number of chains; a warning says if some stay idle.
            The draws depend on the choice.
        pointwise: pointwise log-likelihood kept for `loo`: one of the model's kinds of terms
            (for Hawkes: `"event"`, `"sequence"`), None, or `"auto"`: the finest kind that needs at
            most 20 million numbers.
        target_accept, max_tree_depth, dense_mass: as in numpyro's NUTS; `dense_mass=None` uses the
            model's choice.
        block: steps between updates of the progress bar, checkpoints and chances to stop.
        progress: whether to show a progress bar at a terminal or in a notebook.
        callback: called with a `Progress` after each block; what it raises ends the run, which a
            `checkpoint` can continue.
        dtype: floating type; JAX's default when None.
        mesh: devices (`hawkesjax.make_mesh`): its axis "data" shares the data, and the chains of
            one call are spread over its axis "chain". None: chains are spread over this process's
            devices as `chain_method` says, and each has all data. With `make_mesh(hosts=True)` the
            data are this process's part, every process makes the same call, the first one writes
            the checkpoint, and each gets the posterior of the whole, without data.

    Returns:
        A `Posterior`; problems in its diagnostics are also warned about (`SamplingWarning`).

    Raises:
        ValueError: for sizes below 1, starting values that are invalid or have no finite density,
            and a checkpoint that is damaged or from another run.
        KeyboardInterrupt: if stopped before any draws were finished.

    Source: Hoffman and Gelman (2014), JMLR 15, 1593-1623; Phan, Pradhan and Jankowiak (2019),
    arXiv 1912.11554.
    """
    hosts = over_hosts(mesh)
    if hosts:
        prepared, data = shared(as_model(model), data, mesh, dtype)
        if pointwise not in ("auto", None):
            raise ValueError(
                f"pointwise is {short(pointwise)}; over hosts no terms are kept: leave it out, or "
                f"pass None."
            )
        pointwise = None
    else:
        as_model(model).check(data)
        prepared = over(model, model.laid_out(data, dtype), mesh)
    found: Any = sample_prepared(
        model,
        data,
        prepared,
        key=key,
        num_warmup=num_warmup,
        num_samples=num_samples,
        num_chains=num_chains,
        init=init,
        checkpoint=checkpoint,
        chain_method=chain_method,
        pointwise=pointwise,
        target_accept=target_accept,
        max_tree_depth=max_tree_depth,
        dense_mass=dense_mass,
        block=block,
        progress=progress,
        callback=callback,
        mesh=mesh,
    )
    return replace(found, data=None, observed_data=xr.Dataset()) if hosts else found


def sample_prepared(
    model: Any,
    data: Any,
    prepared: Any,
    *,
    key: Any,
    num_warmup: int,
    num_samples: int,
    num_chains: int,
    init: Any = None,
    checkpoint: Any = None,
    chain_method: str = "auto",
    pointwise: str | None = "auto",
    target_accept: float = 0.8,
    max_tree_depth: int = 10,
    dense_mass: Any = None,
    block: int = 50,
    progress: bool = False,
    callback: Callback | None = None,
    mesh: Any = None,
) -> Any:
    """`sample`, of data that are checked and laid out."""
    method, devices = method_of(chain_method, num_chains, prepared, mesh)
    dense = (
        model.dense_mass(prepared)
        if dense_mass is None
        else dense_blocks(dense_mass, model, prepared)
    )
    if not isinstance(dense, bool):  # parameters that are wholly fixed are not sites
        whole = {name for name, one in model.structures(prepared).items() if not one.size}
        kept = [tuple(name for name in names if name not in whole) for names in dense]
        dense = [names for names in kept if names] or False
    settings = Settings(
        num_warmup=num_warmup,
        target_accept=target_accept,
        max_tree_depth=max_tree_depth,
        dense_mass=dense if isinstance(dense, bool) else tuple(map(tuple, dense)),
        block=min(block, max(num_warmup, num_samples)),
        devices=devices,
        regularize=regularized(model, prepared, dense, num_warmup),
    )
    kernel = kernel_for(model, settings, mesh)
    keys, points = _starts(model, prepared, init, key, num_chains)
    saved = None
    wrong = isinstance(checkpoint, str) and (flaw(checkpoint) or "\0" in checkpoint)
    if wrong or not isinstance(checkpoint, str | os.PathLike | None):
        raise ValueError(f"checkpoint is {short(checkpoint)}; it must be a folder's path.")
    if checkpoint is not None:
        known = prepared.shares.whole if over_hosts(mesh) else prepared
        near = points
        if over_hosts(mesh):
            # Other divisions of the data end in other last digits: with three of them, one number
            # in 10^10 is rounded to another side (float64), not one in 10^6 as with seven.
            near = jax.tree.map(lambda leaf: np.asarray(leaf).astype(np.float16), points)
        identity = _identity(model, known, settings, method, num_samples, keys, near)
        saved = (SharedCheckpoint if over_hosts(mesh) else Checkpoint)(checkpoint, identity)

    side_by_side = method == "vectorized" or (method == "parallel" and is_small(prepared))
    size = num_chains if side_by_side else devices
    total = num_warmup + num_samples
    groups: list[list[Block]] = []
    clock, stopped = time.perf_counter(), False
    seconds = {"init": 0.0}
    steps, hidden = total * num_chains // size, not (progress and is_seen())
    bar = tqdm(total=steps, disable=hidden, unit="step", desc="warm-up")
    try:
        with Interrupts() as interrupts:
            for number in range(num_chains // size):
                chains = slice(number * size, (number + 1) * size)
                picked = jax.tree.map(lambda leaf, s=chains: leaf[s], (keys, points))
                state = kernel.init(*picked, prepared)
                _check_start(state)
                found = None if saved is None else saved.load(number, state)
                blocks: list[Block] = []
                groups.append(blocks)
                done = 0
                if found is not None:
                    state, earlier, done = found
                    blocks.extend(earlier)
                    bar.update(done)
                seconds["init"] = seconds["init"] or time.perf_counter() - clock

                def after(state, drawn, at, number=number, blocks=blocks):
                    count = len(blocks)
                    if drawn is not None:
                        blocks.append(drawn)
                    if saved is not None:
                        saved.save(number, state, drawn, count, at)
                    now = _progress(at, num_warmup, total, steps, state, groups)
                    _show(bar, now)
                    report(callback, now)
                    interrupts.pause()

                run(kernel, state, prepared, done=done, total=total, after=after)
    except KeyboardInterrupt:
        stopped = True
    finally:
        bar.close()
        if saved is not None:
            saved.close()
    blocks_by_group = [blocks for blocks in groups if blocks]
    if not blocks_by_group:
        raise KeyboardInterrupt(
            "Stopped before the first block of draws was finished"
            + (f"; {checkpoint} holds the state, the same call continues." if saved else ".")
        )
    seconds["sampling"] = time.perf_counter() - clock - seconds["init"]
    point, statistics = _gather(blocks_by_group)
    info = {
        "hawkesjax": __version__,
        "numpyro": numpyro.__version__,
        "jax": jax.__version__,
        "chain_method": method,
        "num_warmup": num_warmup,
        "num_samples": num_samples,
        "target_accept": target_accept,
        "max_tree_depth": max_tree_depth,
        "seconds": seconds,
        "stopped": stopped,
    }
    posterior: Any = _posterior(model, data, prepared, point, statistics, info, pointwise)
    if stopped:
        kept = posterior.posterior.sizes
        warn(f"Stopped: {kept['chain']} chains of {kept['draw']} draws are kept.", SamplingWarning)
    for sentence in posterior.problems():
        warn(sentence, SamplingWarning)
    return posterior


def _starts(model, prepared, init, key, num_chains):
    loss = Unconstrained(model)
    if init is None:
        first = best_start(loss, prepared)
    else:
        first = inside(loss, given_point(loss, init, prepared), prepared)
    scatter, chains = jax.random.split(key)
    points = [scattered(first, k, JITTER) for k in jax.random.split(scatter, num_chains)]
    if model.can_vanish:
        points = [within(loss, first, point, prepared) for point in points]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *points)
    return jax.random.split(chains, num_chains), stacked


def _check_start(state: Any) -> None:
    bad = np.flatnonzero(~np.isfinite(np.asarray(state.potential_energy)))
    if len(bad):
        raise ValueError(
            f"The posterior density is not finite where chains {bad.tolist()} start. Give other "
            f"init values, or check the priors' supports."
        )


def _identity(model, prepared, settings, method, num_samples, keys, points) -> dict[str, Any]:
    return {
        "model": model.config(),
        "data": fingerprint(prepared),
        "start": fingerprint((jax.random.key_data(keys), points)),
        "settings": str(settings),
        "chain_method": method,
        "num_samples": num_samples,
        "versions": [__version__, numpyro.__version__, jax.__version__],
    }


def _progress(at, num_warmup, total, steps, state, groups) -> Progress:
    diverging = sum(int(b.statistics["diverging"].sum()) for blocks in groups for b in blocks)
    size = float(np.mean(np.asarray(state.adapt_state.step_size)))
    stage = "warm-up" if at < num_warmup else "sampling"
    values = {"divergences": diverging, "step_size": size}
    return Progress(stage, (len(groups) - 1) * total + at, steps, values)


def _show(bar: Any, now: Progress) -> None:
    bar.set_description(now.stage, refresh=False)
    bar.set_postfix({n: f"{value:.3g}" for n, value in now.values.items()}, refresh=False)
    bar.update(now.done - bar.n)


def _gather(groups: list[list[Block]]):
    """Chains of equal length: the draws that every chain has."""
    joined = [
        jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *blocks) for blocks in groups
    ]
    shortest = min(block.statistics["lp"].shape[1] for block in joined)
    if (
        len(joined) > 1
        and joined[-1].statistics["lp"].shape[1] < joined[0].statistics["lp"].shape[1]
    ):
        joined = joined[:-1]
        shortest = min(block.statistics["lp"].shape[1] for block in joined)
    whole = jax.tree.map(lambda *parts: np.concatenate([p[:, :shortest] for p in parts]), *joined)
    return whole.point, whole.statistics


def _posterior(model, data, prepared, point, statistics, info, pointwise) -> Posterior:
    loss = Unconstrained(model)
    natural = jax.jit(jax.vmap(jax.vmap(loss.natural, (0, None)), (0, None)))(point, prepared)
    derived = partial(at_once, model, "derived")
    natural |= jax.vmap(jax.vmap(derived, (0, None)), (0, None))(natural, prepared)
    coords = model.coords(data)
    draws = xr.Dataset(
        {
            name: (("chain", "draw", *model.dims[name]), np.asarray(value))
            for name, value in natural.items()
        },
        coords={
            "chain": np.arange(len(statistics["lp"])),
            "draw": np.arange(statistics["lp"].shape[1]),
            **{d: coords[d] for name in natural for d in model.dims[name]},
        },
    )
    statistics = statistics | {
        "tree_depth": np.ceil(np.log2(statistics["num_steps"] + 1)).astype(np.int64),
        "non_finite": ~np.isfinite(statistics["energy"]),
    }
    sample_stats = xr.Dataset(
        {name: (("chain", "draw"), np.asarray(value)) for name, value in statistics.items()},
        coords={"chain": draws["chain"], "draw": draws["draw"]},
    )
    together = {n: np.asarray(v).reshape(-1, *np.shape(v)[2:]) for n, v in natural.items()}
    info = info | {"remarks": model.remarks(together, data)}
    posterior = model.posterior_type.from_parts(model, data, draws, sample_stats, info)
    by = _pointwise(pointwise, model, data, statistics["lp"].size)
    return posterior if by is None else posterior.with_log_likelihood(data, by=by)


def _pointwise(asked, model, data, draws: int) -> str | None:
    sizes = model.pointwise_sizes(data)
    if asked not in ("auto", None, *sizes):
        known = "".join(f'"{by}", ' for by in sizes)
        raise ValueError(f'pointwise is {asked!r}; it must be "auto", {known}or None.')
    if asked != "auto":
        return asked
    for number, (by, terms) in enumerate(sizes.items()):
        if draws * terms <= POINTWISE_LIMIT and (number == 0 or terms > 1):
            return by
    return None
