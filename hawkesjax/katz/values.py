"""Parameters of a Katz spike model out of whatever holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.core.draws import draws_of as core_draws
from hawkesjax.inputs.arrays import HostArray


def draws_of(values: Any, limit: int | None = None) -> dict[str, np.ndarray]:
    """alpha, and b or shape and mean, with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        limit: keep at most this many draws, evenly spaced over all chains.

    Raises:
        ValueError: when a parameter is missing.
    """
    found = {n: np.asarray(v, np.float64) for n, v in core_draws(values, limit).items()}
    found.pop("alpha_star", None)
    if "alpha" not in found or not ("b" in found or {"shape", "mean"} <= set(found)):
        raise ValueError("Parameters are missing: alpha, and b or shape and mean, are needed.")
    return found


def one_of(draws: Mapping[str, np.ndarray], number: int) -> dict[str, HostArray]:
    """One of the draws; what has one draw serves for all."""
    return {name: value[number if len(value) > 1 else 0] for name, value in draws.items()}
