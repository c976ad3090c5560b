"""Posterior sampling with NUTS."""

from __future__ import annotations

import math
import os
import time
import warnings
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import xarray as xr
from tqdm.auto import tqdm

from hawkesjax._version import __version__
from hawkesjax.core.checkpoint import Checkpoint, fingerprint
from hawkesjax.core.diagnostics import SamplingWarning
from hawkesjax.core.interrupts import Interrupts
from hawkesjax.core.mesh import CHAIN, Given, over
from hawkesjax.core.model import Data, EstimateT, Model, PosteriorT, as_model
from hawkesjax.core.nuts import Block, Settings, kernel_for, run
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.unconstrained import (
    Unconstrained,
    best_start,
    given_point,
    inside,
    scattered,
    within,
)
from hawkesjax.inputs.arguments import Count, Key, Precision, Share, Whole, checked
from hawkesjax.inputs.checks import flaw, listed_once, short

JITTER = 0.1  # standard deviation of the starts, on the unconstrained scale
POINTWISE_LIMIT = 20_000_000  # numbers of the pointwise log-likelihood: 160 MB in float64
VECTORIZED_EVENTS = 20_000  # up to here a CPU spends its time on calls, not on events
# The shrinkage of the learned covariance towards 10^-3 is left out only for narrow posteriors
# (variances of about 1 / events) with many draws per entry: see `_regularized`.
NARROW_EVENTS = 50_000
LEARNING_STEPS = 150
FEW_PARAMETERS = 8


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
        progress: whether to show a progress bar.
        dtype: floating type; JAX's default when None.
        mesh: devices (`hawkesjax.make_mesh`): its axis "data" shares the data, and the chains of
            one call are spread over its axis "chain". None: chains are spread over the devices as
            `chain_method` says, and each has all data.

    Returns:
        A `Posterior`; problems in its diagnostics are also warned about (`SamplingWarning`).

    Raises:
        ValueError: for sizes below 1, starting values that are invalid or have no finite density,
            and a checkpoint that is damaged or from another run.
        KeyboardInterrupt: if stopped before any draws were finished.

    Source: Hoffman and Gelman (2014), JMLR 15, 1593-1623; Phan, Pradhan and Jankowiak (2019),
    arXiv 1912.11554.
    """
    as_model(model).check(data)
    prepared = over(model, model.prepare(data, dtype=dtype), mesh)
    method, devices = _method(chain_method, num_chains, prepared, mesh)
    dense = (
        model.dense_mass(prepared) if dense_mass is None else _dense(dense_mass, model, prepared)
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
        regularize=_regularized(model, prepared, dense, num_warmup),
    )
    kernel = kernel_for(model, settings, mesh)
    keys, points = _starts(model, prepared, init, key, num_chains)
    saved = None
    wrong = isinstance(checkpoint, str) and (flaw(checkpoint) or "\0" in checkpoint)
    if wrong or not isinstance(checkpoint, str | os.PathLike | None):
        raise ValueError(f"checkpoint is {short(checkpoint)}; it must be a folder's path.")
    if checkpoint is not None:
        saved = Checkpoint(
            checkpoint, _identity(model, prepared, settings, method, num_samples, keys, points)
        )

    side_by_side = method == "vectorized" or (method == "parallel" and _is_small(prepared))
    size = num_chains if side_by_side else devices
    total = num_warmup + num_samples
    groups: list[list[Block]] = []
    clock, stopped = time.perf_counter(), False
    seconds = {"init": 0.0}
    bar = tqdm(total=total * num_chains // size, disable=not progress, unit="step", desc="warm-up")
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
                    _show(bar, at, num_warmup, total, state, groups)
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
        warnings.warn(
            f"Stopped: {kept['chain']} chains of {kept['draw']} draws are kept.",
            SamplingWarning,
            stacklevel=3,
        )
    for sentence in posterior.problems():
        warnings.warn(sentence, SamplingWarning, stacklevel=3)
    return posterior


def _method(method: str, num_chains: int, prepared: Any, mesh: Any) -> tuple[str, int]:
    known = ("auto", "vectorized", "sequential", "parallel")
    if method not in known:
        raise ValueError(f"chain_method is {method!r}; it must be one of {', '.join(known)}.")
    if mesh is not None:
        return _over_mesh(method, num_chains, prepared, mesh)
    devices = jax.device_count()
    fitting = max(n for n in range(1, min(devices, num_chains) + 1) if num_chains % n == 0)
    if method == "parallel" and fitting == 1 and num_chains > 1:
        raise ValueError(
            f"chain_method is 'parallel', but {num_chains} chains cannot be spread over "
            f"{devices} device{'s' if devices > 1 else ''}. On CPUs set XLA_FLAGS="
            f"--xla_force_host_platform_device_count={num_chains} before jax starts, or choose "
            f"'vectorized'."
        )
    most = min(devices, num_chains)
    if method in ("auto", "parallel") and fitting < most:
        warnings.warn(
            f"{num_chains} chains cannot be spread evenly over {devices} devices: they run on "
            f"{fitting} of them. Use a multiple of {most} chains to use {most}.",
            SamplingWarning,
            stacklevel=4,
        )
    if method == "auto":
        method = "parallel" if fitting > 1 else "vectorized"
        if method == "vectorized" and not _is_small(prepared):
            method = "sequential"
    return method, fitting if method == "parallel" else 1


def _over_mesh(method: str, num_chains: int, prepared: Any, mesh: Any) -> tuple[str, int]:
    """The method where a mesh says which devices chains and data have."""
    chains = mesh.shape.get(CHAIN, 1)
    if num_chains % chains:
        raise ValueError(
            f"{num_chains} chains cannot be spread evenly over the {chains} devices of the mesh's "
            f"axis {CHAIN!r}: use a multiple of {chains} chains."
        )
    if method == "auto":
        method = "vectorized" if _is_small(prepared) else "sequential"
        method = "parallel" if chains > 1 else method
    if (method == "parallel") != (chains > 1):
        raise ValueError(
            f"chain_method is {method!r} with a mesh whose axis {CHAIN!r} has {chains} devices: "
            f"leave chain_method out."
        )
    return method, chains


def _is_small(prepared: Any) -> bool:
    """Whether several chains in one batched call cost less than one by one.

    On a CPU chains in one call wait for the longest trajectory among them.
    """
    return jax.default_backend() != "cpu" or int(prepared.num_events) <= VECTORIZED_EVENTS


def _regularized(model: Any, prepared: Any, dense: Any, num_warmup: int) -> bool:
    """Whether the learned covariance needs the shrinkage towards 10^-3 times the identity.

    It keeps the covariance regular if there are few draws of many parameters. With n events a
    parameter's variance may be as low as about 1 / n, and the shrinkage target still contributes
    2 x 10^-5 after 250 draws.
    """
    if num_warmup < LEARNING_STEPS or int(prepared.num_events) < NARROW_EVENTS:
        return True
    sizes = {name: math.prod(shape) for name, shape in model.shapes(prepared).items()}
    blocks = [tuple(sizes)] if dense is True else dense or []
    return any(sum(sizes[name] for name in names) > FEW_PARAMETERS for names in blocks)


def _dense(given: Any, model: Any, prepared: Any) -> bool | list[tuple[str, ...]]:
    """True, False, or blocks of parameters, each parameter named once."""
    if isinstance(given, bool):
        return given
    blocks = [tuple(listed_once(names) or ()) for names in listed_once(given) or ()]
    known = list(model.shapes(prepared))
    named = [name for names in blocks for name in names]
    if not blocks or not all(isinstance(name, str) and name in known for name in named):
        raise ValueError(
            f"dense_mass is {short(given)}; it must be True, False, or a list of tuples of the "
            f"parameters {', '.join(known)}."
        )
    return blocks


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


def _show(bar, at, num_warmup, total, state, groups) -> None:
    bar.set_description("warm-up" if at < num_warmup else "sampling", refresh=False)
    diverging = sum(int(b.statistics["diverging"].sum()) for blocks in groups for b in blocks)
    size = float(np.mean(np.asarray(state.adapt_state.step_size)))
    bar.set_postfix(divergences=diverging, step_size=f"{size:.3g}", refresh=False)
    chain = len(groups) - 1
    bar.update(chain * total + at - bar.n)


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
    natural |= jax.vmap(jax.vmap(model.derived, (0, None)), (0, None))(natural, prepared)
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
