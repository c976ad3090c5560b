"""A row of a model's table of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpyro.distributions as dist

from hawkesjax.core.supports import ends
from hawkesjax.inputs.arguments import Range

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
