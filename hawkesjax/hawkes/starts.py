"""Where searches for the maximum of a Hawkes likelihood start."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from hawkesjax.hawkes.known_decays import can_solve, solve
from hawkesjax.hawkes.prepared import PreparedPanel

# Above this many marks a search starts with the best effects for its decays.
FEW_MARKS = 4
OFF_EDGE = 0.05  # least value of a start, as a share of the plain start
# Decays from ten per mean gap between events to one per thousand gaps.
SCALES = (1.0, 1e-3, 1e-2, 0.1, 10.0)


def half_of_the_events(data: PreparedPanel) -> Array:
    """An alpha for which half of each target's events come from the past, whatever the source."""
    counts = jnp.maximum(jnp.sum(jnp.asarray(data.counts), axis=0), 0.5)
    return jnp.broadcast_to(0.5 * (counts / jnp.sum(counts))[:, None], (data.num_marks,) * 2)


def small_effects(data: PreparedPanel) -> Array:
    """A fifth of `half_of_the_events`, for effects of either sign: every rate is positive there."""
    return 0.2 * half_of_the_events(data)


def on_time_scales(
    model: Any, start: dict[str, Array], data: PreparedPanel
) -> list[dict[str, Array]]:
    """The start with decays on several time scales, where decays are learned."""
    if "gamma" not in start:
        return [start]
    scales = [start | {"gamma": scale * start["gamma"]} for scale in SCALES]
    if data.num_marks <= FEW_MARKS or not can_solve(model, data):
        return scales
    return [_with_best_effects(model, start, data) for start in scales]


def _with_best_effects(
    model: Any, start: dict[str, Array], data: PreparedPanel
) -> dict[str, Array]:
    """The start with the maximising mu and alpha for its decays, moved off their boundary."""
    best = solve(model, start, data, 1e-4).params
    real = {name: jnp.asarray(value, data.dtype) for name, value in best.items()}
    return start | {name: jnp.maximum(v, OFF_EDGE * start[name]) for name, v in real.items()}
