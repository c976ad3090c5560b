"""The memory kernel of reposts: flat, then a power law."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

THETA = 0.242  # exponent of the tail: Zhao et al. (2015)
PRINTED_TAIL = 1e-6  # what the printed constant of the tail is to the one that makes it continuous


def scale(theta: Any, s0: float) -> Any:
    r"""`c = theta / (s0 (1 + theta))`, which makes the kernel integrate to one."""
    return theta / (s0 * (1 + theta))


def memory_kernel(s: Any, theta: Any, s0: float, tail: float = 1.0) -> Any:
    r"""Density of the time from a post's appearance in a feed to its repost.

    .. math:: \psi(s) = c \text{ for } 0 \le s \le s_0, \qquad
              c \kappa (s / s_0)^{-(1 + \theta)} \text{ beyond}

    Args:
        s: times, in the unit of `s0`; at negative ones the kernel is 0.
        theta: exponent of the tail, positive.
        s0: length of the flat part.
        tail: kappa, 1 for a continuous kernel; `PRINTED_TAIL` for the constants as printed.

    Source: Zhao et al. (2015), SEISMIC, KDD; Kobayashi and Lambiotte (2016), TiDeH, ICWSM.
    """
    s = jnp.asarray(s)
    far = s > s0
    power = jnp.exp(-(1 + theta) * jnp.log(jnp.where(far, s, s0) / s0))
    return scale(theta, s0) * jnp.where(far, tail * power, jnp.where(s >= 0, 1.0, 0.0))


def kernel_integral(x: Any, theta: float, s0: float, tail: float = 1.0) -> np.ndarray:
    """The kernel's integral from 0 to x (NumPy, any shape)."""
    x = np.asarray(x, np.float64)
    far = np.maximum(x, s0) / s0
    c = scale(theta, s0)
    return c * (np.clip(x, 0, s0) + tail * s0 / theta * -np.expm1(-theta * np.log(far)))


def kernel_quantile(p: Any, x: Any, theta: float, s0: float, tail: float = 1.0) -> np.ndarray:
    """Where the kernel's integral is `p` times that from 0 to x (NumPy): its inverse, cut at x."""
    area = np.asarray(p) * kernel_integral(x, theta, s0, tail) / scale(theta, s0)
    rest = np.clip((area - s0) * theta / (tail * s0), 0, None)
    far = s0 * np.exp(-np.log1p(-np.minimum(rest, 1 - 1e-16)) / theta)
    return np.minimum(np.where(area <= s0, area, far), x)
