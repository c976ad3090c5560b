"""One compiled block of NUTS steps, and the loop around it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from numpyro.infer.hmc import hmc
from numpyro.infer.util import potential_energy

from hawkesjax.core.mesh import CHAIN, over_hosts

STATISTICS = ("diverging", "energy", "lp", "num_steps", "acceptance_rate", "step_size")


@dataclass(frozen=True)
class Settings:
    """Settings that determine the compiled kernel.

    Args:
        num_warmup: steps of adaptation.
        target_accept: acceptance rate that the step size is adapted to.
        max_tree_depth: limits trajectories to 2^depth - 1 steps.
        dense_mass: as numpyro's `NUTS(dense_mass=...)`, with tuples instead of lists.
        block: steps in one compiled call.
        devices: devices over which the chains of one call are spread.
        regularize: whether the learned covariance is shrunk towards 10^-3 times the identity, as
            in Stan. For a posterior far narrower than that, this would hide its shape.
    """

    num_warmup: int
    target_accept: float
    max_tree_depth: int
    dense_mass: Any
    block: int
    devices: int = 1
    regularize: bool = True


class Block(NamedTuple):
    """A block's draws: unconstrained points and statistics, (chains, steps, ...)."""

    point: dict[str, Any]
    statistics: dict[str, Any]


class Kernel:
    """numpyro's NUTS behind two compiled functions, which take the data as an argument.

    `init(keys, points, data)` gives the chains' state; `advance(state, data, count)` the state
    `count <= block` steps later, with the draws. Batched over chains. Panels of the same sizes
    share one compilation, for both warm-up and sampling.
    """

    def __init__(self, model: Any, settings: Settings, mesh: Mesh | None = None) -> None:
        dense = settings.dense_mass
        self.settings = settings
        self.traces = 0
        # The sampler itself and not `NUTS`, which searches a valid start although it is given one.
        begin, onward = hmc(
            potential_fn_gen=lambda data: functools.partial(_potential, model, data)
        )

        def init(keys, points, data):
            whole = [tuple(sorted(points))] if dense else []
            blocks = whole if isinstance(dense, bool) else [tuple(names) for names in dense]

            def one(key, point):
                return begin(
                    point,
                    settings.num_warmup,
                    dense_mass=blocks,
                    target_accept_prob=settings.target_accept,
                    trajectory_length=None,
                    max_tree_depth=settings.max_tree_depth,
                    regularize_mass_matrix=settings.regularize,
                    model_args=(data,),
                    rng_key=jax.random.split(key)[0],
                )

            return jax.tree.map(_strong, _over_chains(one, keys, points))

        def advance(state, data, count):
            self.traces += 1

            def one(chain):
                return regular(chain, onward(chain, (data,), {}))

            blank = jax.eval_shape(_draw, state)

            def step(state, index):
                def move(state):
                    state = _over_chains(one, state)
                    return state, _draw(state)

                def stay(state):
                    return state, jax.tree.map(
                        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), blank
                    )

                return jax.lax.cond(index < count, move, stay, state)

            state, draws = jax.lax.scan(step, state, jnp.arange(settings.block))
            state = jax.tree.map(_strong, state)
            return state, jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), draws)

        if settings.devices > 1:
            if mesh is None:
                own = np.array(jax.local_devices()[: settings.devices])
                mesh = Mesh(own, (CHAIN,), axis_types=(AxisType.Auto,))
            chains, whole = PartitionSpec(CHAIN), PartitionSpec()
            # What a further axis of the mesh does with the data is left to the partitioner.
            spread = functools.partial(
                jax.shard_map, mesh=mesh, axis_names={CHAIN}, check_vma=False
            )
            init = spread(init, in_specs=(chains, chains, whole), out_specs=chains)
            advance = spread(advance, in_specs=(chains, whole, whole), out_specs=chains)
        # Over hosts every process has all draws and the whole state.
        everywhere = NamedSharding(mesh, PartitionSpec()) if over_hosts(mesh) else None
        self.init = jax.jit(init, out_shardings=everywhere)
        self.advance = jax.jit(advance, out_shardings=everywhere)


@functools.partial(jax.jit, static_argnums=0)
def _potential(model: Any, data: Any, point: Any) -> Any:
    """Minus the log density of a free point: traced once for a chain's start and its steps."""
    return potential_energy(model.program, (data,), {}, point)


def _over_chains(function: Callable[..., Any], *args: Any) -> Any:
    """A chain's function for all chains of a device. One alone is not batched: under `vmap` both
    sides of every condition run, and NUTS' nested loops are traced again and again (a first sample
    whose programs were compiled before took 8 to 10 s of CPU with it, and takes 4)."""
    if len(jax.tree.leaves(args)[0]) > 1:
        return jax.vmap(function)(*args)
    alone = function(*jax.tree.map(lambda leaf: leaf[0], args))
    return jax.tree.map(lambda leaf: leaf[None], alone)


def _strong(leaf: Any) -> Any:
    """The leaf without JAX's weak type, which would cause a second compilation."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return jax.lax.convert_element_type(leaf, leaf.dtype)


def regular(before: Any, after: Any) -> Any:
    """The state after a step; a singular covariance is replaced by the earlier one.

    Draws that hardly moved in a window of warm-up give one, unless it is regularized.
    """
    learned = ("inverse_mass_matrix", "mass_matrix_sqrt", "mass_matrix_sqrt_inv")
    old, new = before.adapt_state, after.adapt_state
    leaves = jax.tree.leaves([getattr(new, name) for name in learned])
    good = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    names = (*learned, "step_size", "ss_state")
    kept = {
        name: jax.tree.map(
            lambda mended, known: jnp.where(good, mended, known),
            getattr(new, name),
            getattr(old, name),
        )
        for name in names
    }
    return after._replace(adapt_state=new._replace(**kept))


def _draw(state: Any) -> Block:
    adapted = state.adapt_state
    statistics = (
        state.diverging,
        state.energy,
        -state.potential_energy,
        state.num_steps,
        state.accept_prob,
        adapted.step_size,
    )
    return Block(state.z, dict(zip(STATISTICS, statistics, strict=True)))


_kernels: dict[Any, Kernel] = {}
MAX_KERNELS = 16


def kernel_for(model: Any, settings: Settings, mesh: Mesh | None = None) -> Kernel:
    """The kernel of this model, these settings and devices, compiled once."""
    name = (model, settings, str(jnp.zeros(()).dtype), mesh)
    if name not in _kernels:
        while len(_kernels) >= MAX_KERNELS:
            del _kernels[next(iter(_kernels))]
        _kernels[name] = Kernel(model, settings, mesh)
    return _kernels[name]


def run(
    kernel: Kernel,
    state: Any,
    data: Any,
    *,
    done: int,
    total: int,
    after: Callable[[Any, Block | None, int], None],
) -> None:
    """Advance from step `done` to `total`, a block at a time.

    Blocks end at the end of warm-up, so that none holds both kinds of steps.

    Args:
        after: called with the state, the block's draws (None in warm-up) and the number of steps
            done.
    """
    warmup = kernel.settings.num_warmup
    while done < total:
        end = warmup if done < warmup else total
        count = min(kernel.settings.block, end - done)
        state, block = kernel.advance(state, data, jnp.asarray(count))
        done += count
        drawn = None
        if done > warmup:
            drawn = jax.tree.map(lambda leaf, n=count: np.asarray(leaf)[:, :n], block)
        else:
            jax.block_until_ready(state)
        after(state, drawn, done)
