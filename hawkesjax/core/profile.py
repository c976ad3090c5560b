"""Profile likelihood intervals: values whose log-likelihood is close to the maximum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import scipy

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.fit import descend
from hawkesjax.core.labels import row_labels
from hawkesjax.core.model import Model
from hawkesjax.core.unconstrained import Point, Unconstrained, given_point
from hawkesjax.inputs.arguments import Level, checked

FAR = 50.0  # from the estimate on the free scale, a factor of e^50: there a value is 0 or unbounded
CLOSE = 0.01  # nats to which an interval end is found; the drop is 1.92 nats at 95 %
HALVINGS = 40
NEAR, MOST = 2.0, 10.0  # of a value, and of a loss, from which the search for others may start


@checked
def profile(
    model: Model, values: Estimate, data: Any, *, of: str = "alpha", level: Level = 0.95
) -> pd.DataFrame:
    r"""Profile likelihood intervals of the entries of a parameter.

    With :math:`\ell_p(v)` the log-likelihood with an entry held at v and all else maximised out,
    the interval contains the v with :math:`2 (\hat\ell - \ell_p(v)) \le \chi^2_{1, level}`. Unlike
    the intervals of `fit` it assumes no symmetry on any scale, and may reach the end of the
    parameter's support: 0 for an effect that the data cannot distinguish from none, or infinity. If
    the true value is 0, it contains it more often than the level (Self and Liang 1987).

    Args:
        model: the model that was fitted.
        values: the `Estimate` of `fit`, which must have converged.
        data: the data that were fitted.
        of: name of a parameter that was learned.
        level: level of the intervals.

    Returns:
        One row per entry: estimate, lower and upper end, and `loss at 0`: the loss of
        log-likelihood in nats with the entry at 0 (NaN where 0 is not the end of its support).
        Entries that share a value have one row, that of the first; fixed ones have none.

    Raises:
        ValueError: for a parameter that was not learned, and an estimate that has not converged.

    Source: Venzon and Moolgavkar (1988), Appl. Stat. 37, 87-94; at a boundary: Self and Liang
    (1987), JASA 82, 605-610.

    Example:
        >>> panel, _ = hj.datasets.spillover(key=jax.random.key(0), users=2, days=30)
        >>> model = hj.Hawkes(gamma=2.0, baseline="shared")
        >>> table = hj.profile(model, hj.fit(model, panel), panel, of="alpha")
    """
    if not values.converged:
        raise ValueError("The estimate has not converged: fit it first, with more max_steps.")
    prepared = values.model.prepare(data)
    loss = Unconstrained(values.model.marginal())
    best = given_point(loss, values, prepared)
    if of not in best:
        raise ValueError(f"{of} was not learned; {', '.join(best)} were.")
    least = descend(best, prepared, loss)
    drop = float(scipy.stats.chi2.ppf(level, 1)) / 2
    labels = np.array(row_labels(of, values.dims[of], values.coords))
    shape = np.shape(values.params[of])
    numbers = np.arange(labels.size).reshape(shape)
    first = np.asarray(loss.reduced({of: jnp.asarray(numbers)}, prepared)[of]).ravel().astype(int)
    at_0 = values.model.supports[of].least == 0
    rows = []
    for place, number in enumerate(first):
        fall = _fall(loss, prepared, least, of, place)
        ends = [_end(fall, least.point[of].ravel()[place], side, drop) for side in (-1.0, 1.0)]
        natural = [_natural(loss, prepared, least.point, of, place, end, number) for end in ends]
        far = fall(float(least.point[of].ravel()[place]) - FAR)[0] if at_0 else np.nan
        estimate = float(np.ravel(values.params[of])[number])
        rows.append((estimate, *natural, far))
    columns = ["estimate", "lower", "upper", "loss at 0"]
    index = pd.Index(labels[first], name="parameter")
    return pd.DataFrame(rows, index=index, columns=columns)


def _fall(loss: Unconstrained, data: Any, least: Any, of: str, place: int) -> Callable:
    """The loss of log-likelihood at a value of one free entry, with the others maximised out, and
    the point where it is reached."""
    part = {name: np.ones(leaf.shape, bool) for name, leaf in least.point.items()}
    part[of].ravel()[place] = False
    known: dict[float, tuple[float, Point]] = {}

    def fall(value: float) -> tuple[float, Point]:
        if value not in known:
            # Far from the best value the others have local maxima that are absent near it.
            usable = [k for k, (lost, _) in known.items() if abs(k - value) < NEAR and lost < MOST]
            near = min(usable, key=lambda one: abs(one - value), default=None)
            start = least.point if near is None else known[near][1]
            held = start[of].ravel().at[place].set(value).reshape(start[of].shape)
            end = descend({**start, of: held}, data, loss, part)
            lost = end.value - least.value
            known[value] = (lost if np.isfinite(lost) else np.inf), end.point
        return known[value]

    return fall


def _end(fall: Callable, best: Any, side: float, drop: float) -> float:
    """The free value beyond which the log-likelihood has fallen by `drop`; infinite without one."""
    near, step = float(best), 0.25
    while fall(near + side * step)[0] < drop:
        near, step = near + side * step, 2 * step
        if step > FAR + (abs(best) if side > 0 else 0):  # an estimate of 0 is far from all others
            return side * np.inf
    low, high = near, near + side * step
    for _ in range(HALVINGS):  # the loss is smooth, nearly a parabola around the maximum
        middle = (low + high) / 2
        lost = fall(middle)[0]
        low, high = (middle, high) if lost < drop else (low, middle)
        if abs(lost - drop) < CLOSE:
            return middle
    return (low + high) / 2


def _natural(loss, data, point: Point, of: str, place: int, value: float, number: int) -> float:
    """The parameter at a free value; an end of its support at an infinite one."""
    if np.isinf(value):
        support = loss.model.supports[of]
        return float(support.least if value < 0 else support.most)
    held = point[of].ravel().at[place].set(value).reshape(point[of].shape)
    return float(np.ravel(loss.natural({**point, of: held}, data)[of])[number])
