"""Parameters of a Hawkes model from any object that holds them, in the order of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.core.draws import draws_of as core_draws
from hawkesjax.core.draws import model_of, thinned
from hawkesjax.core.supports import hold
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.prepared import same_gamma
from hawkesjax.inputs.arrays import HostArray


def law_of(values: Any, model: HawkesLaw | None) -> HawkesLaw:
    """The given model, else the one that the values carry, else the plain one.

    Raises:
        ValueError: for values of another baseline or kernel, which parameters alone do not reveal.
    """
    own, known = model_of(values, None), model_of(values, model)
    if known is None:
        return HawkesLaw()
    if not isinstance(known, HawkesLaw):
        raise ValueError(f"This needs values of a Hawkes model, not of a {type(known).__name__}.")
    if isinstance(own, HawkesLaw):
        for what, mine, asked in (
            ("covariates are", own.background.features, known.background.features),
            ("kernel is", own.kernel.config(), known.kernel.config()),
            ("link is", own.link, known.link),
        ):
            if mine != asked:
                raise ValueError(
                    f"These values are from a model whose {what} {mine}: pass that model."
                )
    return known


def draws_of(
    values: Any,
    model: HawkesLaw | None = None,
    limit: int | None = None,
    panel: EventPanel | None = None,
) -> dict[str, np.ndarray]:
    """Natural parameters of a Hawkes model (mu, alpha and gamma, and those of covariates or another
    kernel) with a leading axis of draws (one for a dict or an estimate).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        model: required with a dict of parameters of anything but a plain `Hawkes()`.
        limit: keep at most this many draws, evenly spaced over all chains.
        panel: reorder the values of an `Estimate` or `Posterior` by name to this panel's sequences
            and marks.

    Raises:
        ValueError: when a parameter is missing or outside its support, a fixed gamma is
            contradicted, or the panel has a sequence or mark that was not fitted.
    """
    law = law_of(values, model)
    found = core_draws(values)
    if isinstance(values, Mapping):
        hold(law.supports, values)
    if law.gamma is not None:
        found.setdefault("gamma", np.asarray(law.gamma, np.float64)[None])
        if not all(same_gamma(law.gamma, one) for one in found["gamma"]):
            raise ValueError(
                f"The model's gamma is fixed at {law.gamma}; the values have a different one."
            )
    names = law.natural
    if "mu" in names and "mu" not in found and "mu_median" in found:
        found["mu"] = np.asarray(law.background.level(found))
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"Parameters {missing} are missing; {', '.join(names)} are needed.")
    found = {name: found[name] for name in names}
    if panel is not None:
        found = _aligned(found, values, panel)
    return thinned(found, limit)


def one_of(draws: dict[str, np.ndarray], number: int) -> dict[str, HostArray]:
    """One draw; draws are reused cyclically, and a single draw serves for all numbers."""
    return {name: value[number % len(value)] for name, value in draws.items()}


def point_of(
    values: Any, model: HawkesLaw | None = None, panel: EventPanel | None = None
) -> dict[str, np.ndarray]:
    """One value of mu, alpha and gamma: the posterior mean where there are draws."""
    found = draws_of(values, model, panel=panel)
    return {name: value.mean(axis=0) for name, value in found.items()}


def names_of(values: Any) -> dict[str, list[str]]:
    """Names of sequences and marks that an `Estimate` or a `Posterior` carries; none in a dict."""
    coords = getattr(values, "coords", {})
    known = {"sequence": coords.get("sequence"), "mark": coords.get("source")}
    return {name: list(map(str, part)) for name, part in known.items() if part is not None}


def _aligned(found: dict[str, np.ndarray], values: Any, panel: EventPanel):
    """The values in the order of the panel's names."""
    known = names_of(values)
    order = {}
    for axis, wanted in (("sequence", panel.sequence_names), ("mark", panel.mark_names)):
        have = known.get(axis)
        shared = axis == "sequence" and not (_by_sequence(found) or "alpha_offset" in found)
        if have is None or have == list(wanted) or shared:
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
        rows = order["sequence"]
        if _by_sequence(found):
            found = found | {"mu": found["mu"][:, rows]}
        if "alpha_offset" in found and found["alpha_offset"].shape[-1] == len(known["sequence"]):
            found = found | {"alpha_offset": found["alpha_offset"][..., rows]}
    if "mark" in order:
        marks = order["mark"]
        if "gamma_effect" in found:  # by no mark, by source, or by target and source
            value = found["gamma_effect"]
            places = {4: np.ix_(marks, marks), 3: (marks,)}.get(value.ndim, ())
            found = found | {"gamma_effect": value[(slice(None), *places)]}
        found = found | {"mu": found["mu"][..., marks]} if "mu" in found else found
        found = found | {"beta": found["beta"][:, marks]} if "beta" in found else found
        for name in ("alpha", "gamma", "kappa", "alpha_effect", "alpha_spread", "alpha_offset"):
            value = found.get(name, np.zeros(1))
            if value.ndim >= 3:
                found = found | {name: value[:, marks[:, None], marks[None, :]]}
            elif value.ndim == 2:
                found = found | {name: value[:, marks]}
    return found


def _by_sequence(found: dict[str, np.ndarray]) -> bool:
    return "mu" in found and found["mu"].ndim == 3
