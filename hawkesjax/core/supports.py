"""Supports of parameters, whatever their priors: checks of values and of priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro.distributions import biject_to

from hawkesjax.inputs.arguments import Range, numbers

FARTHEST = 30.0  # on the free scale, where the ends of a support are evaluated: exp(-30) is 1e-13


def ends(support: Any) -> Range:
    """The ends of a numpyro constraint as a closed range, up to rounding in single precision."""
    low = np.min(np.asarray(getattr(support, "lower_bound", -np.inf), np.float64))
    high = np.max(np.asarray(getattr(support, "upper_bound", np.inf), np.float64))
    return Range(float(low - 1e-7 * abs(low)), float(high + 1e-7 * abs(high)))


def hold(supports: Mapping[str, Range], values: Mapping[str, Any], axes: int = 0) -> None:
    """Refuse values that are not finite, or outside their parameters' supports.

    Args:
        supports: range of each parameter.
        values: natural parameters by name; those without a support are not checked.
        axes: number of leading axes that are draws, which the message leaves out.

    Raises:
        ValueError: names the first invalid entry, and says what it must be.
    """
    for name, where in supports.items():
        if name not in values:
            continue
        found = numbers(values[name], name)
        bad = np.argwhere(~(np.isfinite(found) & where.holds(found)))
        if len(bad):
            place = tuple(bad[0].tolist())
            entry = f"{name}{list(place[axes:]) if place[axes:] else ''}"
            wanted = where.words("a finite number")
            raise ValueError(f"{entry} is {found[place]:.6g}; it must be {wanted}.")


def check_prior(name: str, prior: dist.Distribution, where: Range) -> None:
    """Refuse a prior that extends beyond the parameter's support.

    Raises:
        ValueError: for such a prior, and for a discrete one, which has no density.
    """
    support: Any = prior.support
    if support is None or support.is_discrete:
        raise ValueError(f"The prior of {name!r} is discrete; it must have a density.")
    free = biject_to(support)
    shape = free.inverse_shape(prior.shape())
    line = jnp.linspace(-FARTHEST, FARTHEST, 3).reshape(3, *[1] * len(shape))
    reached = np.asarray(free(jnp.broadcast_to(line, (3, *shape))))
    if not np.all(np.isfinite(reached) & Range(where.least, where.most).holds(reached)):
        raise ValueError(
            f"The prior of {name!r} extends beyond what {name} may be, "
            f"{where.words('a finite number')}: choose one on that range, such as a "
            f"HalfNormal or a truncated one."
        )
