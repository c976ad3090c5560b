"""How chains run: side by side or one by one, on which devices, with which adaptation."""

from __future__ import annotations

import math
from typing import Any

import jax

from hawkesjax.core.diagnostics import SamplingWarning
from hawkesjax.core.mesh import CHAIN
from hawkesjax.inputs.checks import listed_once, short
from hawkesjax.inputs.warned import warn

VECTORIZED_EVENTS = 20_000  # up to here a CPU spends its time on calls, not on events
# The shrinkage of the learned covariance towards 10^-3 is left out only for narrow posteriors
# (variances of about 1 / events) with many draws per entry: see `regularized`.
NARROW_EVENTS = 50_000
LEARNING_STEPS = 150
FEW_PARAMETERS = 8


def method_of(method: str, num_chains: int, prepared: Any, mesh: Any) -> tuple[str, int]:
    known = ("auto", "vectorized", "sequential", "parallel")
    if method not in known:
        raise ValueError(f"chain_method is {method!r}; it must be one of {', '.join(known)}.")
    if mesh is not None:
        return _over_mesh(method, num_chains, prepared, mesh)
    if jax.process_count() > 1:
        warn(
            f"{jax.process_count()} processes have joined, and this call runs on one: each process "
            f"that makes it with the same key and data gets the same draws. Share the data among "
            f"them (mesh=hawkesjax.make_mesh(hosts=True)), or give each a key of its own.",
            SamplingWarning,
        )
    devices = jax.local_device_count()
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
        warn(
            f"{num_chains} chains cannot be spread evenly over {devices} devices: they run on "
            f"{fitting} of them. Use a multiple of {most} chains to use {most}.",
            SamplingWarning,
        )
    if method == "auto":
        method = "parallel" if fitting > 1 else "vectorized"
        if method == "vectorized" and not is_small(prepared):
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
        method = "vectorized" if is_small(prepared) else "sequential"
        method = "parallel" if chains > 1 else method
    if (method == "parallel") != (chains > 1):
        raise ValueError(
            f"chain_method is {method!r} with a mesh whose axis {CHAIN!r} has {chains} devices: "
            f"leave chain_method out."
        )
    return method, chains


def is_small(prepared: Any) -> bool:
    """Whether several chains in one batched call cost less than one by one.

    On a CPU chains in one call wait for the longest trajectory among them.
    """
    return jax.default_backend() != "cpu" or int(prepared.num_events) <= VECTORIZED_EVENTS


def regularized(model: Any, prepared: Any, dense: Any, num_warmup: int) -> bool:
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


def dense_blocks(given: Any, model: Any, prepared: Any) -> bool | list[tuple[str, ...]]:
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
