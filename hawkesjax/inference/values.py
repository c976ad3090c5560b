"""Parameters out of whatever holds them: a dict, an estimate, a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

NAMES = ("mu", "alpha", "gamma")


def draws_of(values: Any, model: Any = None, limit: int | None = None) -> dict[str, np.ndarray]:
    """mu, alpha and gamma with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        model: the model, for what the values lack: a fixed gamma, or mu of its hierarchy.
        limit: keep at most this many draws, evenly spaced over all chains.

    Raises:
        ValueError: when a parameter is missing.
    """
    config = getattr(values, "config", None)
    known = getattr(values, "params", values)
    if isinstance(known, Mapping):
        found = {name: np.asarray(value)[None] for name, value in known.items()}
    else:
        found = {name: _stacked(values, name) for name in NAMES if _holds(values, name)}
    if "gamma" not in found:
        fixed = getattr(model, "gamma", None)
        if fixed is None and isinstance(config, Mapping):
            fixed = config.get("gamma")
        if fixed is not None:
            found["gamma"] = np.asarray(fixed, np.float64)[None]
    if "mu" not in found and "mu_median" in found and model is not None:
        found["mu"] = np.asarray(model.baselines(found))
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise ValueError(f"Parameters {missing} are missing; mu, alpha and gamma are needed.")
    found = {name: found[name] for name in NAMES}
    if limit is not None:
        total = max(len(value) for value in found.values())
        if total > limit:
            chosen = np.linspace(0, total - 1, limit).round().astype(int)
            found = {
                name: value[chosen] if len(value) > 1 else value for name, value in found.items()
            }
    return found


def point_of(values: Any, model: Any = None) -> dict[str, np.ndarray]:
    """One value of mu, alpha and gamma: the posterior mean where there are draws."""
    return {name: value.mean(axis=0) for name, value in draws_of(values, model).items()}


def is_posterior(values: Any) -> bool:
    """Whether the values are draws."""
    return not isinstance(getattr(values, "params", values), Mapping)


def _stacked(posterior, name) -> np.ndarray:
    values = np.asarray(posterior[name])
    return values.reshape(-1, *values.shape[2:])


def _holds(posterior, name) -> bool:
    try:
        posterior[name]
    except (KeyError, ValueError):
        return False
    return True
