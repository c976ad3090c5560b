"""A model's table of parameters, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array

from hawkesjax.core.supports import ends
from hawkesjax.inputs.arguments import Range
from hawkesjax.inputs.arrays import HostArray

Params = Mapping[str, Any]


def _always(data: Any) -> bool:
    return True


@dataclass(frozen=True)
class Parameter:
    """One parameter that a model samples.

    Args:
        name: used in dicts of parameters, tables and files.
        prior: its default prior, a numpyro distribution that broadcasts to its shape; or a function
            of the prepared data that returns one.
        dims: names of its axes, whose sizes `Model.sizes` gives.
        start: where the search for a maximum begins, a number or array that broadcasts, or a
            function of the prepared data; None for the middle of the support.
        edge: function of (params, prepared data) that gives a mask of the entries whose values lie
            on the boundary of what the data can show. Ends of the prior's support need no mask.
        support: where its values may lie, whatever its prior, whose support must be inside; None
            for the ends of a default prior that is a distribution, and the whole line otherwise.
        present: whether these data (raw or prepared) contain information on it; if not, it is left
            out.
    """

    name: str
    prior: dist.Distribution | Callable[[Any], dist.Distribution]
    dims: tuple[str, ...] = ()
    start: Any = None
    edge: Callable[[Params, Any], Any] | None = None
    support: Range | None = None
    present: Callable[[Any], bool] = _always

    @property
    def range(self) -> Range:
        """Where its values may lie."""
        if self.support is not None or not isinstance(self.prior, dist.Distribution):
            return self.support or Range()
        return ends(self.prior.support)

    @property
    def is_in_all(self) -> bool:
        """Whether it is present in all data."""
        return self.present is _always


def given_by(value: Any, data: Any) -> Any:
    """A prior or a start that may be a function of the prepared data."""
    return value(data) if callable(value) and not isinstance(value, dist.Distribution) else value


def starts_of(
    table: Sequence[Parameter], shapes: Mapping[str, tuple[int, ...]], data: Any
) -> dict[str, Array]:
    """Starting values of the parameters that have a shape; NaN for the middle of the support."""
    return {
        one.name: jnp.broadcast_to(
            jnp.asarray(jnp.nan if one.start is None else given_by(one.start, data), data.dtype),
            shapes[one.name],
        )
        for one in table
        if one.name in shapes
    }


def edges_of(
    table: Sequence[Parameter], sites: Mapping[str, dist.Distribution], params: Params, data: Any
) -> dict[str, HostArray]:
    """Masks of the entries that the table says lie on an edge, or that lie at the end of a prior's
    support."""
    masks: dict[str, HostArray] = {
        n: np.zeros(np.shape(value), bool) for n, value in params.items()
    }
    for one in table:
        if one.name in masks and one.edge is not None:
            edge = np.asarray(one.edge(params, data))
            masks[one.name] = np.asarray(masks[one.name], bool) | edge
    for name, prior in sites.items():
        for side in ("lower_bound", "upper_bound"):
            bound = getattr(prior.support, side, None)
            if bound is not None and np.all(np.asarray(bound) != 0):
                near = np.abs(np.asarray(params[name]) / np.asarray(bound) - 1) < 1e-6
                masks[name] = np.asarray(masks[name], bool) | near
    return masks
