"""What a search for the maximum reached, and the estimate that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hawkesjax.core.compiled import at_once
from hawkesjax.core.estimate import Result
from hawkesjax.core.information import Arrow
from hawkesjax.core.intervals import blank, errors_of
from hawkesjax.core.labels import entries
from hawkesjax.core.layout import Layout
from hawkesjax.core.structure import said_of
from hawkesjax.core.unconstrained import Point

HESSIAN = 200_000_000  # most entries of the Hessian's blocks: 1.6 GB; 580 marks with one decay


@dataclass(frozen=True)
class End:
    point: Point
    value: float
    grad: float
    steps: int
    still: int
    information: Callable[[], Arrow] | None = None
    found: tuple[str, ...] = ()  # parameters at their best, whatever the others are


def too_large(model: Any, point: Point, data: Any) -> bool:
    """Whether the Hessian's blocks would have too many entries."""
    groups, size = Layout.of(model, point, data).members.shape
    return groups * size**2 > HESSIAN


def report(model, loss, data, prepared, end: End, values, tol, errors, said="", learned=0) -> Any:
    found = at_once(loss, "natural", end.point, prepared)
    found |= at_once(model, "latent", found, prepared)
    natural = {name: found[name] for name in model.shapes(prepared)}
    params = {name: np.asarray(value) for name, value in natural.items()}
    more = at_once(model, "derived", natural, prepared)
    derived = {name: np.asarray(one) for name, one in more.items()}
    gradient = end.grad
    edge = model.at_boundary(params, prepared)
    structures = model.structures(prepared)
    for name, one in structures.items():
        edge[name] = np.asarray(edge[name], bool) & ~one.fixed
    result, why = _verdict(end, gradient, tol, edge, params, model, data)

    parts = blank(params)
    if errors and too_large(loss.model, end.point, prepared):
        why += " No standard errors: the curvature of so many parameters does not fit in memory."
    elif errors and result is not Result.NON_FINITE:
        parts, lost = errors_of(model, loss, natural, prepared, edge, end.information)
        if lost:
            why += (
                f" The information matrix is not positive definite: the data do not determine "
                f"{', '.join(lost)}, which have no standard errors."
            )
    if structures:
        why = f"{why} {said_of(structures)}"
    why = f"{why} {said}" if said else why
    count = sum(int(np.size(value)) for value in end.point.values()) + learned
    if result is not Result.NON_FINITE:
        why += _beside_none(model.without_effects(prepared), -end.value, count)
        told = {name: np.where(edge[name], 0, value)[None] for name, value in params.items()}
        told |= {name: value[None] for name, value in derived.items()}
        why = " ".join([why, *model.remarks(told, data)])
    for name, value in derived.items():
        params[name] = value
        for part in parts:
            part.setdefault(name, np.full(params[name].shape, np.nan))
    deviations, lower, upper = parts
    coords = model.coords(data)
    return model.estimate_type(
        model=model,
        params=params,
        standard_errors=deviations,
        lower=lower,
        upper=upper,
        log_likelihood=-end.value,
        num_parameters=count,
        num_events=int(prepared.num_events),
        result=result,
        message=why,
        gradient=gradient,
        steps=end.steps,
        starts=tuple(values),
        dims=dict(model.dims),
        coords=coords,
        data=data,
        constants={n: float(v) for n, (dims, v) in model.constant(data).items() if not dims},
    )


def _beside_none(rival: tuple[float, int] | None, value: float, count: int) -> str:
    """A sentence on the gain over a model without effects."""
    if rival is None or not np.isfinite(rival[0]):
        return ""
    gain, more = value - rival[0], count - rival[1]
    if gain > more:
        return f" Effects gain {gain:.2f} nats over none, with {more} more parameters."
    return (
        f" Effects gain {gain:.2f} nats over none, with {more} more parameters: by AIC these data "
        f"do not ask for them ({2 * (count - value):.1f}; {2 * (rival[1] - rival[0]):.1f} without)."
    )


def _verdict(end: End, gradient, tol, edge, params, model, data) -> tuple[Result, str]:
    figures = f"after {end.steps} steps, largest derivative {gradient:.1e} nats per event"
    if not (np.isfinite(end.value) and np.isfinite(gradient)):
        return Result.NON_FINITE, (
            f"Stopped {figures}: the log-likelihood or its gradient is not finite; try other "
            f"starting values, or float64."
        )
    if gradient > tol:
        rest = ""
        if end.found:
            rest = f" At their maximum, whatever the others are: {', '.join(end.found)}."
        if end.still >= 5:
            return Result.STALLED, (
                f"Not converged: no further gain was found {figures} (tolerance {tol:.0e}); "
                f"the precision of the arithmetic may be the limit.{rest}"
            )
        stop = f"Not converged: step limit reached {figures}; raise max_steps."
        return Result.STEP_LIMIT, stop + rest
    if not any(mask.any() for mask in edge.values()):
        return Result.CONVERGED, f"Converged {figures}."
    single = {name: mask for name, mask in edge.items() if name != model.joint}
    named = entries(single, params, model.dims, model.coords(data))
    shown = ", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")
    places = [f"{shown}, without standard errors"] if named else []
    places += [f"{model.joint} on its boundary"] if np.any(edge.get(model.joint, False)) else []
    return Result.BOUNDARY, f"Converged on the boundary {figures}: {'; '.join(places)}."
