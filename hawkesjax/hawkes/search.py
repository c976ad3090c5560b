"""Where the search for a maximum of the Hawkes likelihood begins, and where it may end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def starts(model: Any, data: Any) -> list[dict[str, Array]]:
    """See `Hawkes.starts`."""
    rates, shapes = data.rates, model.shapes(data)
    scales = (1.0, 1e-3, 1e-2, 0.1, 10.0) if "gamma" in shapes else (1.0,)
    values = model.background.starts(rates) | {"alpha": 0.5 / data.num_marks}
    values |= model.kernel.starts()
    return [
        {
            name: jnp.broadcast_to(
                jnp.asarray(
                    scale * jnp.sum(rates) if name == "gamma" else values[name], rates.dtype
                ),
                shape,
            )
            for name, shape in shapes.items()
        }
        for scale in scales
    ]


def at_boundary(model: Any, params: Mapping[str, Any], data: Any) -> dict[str, np.ndarray]:
    """See `Hawkes.at_boundary`."""
    counts = np.sum(np.asarray(data.counts, np.float64), axis=0)
    longest = np.max(np.asarray(data.durations, np.float64), initial=0)
    edge = {name: np.zeros(np.shape(value), bool) for name, value in params.items()}
    edge |= model.background.at_boundary(params, data)
    edge["alpha"] = np.asarray(params["alpha"]) * counts < 0.01
    if "gamma" in edge:
        flat = np.asarray(params["gamma"]) * model.kernel.ratios.max() * longest < 0.01
        edge["gamma"] |= flat
        edge["alpha"] |= np.broadcast_to(flat, edge["alpha"].shape)
    for name in model.kernel.dims:
        edge[name] |= np.asarray(params[name]) < 1e-6
    for name, prior in model.sites(data).items():
        upper = getattr(prior.support, "upper_bound", None)
        if upper is not None:
            edge[name] |= np.asarray(params[name]) > (1 - 1e-6) * np.asarray(upper)
    return edge
