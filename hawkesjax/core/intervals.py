"""Standard errors and 95 % intervals at a maximum of the likelihood."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.core.compiled import at_once
from hawkesjax.core.information import Arrow
from hawkesjax.core.model import Masks
from hawkesjax.core.unconstrained import Point, Unconstrained, value_and_grad

NORMAL_975 = 1.959963984540054
Shape = tuple[np.ndarray, np.ndarray]
Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def blank(params: dict[str, Any]) -> Parts:
    """Unknown standard errors and interval ends, all NaN."""
    nothing = {name: np.full(np.shape(value), np.nan) for name, value in params.items()}
    return nothing, dict(nothing), dict(nothing)


def errors_of(
    model: Any, loss: Unconstrained, natural: Point, prepared: Any, edge: Masks, known: Any
) -> tuple[Parts, list[str]]:
    """Standard errors and interval ends of parameters and derived quantities, and the names of
    parameters that lie inside all boundaries and have none.

    Args:
        model: what was fitted.
        loss: the function that was minimised, of `model.marginal()`.
        natural: the parameters at the maximum.
        prepared: the data.
        edge: masks of parameters on a boundary.
        known: a function that gives the curvature, if the model provides one, or None.
    """
    structures = model.structures(prepared)
    plain = Unconstrained(model.unrestricted(), () if model.joint is None else (model.joint,))
    point = at_once(plain, "free", natural, prepared)
    fixed = plain.reduced(_with_partners(edge), prepared)
    arrow = known() if known else Arrow.at(model, plain, point, prepared)
    if loss.model != model:
        alone = Unconstrained(loss.model.unrestricted())
        rest = {name: point[name] for name in loss.model.shapes(prepared) if name in point}
        arrow = arrow.integrated(Arrow.at(alone.model, alone, rest, prepared))
    parts = _intervals(plain, point, arrow.standard_errors(fixed), prepared)
    if model.joint in point and model.joint not in structures:
        shape = _of_joint(plain, point, prepared, arrow, edge)
        for name, three in model.joint_intervals(natural, prepared, *shape).items():
            for part, value in zip(parts, three, strict=True):
                part[name] = np.asarray(value)
    _add_derived(plain, point, prepared, arrow, fixed, parts)
    free = plain.reduced(parts[0], prepared)
    lost = [name for name in point if np.any(np.isnan(free[name]) & ~np.asarray(fixed[name], bool))]
    for part in parts:
        for name, one in structures.items():
            part[name] = np.where(one.fixed, np.nan, part.get(name, np.nan))
    return parts, lost


def shape_of_joint(model: Any, params: dict[str, Any], prepared: Any) -> Shape:
    """Slope and (negative) curvature of the log-likelihood in the parameter named `joint`, the
    others maximised out, at a known maximum: the input of `joint_intervals`.

    Args:
        model: what was fitted.
        params: its natural parameters at the maximum.
        prepared: the data.
    """
    natural = {name: jnp.asarray(params[name]) for name in model.shapes(prepared)}
    edge = model.at_boundary(natural, prepared)
    plain = Unconstrained(model.unrestricted(), (model.joint,))
    point = plain.free(natural, prepared)
    return _of_joint(plain, point, prepared, Arrow.at(model, plain, point, prepared), edge)


def _of_joint(plain, point, prepared, arrow, edge) -> Shape:
    name = plain.model.joint
    slope = np.zeros(np.size(point[name]))  # except on the boundary
    if np.any(edge[name]):
        _, gradient = value_and_grad(point, prepared, loss=plain)
        slope = -np.ravel(np.asarray(gradient[name], np.float64))
    return slope, arrow.profiled(name, plain.reduced(_with_partners(edge), prepared))


def _with_partners(edge):
    """The masks, with the decay of each alpha of 0: it has no effect, so it is fixed with it."""
    fixed = {name: mask.copy() for name, mask in edge.items()}
    if "gamma" in fixed and fixed["gamma"].shape == fixed["alpha"].shape:
        fixed["gamma"] |= fixed["alpha"]
    return fixed


def _add_derived(loss, point, prepared, arrow, fixed, parts) -> None:
    """Standard errors and intervals of derived quantities, symmetric in the log (delta method).

    An entry depends on one entry of the model's `local` and on one of its groups at most: one
    derivative along all local entries at once, and one along a member of every group, give each
    its own.
    """

    known = tuple(parts[0])
    found = _logs(loss, known, point, prepared)
    if not found:
        return
    layout = arrow.layout
    size, count = layout.members.shape[1], layout.num_others

    def slopes(local, others):
        parts = layout.named(local, others)
        direction = {n: np.asarray(parts[n], leaf.dtype) for n, leaf in point.items()}
        return _log_slopes(loss, known, point, direction, prepared)

    still = np.zeros(len(layout.local_group))
    own = slopes(still + 1, np.zeros(count))
    rows = {n: np.zeros((value.size, size + len(layout.top))) for n, value in found.items()}
    for column, places in layout.directions():
        for name, value in slopes(still, np.isin(np.arange(count), places) * 1.0).items():
            rows[name][:, column] = np.ravel(value)
    blocks = loss.model.blocks(prepared)
    for name, log_value in found.items():
        label = blocks.get(name)
        groups = np.zeros(log_value.size, int) if label is None else np.ravel(np.asarray(label))
        error = arrow.standard_errors_of_sums(fixed, np.ravel(own[name]), groups, rows[name])
        error = error.reshape(log_value.shape)
        value = np.exp(np.asarray(log_value, np.float64))
        deviations, lower, upper = parts
        deviations[name] = value * error
        lower[name] = value * np.exp(-NORMAL_975 * error)
        with np.errstate(over="ignore"):  # infinite where the data contain almost no information
            upper[name] = value * np.exp(NORMAL_975 * error)


@partial(jax.jit, static_argnums=(0, 1))
def _logs(loss, known, point, prepared):
    """Logarithms of the derived quantities at a free point, but those that are known."""
    derived = loss.model.derived(loss.natural(point, prepared), prepared)
    return {name: jnp.log(value) for name, value in derived.items() if name not in known}


@partial(jax.jit, static_argnums=(0, 1))
def _log_slopes(loss, known, point, direction, prepared):
    return jax.jvp(lambda at: _logs(loss, known, at, prepared), (point,), (direction,))[1]


def _intervals(loss, point, spread, prepared):
    real = {name: np.asarray(value, point[name].dtype) for name, value in spread.items()}
    ends = _ends(loss, point, real, prepared)
    lower, upper, slope = ({n: np.asarray(v) for n, v in end.items()} for end in ends)
    structures = loss.model.structures(prepared)
    whole = {n: structures[n].spread(s) if n in structures else s for n, s in spread.items()}
    deviations = {n: np.abs(slope[n]) * np.asarray(whole[n]) for n in point}
    return deviations, lower, upper


@partial(jax.jit, static_argnums=0)
def _ends(loss, point, spread, prepared):
    """Natural parameters at both ends of the intervals, and their slopes in the free ones."""
    low = {name: point[name] - NORMAL_975 * spread[name] for name in point}
    high = {name: point[name] + NORMAL_975 * spread[name] for name in point}
    ones = {name: jnp.ones_like(value) for name, value in point.items()}
    slope = jax.jvp(lambda at: loss.natural(at, prepared), (point,), (ones,))[1]
    return loss.natural(low, prepared), loss.natural(high, prepared), slope
