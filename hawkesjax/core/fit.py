"""Maximum likelihood with optax."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from hawkesjax.core.compiled import at_once
from hawkesjax.core.ending import End, report, too_large
from hawkesjax.core.hosts import shared
from hawkesjax.core.layout import Layout
from hawkesjax.core.mesh import Given, over, over_hosts
from hawkesjax.core.model import Data, EstimateT, Model, PosteriorT, as_model
from hawkesjax.core.newton import newton
from hawkesjax.core.record import recorded
from hawkesjax.core.unconstrained import (
    Point,
    Unconstrained,
    best_start,
    given_point,
    largest,
    scattered,
    value_and_grad,
)
from hawkesjax.core.watch import Callback, Progress, watched, watcher
from hawkesjax.inputs.arguments import Count, Key, Positive, Precision, Whole, checked

SCATTER = 1.5  # of additional starts, on the unconstrained scale: a factor of 4.5
QUASI_NEWTON_STEPS = 150  # L-BFGS alone reaches 1e-8 in 22 steps (2 marks, 1e6 events)
NEWTON_STEPS = 150  # 43 were needed (12 marks by pair, 3,000 events)
SOLVER = optax.lbfgs(memory_size=20)
PARTS = 8  # up to this many parts are searched one by one if the joint search fails


class ConvergenceWarning(UserWarning):
    """The values come from a search that stopped before it reached a maximum."""


@recorded
@checked
def fit(
    model: Model[Data, EstimateT, PosteriorT],
    data: Data,
    *,
    starts: Count = 1,
    key: Key | None = None,
    init: Any = None,
    max_steps: Whole = 2000,
    tol: Positive | None = None,
    errors: bool = True,
    dtype: Precision = None,
    mesh: Given = "auto",
    callback: Callback | None = None,
    progress: bool = False,
) -> EstimateT:
    r"""Maximise the likelihood.

    L-BFGS with a zoom line search runs on unconstrained parameters (the log of a positive one)
    and on the log-likelihood per event; where 150 steps are not enough (hundreds of parameters,
    many near 0), Newton steps with the exact Hessian follow, target by target. The search has
    converged only if no derivative exceeds `tol` nats per event; otherwise parts that do not
    interact are searched separately, and those that converge are named. A parameter
    whose best value is 0 drifts to minus infinity on the log scale; it is reported as on the
    boundary, and so are one at the upper end of its prior's support, a decay too slow for the
    window to show, and a spread between sequences that the data cannot distinguish from 0.

    For a Hawkes model with known decays the likelihood is concave and splits by target: each
    target's maximum is found separately, with exact zeros, whatever `starts`.

    With a hierarchical baseline the likelihood is integrated over the offsets, numerically to
    1e-8 per sequence and mark: the joint likelihood of offsets and spread has no useful maximum.
    `log_likelihood` and `num_parameters` are those of the integrated likelihood. `mu_offset` and
    `mu` are the posterior modes given the estimate; their errors combine the spread of each given
    the estimate with the uncertainty of the estimate.

    Args:
        model: a model.
        data: its data.
        starts: number of starting points; the first is the model's own, the best of a few time
            scales; the others are scattered around it.
        key: PRNG key for `starts > 1`.
        init: an `Estimate` or dict of natural parameters to start from instead.
        max_steps: steps per start.
        tol: largest derivative at convergence, nats per event; by default 1e-8 in float64 and 1e-5
            in float32.
        errors: whether to compute standard errors and intervals.
        dtype: floating type; JAX's default when None.
        mesh: the devices that share the data (`hawkesjax.make_mesh`); None for one; `"auto"`: all
            of this process, from a million events on (on a CPU, of Hawkes panels of few marks).
            With `make_mesh(hosts=True)` the data are this process's part, every process makes the
            same call, and each gets the estimate of the whole, without data.
        callback: called with a `Progress` after each step; what it raises ends the search. Steps
            are then run one by one, a little slower.
        progress: whether to show a progress bar at a terminal or in a notebook.

    Returns:
        The `Estimate` of the best start.

    Raises:
        ValueError: for no events, sequences with events but no time, a missing key, or invalid
            starting values.

    Source: Liu and Nocedal (1989), Math. Programming 45, 503-528; line search: Nocedal and
    Wright, Numerical Optimization, algorithm 3.5. Errors of modes: Kass and Steffey (1989), JASA
    84, 717-726.
    """
    if starts > 1 and key is None:
        raise ValueError("Several starts are random: give key=jax.random.key(...).")
    hosts, learned = over_hosts(mesh), []
    if hosts:
        prepared, data = shared(as_model(model), data, mesh, dtype)
    else:
        as_model(model).check(data)
        model, *learned = model.settled(data, dtype)
        prepared = over(model, model.laid_out(data, dtype), mesh)
    with watched(callback, progress):
        found = fit_prepared(
            model,
            data,
            prepared,
            *learned,
            starts=starts,
            key=key,
            init=init,
            max_steps=max_steps,
            tol=tol,
            errors=errors,
        )
    return replace(found, data=None) if hosts else found


def fit_prepared(
    model: Any,
    data: Any,
    prepared: Any,
    *learned: Any,
    starts: int = 1,
    key: Any = None,
    init: Any = None,
    max_steps: int = 2000,
    tol: float | None = None,
    errors: bool = True,
) -> Any:
    """`fit`, of data that are checked and laid out; `learned` is what the model has learned before
    (`settled`)."""
    if int(prepared.num_events) == 0:
        raise ValueError("The data hold no events: there is nothing to maximise.")
    loss = Unconstrained(model.marginal())
    tol = _tolerance(prepared) if tol is None else tol
    solved = _solved(loss, prepared, tol) if init is None else None
    if solved is not None:
        return report(model, loss, data, prepared, solved, [-solved.value], tol, errors, *learned)
    first = best_start(loss, prepared) if init is None else given_point(loss, init, prepared)
    keys = [] if key is None else jax.random.split(key, starts - 1)
    points = [first, *(scattered(first, k, SCATTER) for k in keys)]

    reached = []
    for point in points:
        reached.append(_climb(point, prepared, loss, max_steps, tol))
    values = [-end.value for end in reached]
    order = [value if np.isfinite(value) else -np.inf for value in values]
    best = reached[int(np.argmax(order))]
    return report(model, loss, data, prepared, best, values, tol, errors, *learned)


def maximum(
    model: Any, prepared: Any, *, near: Any = None, max_steps: int = 2000
) -> tuple[dict[str, Any], bool]:
    """`fit` without its report, for many data sets of one size: the natural and derived parameters
    at the maximum near the model's own start, or near given parameters, and whether the search
    converged."""
    loss = Unconstrained(model.marginal())
    tol = _tolerance(prepared)
    end = _solved(loss, prepared, tol)
    if end is None:
        first = best_start(loss, prepared) if near is None else given_point(loss, near, prepared)
        end = _climb(first, prepared, loss, max_steps, tol)
    natural = at_once(loss, "natural", end.point, prepared)
    natural |= at_once(model, "latent", natural, prepared)
    params = natural | at_once(model, "derived", natural, prepared)
    return {name: np.asarray(value) for name, value in params.items()}, end.grad <= tol


def _tolerance(data: Any) -> float:
    return 1e-8 if data.dtype == np.float64 else 1e-5


def _solved(loss: Unconstrained, data: Any, tol: float) -> End | None:
    """The model's own maximum, if it has one and it meets the tolerance."""
    found = loss.model.solved(data, tol)
    if found is None:
        return None
    natural = {name: jnp.asarray(value, data.dtype) for name, value in found.params.items()}
    point = loss.free({name: natural[name] for name in loss.model.shapes(data)}, data)
    if not (np.isfinite(found.loss) and found.gradient <= tol):
        return None
    return End(point, found.loss, found.gradient, found.steps, 0, found.information)


