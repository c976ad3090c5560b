r"""The daily swing of the chance to be reposted, `1 - S r0 sin(w (t + phi0))`, w = 2 pi / period.

As a pair `(u, v) = r0 (cos w phi0, sin w phi0)` it is linear, `1 - S (u sin wt + v cos wt)`, has no
seam at midnight, and is at home at r0 = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from hawkesjax.core.intervals import NORMAL_975

DIRECTIONS = 720  # of an outline: its ends are then right to 1e-5 of its size


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


def outline(
    pair: Float[np.ndarray, "2"],
    slope: Float[np.ndarray, "2"],
    curvature: Float[np.ndarray, "2 2"],
    radius: float,
) -> tuple[Float[np.ndarray, "directions 2"], bool]:
    r"""The pairs in the disc that data do not exclude, and whether no swing is among them.

    .. math:: s \cdot d - d^T H d / 2 \ge -1.96^2 / 2, \qquad |y + d| \le radius

    with s and H slope and curvature of the log-likelihood at the estimate y: what the interval
    estimate +- 1.96 se of one number is, for any function of the two. It is convex and holds the
    estimate, on the rim too.

    Args:
        pair: the estimate.
        slope: 0 but on the rim.
        curvature: negative second derivatives, the other parameters at their best.
        radius: of the disc.

    Returns:
        Points around its edge, and whether (0, 0) lies inside.
    """
    drop = NORMAL_975**2 / 2
    bends, axes = np.linalg.eigh(curvature)
    bends = np.maximum(bends, 0)
    lengths = np.sqrt(drop / np.maximum(bends, drop / radius**2))  # at most the radius
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    ways = (lengths * np.stack([np.cos(angles), np.sin(angles)], axis=-1)) @ axes.T
    rise, bend = ways @ slope, (ways @ axes) ** 2 @ bends
    root = np.sqrt(rise**2 + 2 * drop * bend)
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite where nothing bends
        steps = np.where(rise > 0, (rise + root) / bend, 2 * drop / (root - rise))
    along, square = ways @ pair, np.sum(ways**2, axis=-1)
    room = max(radius**2 - float(pair @ pair), 0.0)
    out = (np.sqrt(along**2 + square * room) - along) / square
    still = -(pair @ slope) - float(bends @ (axes.T @ pair) ** 2) / 2 >= -drop
    return pair + np.minimum(steps, out)[:, None] * ways, bool(still)


def intervals(
    pair: Float[np.ndarray, "2"],
    phi0: float,
    slope: Float[np.ndarray, "2"],
    curvature: Float[np.ndarray, "2 2"],
    radius: float,
    period: float,
) -> dict[str, tuple[Any, Any, Any]]:
    """Standard errors, lower and upper ends of the pair, r0 and phi0: what an `outline` spans.

    A standard error is what the width of its interval would be 3.92 times. Where no swing is among
    what the data do not exclude, r0 may be 0, and phi0 is anywhere in one period.
    """
    points, still = outline(pair, slope, curvature, radius)
    sizes = np.minimum(np.hypot(*points.T), radius)
    turns = np.angle((points @ [1, 1j]) * np.conj(pair @ [1, 1j])) / (2 * np.pi) * period
    turns = np.array([-period / 2, period / 2]) if still else turns
    ends = {
        "swing": (points.min(axis=0), points.max(axis=0)),
        "r0": (0.0 if still else sizes.min(), sizes.max()),
        "phi0": (phi0 + turns.min(), phi0 + turns.max()),
    }
    return {
        name: ((high - low) / (2 * NORMAL_975), low, high) for name, (low, high) in ends.items()
    }
