"""A model's parameters on the whole real line, and starting points there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpyro.distributions import biject_to
from numpyro.distributions.transforms import IdentityTransform

from hawkesjax.core.compiled import at_once

Point = dict[str, Array]


@dataclass(frozen=True)
class Unconstrained:
    """The map between natural parameters and a free point, by the supports of the priors.

    Called with a free point and prepared data it returns minus the log density of the data (and of
    what `Model.marginal` integrates out).

    Args:
        model: the model.
        as_they_are: parameters that stay natural.
    """

    model: Any
    as_they_are: tuple[str, ...] = ()

    def natural(self, point: Mapping[str, Any], data: Any) -> Point:
        """Natural parameters of a free point, including fixed ones."""
        maps, structures = self._maps(data), self.model.structures(data)
        found = {name: maps[name](value) for name, value in point.items()}
        for name, one in structures.items():
            if name in found or not one.size:
                found[name] = one.expand(found.get(name, jnp.zeros(0, data.dtype)))
        return found

    def free(self, params: Mapping[str, Any], data: Any) -> Point:
        """Free point of natural parameters, without those that are wholly fixed."""
        free = self.reduced(params, data)
        return {name: one.inv(free[name]) for name, one in self._maps(data).items() if name in free}

    def reduced(self, parts: Mapping[str, Any], data: Any) -> dict[str, Any]:
        """Quantities by entry as quantities by free entry; without parameters that have none."""
        structures = self.model.structures(data)
        return {
            name: structures[name].reduce(part) if name in structures else part
            for name, part in parts.items()
            if name not in structures or structures[name].size
        }

    def _maps(self, data: Any) -> dict[str, Any]:
        maps = {name: biject_to(prior.support) for name, prior in self.model.sites(data).items()}
        return maps | {name: IdentityTransform() for name in self.as_they_are if name in maps}

    def started(self, params: Mapping[str, Any], data: Any) -> Point:
        """`free`, with the middle (0) for what is outside a prior's support."""
        free = self.free(params, data)
        return {name: jnp.where(jnp.isfinite(leaf), leaf, 0) for name, leaf in free.items()}

    def __call__(self, point: Mapping[str, Any], data: Any) -> Array:
        return _minus_log_density(point, data, loss=self)


@partial(jax.jit, static_argnames="loss")
def _minus_log_density(point, data, *, loss):
    """A program of its own within those of a search, of errors and of chains: it is traced and
    differentiated once for all of them."""
    return -loss.model.log_density(loss.natural(point, data), data)


@partial(jax.jit, static_argnames="loss")
def value_and_grad(point: Point, data: Any, *, loss: Unconstrained) -> tuple[Array, Point]:
    """The loss and its gradient, compiled once for all panels of one size."""
    return jax.value_and_grad(loss)(point, data)


@jax.jit
def largest(tree: Any) -> Array:
    """Largest absolute value of all leaves."""
    return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]))


def given_point(loss: Unconstrained, given: Any, data: Any) -> Point:
    """The free point of an `Estimate` or a dict of natural parameters.

    Raises:
        ValueError: for a missing parameter or a value outside its support.
    """
    values = getattr(given, "params", given)
    if not isinstance(values, Mapping):
        raise ValueError(
            f"init must be an Estimate or a dict of natural parameters, not {type(given).__name__}."
        )
    shapes = loss.model.shapes(data)
    missing = [name for name in shapes if name not in values]
    if missing:
        raise ValueError(f"init has no {missing}; it needs {list(shapes)}.")
    real = data.dtype
    natural = {}
    for name, shape in shapes.items():
        try:
            natural[name] = jnp.broadcast_to(jnp.asarray(values[name], real), shape)
        except ValueError as error:
            raise ValueError(
                f"init[{name!r}] has shape {np.shape(values[name])}; it must be {shape}."
            ) from error
    if values is not given:  # an estimate on the boundary starts near it
        tiny = float(jnp.finfo(real).tiny) ** 0.25  # 1e-77 in float64, 3e-10 in float32
        natural = {name: jnp.where(value == 0, tiny, value) for name, value in natural.items()}
    point = at_once(loss, "free", natural, data)
    for name, leaf in point.items():
        if not bool(jnp.all(jnp.isfinite(leaf))):
            raise ValueError(f"init[{name!r}] has a value outside its support or on its boundary.")
    return point


def best_start(loss: Unconstrained, data: Any) -> Point:
    """The best of the model's own starting values; those outside a prior's support become 0 on
    the free scale, its middle."""
    starts = loss.model.starts(data)
    candidates = [at_once(loss, "started", values, data) for values in starts]
    scores = [float(value_and_grad(point, data, loss=loss)[0]) for point in candidates]
    return candidates[int(np.argmin([s if np.isfinite(s) else np.inf for s in scores]))]


def inside(loss: Unconstrained, point: Point, data: Any) -> Point:
    """The point with parameters on a boundary moved to the model's own start: chains that begin
    where a parameter is nearly infinite on the free scale do not return."""
    edge = loss.reduced(loss.model.at_boundary(loss.natural(point, data), data), data)
    if not any(mask.any() for mask in edge.values()):
        return point
    own = best_start(loss, data)
    return {name: jnp.where(edge[name], own[name], leaf) for name, leaf in point.items()}


def scattered(point: Point, key: Array, scale: float) -> Point:
    """The point with independent normal noise of standard deviation `scale`."""
    keys = jax.random.split(key, len(point))
    return {
        name: value + scale * jax.random.normal(k, value.shape, value.dtype)
        for k, (name, value) in zip(keys, point.items(), strict=True)
    }


def within(loss: Unconstrained, centre: Point, point: Point, data: Any) -> Point:
    """The point, moved halfway to the centre while its density is 0: 30 times at most."""
    for _ in range(30):
        if np.isfinite(float(value_and_grad(point, data, loss=loss)[0])):
            break
        point = jax.tree.map(lambda one, two: (one + two) / 2, point, centre)
    return point
