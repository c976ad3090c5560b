"""The maximum with one decay rate for all pairs, many marks: target by target for each rate."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.core.fit import maximum
from hawkesjax.core.information import Solved
from hawkesjax.hawkes.known_decays import Best, can_solve, solve

# The search over all parameters at once is slower: 200 marks, 30,000 events: not done after 400 s,
# here 41 s.
MANY_MARKS = 50
ROUGH = 30  # steps towards the rate that is best if all effects are alike
FIRST, WIDER, STEPS = 0.1, 2.0, 40  # of the log of the rate; a first step, by what steps grow


def can_profile(model: Any, data: Any) -> bool:
    """Whether one decay rate, levels and effects, of many marks, are all that is learned."""
    shapes = model.shapes(data)
    known = set(shapes) == {"mu", "alpha", "gamma"} and shapes["gamma"] == ()
    return known and data.num_marks >= MANY_MARKS and can_solve(model, data)


def profiled(model: Any, data: Any, tol: float) -> Solved | None:
    r"""The maximum over gamma of the maximum over the rest, :math:`\ell(\gamma)`.

    Its derivative is that of the likelihood at the best levels and effects, and its root is found
    by secants within a bracket, from the rate that is best if all effects are alike. None where no
    bracket is found: the likelihood is then flat in the rate.

    Args:
        model: the model.
        data: the prepared panel.
        tol: largest derivative per event that may remain.
    """
    limit = tol * float(data.num_events)
    alike = replace(model, tied={"alpha": "all"})
    first = float(maximum(alike, data, max_steps=ROUGH)[0]["gamma"])
    if not (np.isfinite(first) and first > 0):
        return None
    best: Best | None = None
    steps = 0

    def slope(log: float) -> float:
        nonlocal best, steps
        params = {"gamma": jnp.asarray(np.exp(log), data.dtype)}
        best = solve(model, params, data, 0.5 * tol, near=best)
        steps += best.steps
        return float(_slope(model, {**best.params, **params}, data))

    def found(log: float, left: float) -> Solved:
        assert best is not None
        params = best.params | {"gamma": np.exp(log)}
        gradient = max(best.gradient, abs(left) / float(data.num_events))
        return Solved(params, best.loss, gradient, steps, None)

    at, by = np.log(first), FIRST
    here = slope(at)
    other, there = at, here
    while here * there > 0 and abs(here) > limit:  # the loss falls against its slope
        if by > FIRST * WIDER**6:
            return None
        at, here = other, there
        other = at - np.sign(here) * by
        there, by = slope(other), by * WIDER
    for _ in range(STEPS):
        if abs(there) <= limit:
            return found(other, there)
        between = other - there * (other - at) / (there - here)
        inside = slope(between)
        if inside * there < 0:
            at, here = other, there
        else:
            here *= 0.5  # Illinois: the end that stays counts half
        other, there = between, inside
    return None


@functools.partial(jax.jit, static_argnums=0)
def _slope(model: Any, params: Any, data: Any) -> Float[Array, ""]:
    """Derivative of the loss in the log of gamma."""
    rest = {name: jnp.asarray(one, data.dtype) for name, one in params.items() if name != "gamma"}

    def loss(log: Any) -> Array:
        return -model.log_likelihood(rest | {"gamma": jnp.exp(log)}, data)

    return jax.grad(loss)(jnp.log(params["gamma"]))
