"""The maximum of one target under a penalty of its effects, or of groups of them, along a path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from hawkesjax.hawkes.concave import Target, improved

NOTHING = 1e-6  # norm of a group's effects, over the largest, that is taken for 0 where it may be
ROUNDS = 50  # of adding sources that a penalty had left out


def slopes(target: Target, values: np.ndarray) -> np.ndarray:
    """Slope of the log-likelihood in each effect."""
    return (1 / target.intensity(values)) @ target.rates - target.children


def bare_of(target: Target) -> np.ndarray:
    """The parameters without effects: the rates of constant levels."""
    levels = len(target.exposure)
    return np.concatenate([2 * target.start[:levels], np.zeros(len(target.children))])


def _by_group(target: Target, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Norm of each group's positive slopes over the root of its size, and that root."""
    size = np.sqrt(np.bincount(target.groups))
    return np.sqrt(np.bincount(target.groups, weights=np.maximum(gain, 0) ** 2)) / size, size


def strongest(target: Target) -> float:
    """The least penalty that leaves this target no effect."""
    bare = bare_of(target)
    if not len(target.level) or np.any(bare[target.level] <= 0):
        return 0.0
    gain = slopes(target, bare)
    return float(np.max(gain if target.groups is None else _by_group(target, gain)[0], initial=0))


def path(
    target: Target, penalties: Float[np.ndarray, " penalties"], limit: float
) -> tuple[Float[np.ndarray, "penalties values"], float]:
    """The parameters at each penalty, strongest first, and the largest remaining derivative."""
    values, rows, worst = bare_of(target), [], 0.0
    for kappa in penalties:
        if len(target.level):
            values, left = _at(target, kappa, values, limit)
            worst = max(worst, left)
        rows.append(values)
    return np.stack(rows), worst


def _at(target: Target, kappa: float, values: np.ndarray, limit: float) -> tuple[np.ndarray, float]:
    """The maximum at one penalty, near given values: among the sources with an effect, until no
    other one would gain by having one."""
    levels = len(target.exposure)
    active, left = values[levels:] > 0, 0.0
    if target.groups is not None:
        active = np.isin(target.groups, target.groups[active])
    for _ in range(ROUNDS):
        part, into = _restricted(target, kappa, active)
        held = np.concatenate([values[:levels], values[levels:][active]])
        found, left = improved(part, held, limit)
        values = np.zeros(len(values))
        values[into] = found
        gain = slopes(target, values)
        if target.groups is None:
            more, fewer = ~active & (gain > kappa + limit), np.zeros_like(active)
        else:
            slope, _ = _by_group(target, gain)
            norm = np.sqrt(np.bincount(target.groups, weights=values[levels:] ** 2))
            none = norm <= NOTHING * np.max(norm, initial=1)
            fewer = (none & (slope <= kappa))[target.groups] & active
            values[levels:][fewer] = 0
            more = (none & (slope > kappa * (1 + 1e-9)))[target.groups] & ~active
            first = 1e-3 * np.maximum(gain, 0) / np.max(gain, initial=1e-300)
            values[levels:][more] = first[more]
        if not (more | fewer).any():
            break
        active = (active & ~fewer) | more
    return values, left


def _restricted(target: Target, kappa: float, active: np.ndarray) -> tuple[Target, np.ndarray]:
    levels = len(target.exposure)
    into = np.concatenate([np.arange(levels), levels + np.flatnonzero(active)])
    own: dict[str, Any] = {"penalty": kappa}
    if target.groups is not None:
        known, codes = np.unique(target.groups[active], return_inverse=True)
        size = np.sqrt(np.bincount(target.groups))[known]
        own = {"groups": codes, "norms": kappa * size}
    rates, children = target.rates[:, active], target.children[active]
    return replace(target, rates=rates, children=children, **own), into
