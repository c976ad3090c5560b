"""Parameters from any object that holds them: a dict, an estimate, a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.model import Model
from hawkesjax.core.posterior import Posterior
from hawkesjax.inputs.arguments import numbers


def draws_of(values: Any, limit: int | None = None) -> dict[str, np.ndarray]:
    """Natural parameters with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        limit: keep at most this many draws, evenly spaced over all chains.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(values, Estimate | Posterior):
        return thinned(values.draws(), limit)
    if isinstance(values, Mapping):
        return {str(name): np.asarray(value)[None] for name, value in values.items()}
    raise not_values(values)


def params_of(params: Any) -> dict[str, np.ndarray]:
    """Natural parameters to simulate from, given as a dict or an `Estimate`.

    Raises:
        ValueError: for anything else.
    """
    values = params.params if isinstance(params, Estimate) else params
    if not isinstance(values, Mapping):
        raise ValueError(
            f"params must be a dict of arrays or an Estimate, not {type(params).__name__}; from a "
            f"posterior, pass one draw or its mean."
        )
    return {str(name): numbers(value, str(name)) for name, value in values.items()}


def not_values(values: Any) -> ValueError:
    """The error for something that holds no parameters."""
    return ValueError(
        f"The values must be a Posterior, an Estimate or a dict of natural parameters, not "
        f"{type(values).__name__}."
    )


def thinned(draws: Mapping[str, np.ndarray], limit: int | None) -> dict[str, np.ndarray]:
    """At most `limit` draws of each parameter, evenly spaced; single draws are kept."""
    total = max((len(value) for value in draws.values()), default=0)
    if limit is None or total <= limit:
        return dict(draws)
    chosen = np.linspace(0, total - 1, limit).round().astype(int)
    return {name: value[chosen] if len(value) > 1 else value for name, value in draws.items()}


def model_of(values: Any, model: Model | None) -> Model | None:
    """The given model, else the one that the values carry; None for a dict alone.

    Raises:
        ValueError: for values of another kind of model, and something that is not a model.
    """
    if model is not None and not isinstance(model, Model):
        raise ValueError(f"model must be a model, such as Hawkes(), not {type(model).__name__}.")
    own = values.model if isinstance(values, Estimate | Posterior) else None
    if model is not None and own is not None and own.name != model.name:
        raise ValueError(
            f"These values are from a {type(own).__name__}, not from a {type(model).__name__}."
        )
    return own if model is None else model
