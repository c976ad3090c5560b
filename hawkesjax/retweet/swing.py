r"""The daily swing of the chance to be reposted, `1 - S r0 sin(w (t + phi0))`, w = 2 pi / period.

As a pair `(u, v) = r0 (cos w phi0, sin w phi0)` it is linear, `1 - S (u sin wt + v cos wt)`, has no
seam at midnight, and is at home at r0 = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def pair_of(r0: Any, phi0: Any, period: float, xp: Any = np) -> tuple[Any, Any]:
    """u and v of amplitude and phase, of like shapes, with `numpy` or `jax.numpy`."""
    angle = 2 * np.pi / period * phi0
    return r0 * xp.cos(angle), r0 * xp.sin(angle)


def polar_of(pair: Any, period: float, xp: Any = np) -> tuple[Any, Any]:
    """r0 and phi0, within half a period around 0, of a pair; arguments as `pair_of`."""
    u, v = pair
    return xp.sqrt(u**2 + v**2), xp.arctan2(v, u) / (2 * np.pi) * period


def wave(pair: Any, level: Any, time: Any, period: float) -> Any:
    """The swing of posts of level S at times since a midnight (NumPy, shapes that broadcast)."""
    u, v = pair
    angle = 2 * np.pi / period * time
    return 1 - level * (u * np.sin(angle) + v * np.cos(angle))