def _climb(start: Point, data: Any, loss: Unconstrained, max_steps: int, tol: float) -> End:
    """L-BFGS; where it is slow, Newton steps; then L-BFGS for what they leave. Parts of the
    parameters that do not interact are then searched separately, so that a part without a maximum
    does not hold up the others."""
    end = _descend(start, data, loss, min(max_steps, QUASI_NEWTON_STEPS), tol)
    free = loss.model.unrestricted() == loss.model and not too_large(loss.model, start, data)
    if free and _open(end, max_steps, tol):
        most = min(NEWTON_STEPS, max_steps - end.steps)
        point, value, grad, steps, still = newton(end.point, data, loss, most, tol)
        end = End(point, value, grad, end.steps + steps, still)
    if _open(end, max_steps, tol):
        more = _descend(end.point, data, loss, max_steps - end.steps, tol)
        end = replace(more, steps=end.steps + more.steps)
    return _apart(start, end, data, loss, max_steps, tol) if free and end.grad > tol else end


def _apart(
    start: Point, end: End, data: Any, loss: Unconstrained, max_steps: int, tol: float
) -> End:
    count, part_of = Layout.of(loss.model, end.point, data).parts()
    if not 1 < count <= PARTS or not np.isfinite(end.value):
        return end
    parts = [{name: part == n for name, part in part_of.items()} for n in range(count)]

    def left(point: Point) -> list[dict[str, np.ndarray]]:
        slope, most = value_and_grad(point, data, loss=loss)[1], tol * float(data.num_events)
        return [part for part in parts if not float(largest(_only(slope, part))) <= most]

    base, steps = end.point, end.steps
    missing = left(base) if end.steps < max_steps else []
    for part in missing:  # the others start where their share of the loss dominates no other
        base = _mixed(base, start, part)
    point = base
    for part in missing:
        tried = [base, _mixed(base, end.point, part)]
        best = tried[
            int(np.nanargmin([float(value_and_grad(p, data, loss=loss)[0]) for p in tried]))
        ]
        more = _descend(best, data, loss, max(max_steps - steps, 1), tol, part)
        point, steps = _mixed(point, more.point, part), steps + more.steps
    value, slope = value_and_grad(point, data, loss=loss)
    grad = float(largest(slope)) / float(data.num_events)
    lost = left(point)
    found = [n for n in point if not any(np.any(part[n]) for part in lost)]
    return replace(end, point=point, value=float(value), grad=grad, steps=steps, found=tuple(found))


