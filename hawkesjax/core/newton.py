"""Newton steps to a maximum of the likelihood, part by part."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from hawkesjax.core.information import Arrow
from hawkesjax.core.layout import Layout
from hawkesjax.core.unconstrained import Point, Unconstrained, value_and_grad
from hawkesjax.core.watch import Progress, watcher

LONGEST_STEP = 3.0  # of a Newton step: a factor of 20 in a positive parameter
LEAST_RAISED = 1e-3  # damping of a part whose step failed


def newton(
    point: Point, data: Any, loss: Unconstrained, max_steps: int, tol: float
) -> tuple[Point, float, float, int, int]:
    """Levenberg-Marquardt steps with the whole Hessian, which is an `Arrow`.

    Parts of the loss that do not interact (targets) are damped and accepted separately, each by its
    own change: half the sum of the slopes at both ends along its step, which needs no loss by part
    and stays accurate where differences of the loss are lost to rounding.

    Returns:
        The point, its loss, the largest derivative per event, the number of steps, and how many of
        the last steps gained nothing.
    """
    per_event = 1 / float(data.num_events)
    steps, still, watch = 0, 0, watcher()
    value, grad = value_and_grad(point, data, loss=loss)
    value = float(value)
    count, part = Layout.of(loss.model, point, data).parts()
    damping = np.full(count, 1e-4)

    def along(slope: Any, move: dict[str, np.ndarray]) -> np.ndarray:
        """Derivative of each part along its step."""
        terms = (
            np.bincount(np.ravel(part[n]), np.ravel(np.asarray(slope[n], float) * move[n]), count)
            for n in move
        )
        return np.sum(list(terms), axis=0)

    while steps < max_steps and _most(grad) * per_event > tol and still < 5:
        arrow = Arrow.at(loss.model, loss, point, data)
        if not arrow.is_finite:
            break
        slope = {name: np.asarray(leaf, np.float64) for name, leaf in grad.items()}
        nothing = 50 * float(np.finfo(data.dtype).eps) * abs(value)  # rounding
        found, move = None, arrow.newton_step(slope, damping, LONGEST_STEP)
        for _ in range(12):
            moved = {n: np.asarray(move[n], leaf.dtype) for n, leaf in point.items()}
            new = jax.device_put({n: np.asarray(leaf) + moved[n] for n, leaf in point.items()})
            new_value, new_grad = value_and_grad(new, data, loss=loss)
            change = 0.5 * (along(slope, move) + along(new_grad, move))
            worse = change > nothing if count > 1 else np.zeros(1, bool)
            if float(new_value) <= value + 1e-13 * abs(value) and not worse.any():
                found = new, float(new_value), new_grad
                break
            worse = worse if worse.any() else np.ones(count, bool)
            damping = np.where(worse, np.maximum(damping * 10, LEAST_RAISED), damping)
            again = arrow.newton_step(slope, damping, LONGEST_STEP)
            move = {name: np.where(worse[part[name]], again[name], move[name]) for name in move}
        if found is None:
            break
        damping = np.maximum(damping / 10, 1e-12)
        still = 0 if found[1] < value else still + 1
        point, value, grad = found
        steps += 1
        if watch is not None:
            values = {"loss": value * per_event, "gradient": _most(grad) * per_event}
            watch(Progress("search", steps, max_steps, values))
    return point, value, _most(grad) * per_event, steps, still


def _most(tree: Point) -> float:
    """Largest absolute value of all leaves, on the host: nothing is compiled for it."""
    return float(np.max([np.max(np.abs(np.asarray(leaf))) for leaf in tree.values()]))
