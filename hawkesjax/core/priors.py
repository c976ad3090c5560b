"""Priors spread to their parameters' shapes, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist


def resolve(
    priors: Mapping[str, dist.Distribution], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, dist.Distribution]:
    """One distribution per parameter, expanded to the parameter's shape.

    Args:
        priors: a distribution for each parameter, or more.
        shapes: shape of each parameter that the model samples.

    Raises:
        ValueError: when a distribution does not broadcast to its parameter's shape.
    """
    out = {}
    for name, shape in shapes.items():
        prior = priors[name]
        try:
            jnp.broadcast_shapes(prior.shape(), shape)
            out[name] = prior if prior.shape() == shape else prior.expand(shape)
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"The prior of {name!r} has shape {prior.shape()}, which does not broadcast to "
                f"the parameter's shape {shape}: give a scalar prior or one of that shape."
            ) from error
    return out


def describe(prior: Any) -> str:
    """A prior in words that tell any two apart: arguments, what it is built from, all values."""
    parts: dict[str, Any] = {
        name: np.asarray(getattr(prior, name)).tolist() for name in prior.arg_constraints
    }
    if hasattr(prior, "base_dist"):
        parts["base"] = describe(prior.base_dist)
    if hasattr(prior, "transforms"):
        parts["transforms"] = [type(transform).__name__ for transform in prior.transforms]
    if not prior.arg_constraints or len(parts) > len(prior.arg_constraints):
        parts["values"] = [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(prior)]
    if prior.shape():
        parts["shape"] = list(prior.shape())
    inside = ", ".join(f"{name}={part}" for name, part in parts.items())
    return f"{type(prior).__name__}({inside})"