def _only(tree: Point, part: dict[str, Any]) -> Point:
    return {name: jnp.where(part[name], leaf, 0) for name, leaf in tree.items()}


def _mixed(point: Point, other: Point, part: dict[str, Any]) -> Point:
    """The point with one part from another."""
    return {name: jnp.where(part[name], other[name], leaf) for name, leaf in point.items()}


def _open(end: End, max_steps: int, tol: float) -> bool:
    return end.grad > tol and end.steps < max_steps and bool(np.isfinite(end.value))


def descend(start: Point, data: Any, loss: Unconstrained, part: Any = None) -> End:
    """The minimum near a point, over all free entries or those of one part."""
    return _descend(start, data, loss, 2 * QUASI_NEWTON_STEPS, _tolerance(data), part)


def _descend(
    start: Point,
    data: Any,
    loss: Unconstrained,
    max_steps: int,
    tol: float,
    part: dict[str, Any] | None = None,
) -> End:
    """L-BFGS over all parameters, or over one part of them."""
    part = {n: np.ones(leaf.shape, bool) for n, leaf in start.items()} if part is None else part
    value, grad = value_and_grad(start, data, loss=loss)
    limits = np.asarray(tol, value.dtype), np.asarray(max_steps)
    watch = watcher()
    if watch is None:
        ended = _quasi_newton(start, value, grad, data, part, *limits, loss=loss)
    else:
        ended = _step_by_step(watch, start, value, grad, data, part, *limits, loss=loss)
    point, value, left, steps, still = ended
    total = float(value) * float(data.num_events)
    return End(point, total, float(left), int(steps), int(still))


@partial(jax.jit, static_argnames="loss")
def _quasi_newton(point, value, grad, data, part, tol, max_steps, *, loss):
    carry = _begin(point, value, grad, data, part)
    return _end(_onward(carry, data, part, tol, max_steps, loss=loss))


def _step_by_step(watch, point, value, grad, data, part, tol, max_steps, *, loss):
    """`_quasi_newton`, with a call after each step."""
    carry, last = _begin(point, value, grad, data, part), -1
    while int(carry[4]) > last:
        last, most = int(carry[4]), int(max_steps)
        if last:
            values = {"loss": float(carry[2]), "gradient": float(largest(carry[3]))}
            watch(Progress("search", last, most, values))
        carry = _one_step(carry, data, part, tol, np.asarray(min(last + 1, most)), loss=loss)
    return _end(carry)


def _begin(point, value, grad, data, part):
    per_event = 1 / data.num_events
    value, grad = value * per_event, {n: g * per_event for n, g in _only(grad, part).items()}
    zero = jnp.zeros((), jnp.int32)
    return point, SOLVER.init(point), value, grad, zero, zero


def _end(carry):
    point, _, value, grad, steps, still = carry
    return point, value, largest(grad), steps, still


def _onward(carry, data, part, tol, max_steps, *, loss):
    per_event = 1 / data.num_events

    def objective(point):
        return loss(_mixed(jax.lax.stop_gradient(point), point, part), data) * per_event

    def step(carry):
        point, state, value, grad, steps, still = carry
        updates, state = SOLVER.update(
            grad, state, point, value=value, grad=grad, value_fn=objective
        )
        new = optax.apply_updates(point, updates)
        now, slope = optax.tree.get(state, "value"), optax.tree.get(state, "grad")
        sound = jnp.isfinite(now) & jnp.isfinite(largest(slope)) & jnp.isfinite(largest(new))
        still = jnp.where(sound, jnp.where(now < value, 0, still + 1), 5)
        point, value, grad = jax.tree.map(
            lambda a, b: jnp.where(sound, a, b), (new, now, slope), (point, value, grad)
        )
        return point, state, value, grad, steps + 1, still

    def going(carry):
        _, _, value, grad, steps, still = carry
        return (largest(grad) > tol) & (steps < max_steps) & (still < 5) & jnp.isfinite(value)

    return jax.lax.while_loop(going, step, carry)


_one_step = jax.jit(_onward, static_argnames="loss")
