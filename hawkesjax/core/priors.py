"""Priors: expanded to their parameters' shapes, described in text, and restored."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from hawkesjax.core.parameter import given_by


def resolve(
    priors: Mapping[str, dist.Distribution], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, dist.Distribution]:
    """One distribution per parameter, expanded to the parameter's shape.

    Args:
        priors: a distribution for each parameter; others are ignored.
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


def chosen(model: Any, data: Any) -> dict[str, dist.Distribution]:
    """The prior of each parameter of a model, the user's own or the table's; data prepared. Of a
    prior with parameters of its own (it has a `config`) the table contains all parts."""
    shapes = model.shapes(data)
    given = {} if isinstance(model.priors, str) else dict(model.priors)
    given = {name: prior for name, prior in given.items() if not hasattr(type(prior), "config")}
    found = {
        one.name: given[one.name] if one.name in given else given_by(one.prior, data)
        for one in model.parameters
        if one.name in shapes
    }
    return resolve(found, shapes)


def describe(prior: Any) -> str:
    """A prior as text that distinguishes any two: arguments, components, all values."""
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


class Described:
    """A prior of which only the description was saved: it can be shown, but not used."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> Any:
        raise ValueError(
            f"The prior {self.text} was saved as text only: to sample again, build the model with "
            f"its priors."
        )


def drawn(model: Any, prepared: Any, keys: Any, lead: tuple[int, ...]) -> dict[str, Any]:
    """Draws of each parameter from its prior, given those before it in the table.

    Args:
        model: a model.
        prepared: its prepared data.
        keys: a PRNG key for each parameter.
        lead: shape of the draws.
    """
    found: dict[str, Any] = {}
    for (name, prior), key in zip(model.sites(prepared).items(), keys, strict=True):
        given = model.conditioned(name, prior, found)
        found[name] = given.sample(key, lead if given is prior else ())
    return found


def restored(text: Any) -> Any:
    """A prior restored from its text: a plain numpyro distribution of numbers, or `Described`; one
    that is restored already stays."""
    if not isinstance(text, str):
        return text
    try:
        call = ast.parse(text, mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            kind = getattr(dist, call.func.id)
            values = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
            prior = kind(**{name: jnp.asarray(value) for name, value in values.items()})
            if describe(prior) == text:
                return prior
    except (AttributeError, SyntaxError, TypeError, ValueError):
        pass
    return Described(text)


def as_json(value: Any) -> Any:
    """A model's setting as a JSON-serialisable value."""
    if isinstance(value, dist.Distribution):
        return describe(value)
    if isinstance(value, Described):
        return value.text
    if hasattr(value, "config"):
        return value.config()
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value
