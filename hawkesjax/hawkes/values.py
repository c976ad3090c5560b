"""Parameters out of whatever holds them: a dict, an estimate, a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.prepared import same_gamma

NAMES = ("mu", "alpha", "gamma")


def draws_of(
    values: Any, model: Any = None, limit: int | None = None, panel: EventPanel | None = None
) -> dict[str, np.ndarray]:
    """Natural parameters of a Hawkes model (mu, alpha and gamma; of one with covariates or
    another kernel also theirs) with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        model: the model, for what the values lack: covariates, the kernel, a fixed gamma, or mu
            of its hierarchy.
        limit: keep at most this many draws, evenly spaced over all chains.
        panel: bring the values of an `Estimate` or `Posterior` into the order of this panel's
            sequences and marks, by name.

    Raises:
        ValueError: when a parameter is missing, a fixed gamma is contradicted, or the panel has
            a sequence or mark that was not fitted.
    """
    config = getattr(values, "config", None)
    if isinstance(config, Mapping):
        _same_model(config, model)
    names = NAMES if model is None else model.natural
    known = getattr(values, "params", values)
    if isinstance(known, Mapping):
        found = {name: np.asarray(value)[None] for name, value in known.items()}
    else:
        found = {name: _stacked(values, name) for name in names if _holds(values, name)}
    if "gamma" not in found:
        fixed = getattr(model, "gamma", None)
        if fixed is None and isinstance(config, Mapping):
            fixed = config.get("gamma")
        if fixed is not None:
            found["gamma"] = np.asarray(fixed, np.float64)[None]
    fixed = getattr(model, "gamma", None)
    if fixed is not None and not all(same_gamma(fixed, one) for one in found["gamma"]):
        raise ValueError(f"The model's gamma is fixed at {fixed}, the values bring another one.")
    if "mu" in names and "mu" not in found and "mu_median" in found and model is not None:
        found["mu"] = np.asarray(model.background.level(found))
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"Parameters {missing} are missing; {', '.join(names)} are needed.")
    found = {name: found[name] for name in names}
    if panel is not None:
        found = _aligned(found, values, panel)
    if limit is not None:
        total = max(len(value) for value in found.values())
        if total > limit:
            chosen = np.linspace(0, total - 1, limit).round().astype(int)
            found = {
                name: value[chosen] if len(value) > 1 else value for name, value in found.items()
            }
    return found


def point_of(
    values: Any, model: Any = None, panel: EventPanel | None = None
) -> dict[str, np.ndarray]:
    """One value of mu, alpha and gamma: the posterior mean where there are draws."""
    found = draws_of(values, model, panel=panel)
    return {name: value.mean(axis=0) for name, value in found.items()}


def _same_model(config: Mapping[str, Any], model: Any) -> None:
    """Refuse values of another baseline or kernel, which the parameters alone do not tell."""
    levels = config.get("baseline")
    features = levels["features"] if isinstance(levels, Mapping) else []
    kernel = config.get("kernel", "exponential")
    if features != ([] if model is None else model.background.features):
        raise ValueError(
            f"These values are of a model whose covariates are {features}: give that model."
        )
    if kernel != ("exponential" if model is None else model.kernel.config()):
        raise ValueError(f"These values are of a model whose kernel is {kernel}: give that model.")


def names_of(values: Any) -> dict[str, list[str]]:
    """Names of sequences and marks that an `Estimate` or a `Posterior` carries; none in a dict."""
    if isinstance(getattr(values, "coords", None), Mapping):
        known = {name: values.coords[name] for name in ("sequence", "mark")}
    elif is_posterior(values) and hasattr(values["alpha"], "coords"):
        known = {"mark": values["alpha"].coords["source"].values}
        if _holds(values, "mu") and "sequence" in values["mu"].dims:
            known["sequence"] = values["mu"].coords["sequence"].values
    else:
        known = {}
    return {name: [str(one) for one in part] for name, part in known.items()}


def _aligned(found: dict[str, np.ndarray], values: Any, panel: EventPanel):
    """The values in the order of the panel's names."""
    known = names_of(values)
    order = {}
    for axis, wanted in (("sequence", panel.sequence_names), ("mark", panel.mark_names)):
        have = known.get(axis)
        if have is None or have == list(wanted) or (axis == "sequence" and not _by_sequence(found)):
            continue
        place = {name: number for number, name in enumerate(have)}
        unknown = [name for name in wanted if name not in place]
        if unknown:
            raise ValueError(
                f"The panel has {len(unknown)} {axis}s that were not fitted "
                f"({', '.join(unknown[:5])}); fitted were {', '.join(have[:5])}"
                f"{', ...' if len(have) > 5 else ''}."
            )
        order[axis] = np.array([place[name] for name in wanted])
    if "sequence" in order:
        found = found | {"mu": found["mu"][:, order["sequence"]]}
    if "mark" in order:
        marks = order["mark"]
        found = found | {"mu": found["mu"][..., marks]} if "mu" in found else found
        found = found | {"beta": found["beta"][:, marks]} if "beta" in found else found
        for name in ("alpha", "gamma"):
            value = found[name]
            if value.ndim == 3:
                value = value[:, marks[:, None], marks[None, :]]
            elif value.ndim == 2:
                value = value[:, marks]
            found[name] = value
    return found


def _by_sequence(found: dict[str, np.ndarray]) -> bool:
    return "mu" in found and found["mu"].ndim == 3


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
