r"""The maximum over baselines and effects when the memory is known: concave, target by target.

With `G[n, j]` the decayed counts times their rates, the part of target i in the log-likelihood is

.. math:: \sum_{n:\, m_n = i} \log(\mu_{s_n i} + \sum_j G_{nj} \alpha_{ij})
          - \sum_s T_s \mu_{si} - \sum_j K_{ij} \alpha_{ij}

which does not involve the parameters of other targets. With a known exposure E the baseline at
event n is :math:`E_n \mu_{s_n i}`, and T the integral of E. The maximum is unique where the data
determine it, and some parameters may be exactly 0.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg, optimize, sparse

NEWTON_STEPS, HALVINGS = 60, 40
LEAST = 1e-9  # lower bound of a baseline during the search, over its start: no rate becomes 0


@dataclass(frozen=True)
class Target:
    """One target's part; n events of its mark, L levels, D sources.

    Args:
        rates: (n, D) G at these events.
        level: (n,) which level each event has.
        exposure: (L,) T.
        children: (D,) K.
        own: (n,) baseline at each event per unit of its level, 0 or more.
        penalty: (D,) what each effect costs besides, nats per unit.
        groups: (D,) labels of the sources, whose effects' norms are penalised; or None.
        norms: what a unit of each group's norm costs.
    """

    rates: Float[np.ndarray, "events sources"]
    level: Int[np.ndarray, " events"]
    exposure: Float[np.ndarray, " levels"]
    children: Float[np.ndarray, " sources"]
    own: Float[np.ndarray, " events"] | float = 1.0
    penalty: Float[np.ndarray, " sources"] | float = 0.0
    groups: Int[np.ndarray, " sources"] | None = None
    norms: Float[np.ndarray, " groups"] | float = 0.0

    @functools.cached_property
    def cost(self) -> np.ndarray:
        """Coefficients of the parameters in the compensator, T and K, and in the penalty."""
        return np.concatenate([self.exposure, self.children + self.penalty])

    @property
    def start(self) -> np.ndarray:
        """Half of the events from the background, half from the past; 0 without any events."""
        half = 0.5 * len(self.level)
        count = np.bincount(self.level, minlength=len(self.exposure))
        mu = 0.5 * count / np.where(self.exposure > 0, self.exposure, 1)
        useful = (self.children > 0) & np.any(self.rates > 0, axis=0)
        alpha = half * useful / max(self.children[useful].sum(), 1e-300)
        return np.concatenate([mu, alpha])

    def intensity(self, values: np.ndarray) -> np.ndarray:
        """lambda at the events."""
        levels = len(self.exposure)
        return values[self.level] * self.own + self.rates @ values[levels:]

    def loss(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log-likelihood, with the penalty, and its gradient."""
        rate = self.intensity(values)
        if np.any(rate <= 0):
            return np.inf, self.cost
        value = self.cost @ values - np.sum(np.log(rate))
        slope = self.cost - self._transposed(1 / rate)
        if self.groups is not None:
            norm, unit = self._norms(values)
            value = value + np.sum(self.norms * norm)
            slope[len(self.exposure) :] += (self.norms * np.ones_like(norm))[self.groups] * unit
        return float(value), slope

    def _norms(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Norm of each group's effects, and the effects over that norm, 0 where it is 0."""
        alpha = values[len(self.exposure) :]
        norm = np.sqrt(np.bincount(self.groups, weights=alpha**2))
        return norm, alpha / np.where(norm > 0, norm, 1)[self.groups]

    @property
    def impossible(self) -> bool:
        """Whether an event has rate 0, whatever the parameters."""
        return bool(np.any((self.own == 0) & ~np.any(self.rates > 0, axis=1)))

    def bends(self, values: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, ...]:
        """Second derivatives of the loss in the free parameters: (levels,) diagonal, (levels,
        sources) cross, (sources, sources) block."""
        levels = len(self.exposure)
        weight = self.intensity(values) ** -2
        own, used = free[:levels], self.rates[:, free[levels:]]
        squares = weight * np.square(self.own)
        diagonal = np.bincount(self.level, weights=squares, minlength=levels)[own]
        scaled = weight[:, None] * used
        block = used.T @ scaled
        if self.groups is not None:
            norm, unit = self._norms(values)
            which, unit = self.groups[free[levels:]], unit[free[levels:]]
            bend = (self.norms / np.where(norm > 0, norm, np.inf))[which]
            same = which[:, None] == which
            block += bend[:, None] * (np.eye(len(which)) - same * np.outer(unit, unit))
        return diagonal, (self._levels().T @ scaled)[own], block

    def _levels(self) -> Any:
        shape = (len(self.level), len(self.exposure))
        places = (np.arange(shape[0]), self.level)
        return sparse.csr_array((np.broadcast_to(self.own, shape[0]), places), shape=shape)

    def _transposed(self, weight: np.ndarray) -> np.ndarray:
        own = weight * self.own
        by_level = np.bincount(self.level, weights=own, minlength=len(self.exposure))
        return np.concatenate([by_level, weight @ self.rates])


def maximise(target: Target, tol: float) -> tuple[np.ndarray, float, int]:
    """The maximum of one target's part.

    L-BFGS-B, then Newton steps among the parameters that are not held at 0.

    Returns:
        The parameters, levels first; the largest remaining derivative (with respect to the log of
        a positive parameter; for one at 0, scaled as at its start); the number of steps.
    """
    start = target.start
    if not len(target.level):
        return np.zeros_like(start), 0.0, 0
    unit = np.where(start > 0, start, 1)
    levels = len(target.exposure)
    held = np.arange(len(start)) < levels
    if np.any(target.own == 0):
        held[:] = True  # events without a baseline owe their rate to the effects alone
    low = np.where(held, LEAST * (start > 0), 0.0)
    bounds = optimize.Bounds(low, np.where(start > 0, np.inf, 0.0))

    def scaled(x):
        value, slope = target.loss(x * unit)
        return value, slope * unit

    values, steps = start, 0
    for loose in (1e-2, 1e-5, 1e-8):  # the first nearly always suffices for the Newton steps
        options = {"maxiter": 500, "ftol": 1e-3 * loose**2, "gtol": loose, "maxcor": 20}
        found = optimize.minimize(
            scaled, values / unit, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        values, count = _polished(target, found.x * unit, start, unit, tol)
        steps += int(found.nit) + count
        left = _left(values, target.loss(values)[1], unit, start)
        if left <= tol:
            break
    return values, left, steps


def improved(target: Target, values: np.ndarray, tol: float) -> tuple[np.ndarray, float]:
    """The maximum near given values, by Newton steps, or else by the whole search; and the largest
    remaining derivative."""
    start = target.start
    if not len(target.level):
        return np.zeros_like(start), 0.0
    unit = np.where(start > 0, start, 1)
    values = np.where(start > 0, values, 0)
    levels = len(target.exposure)
    values[:levels] = np.maximum(values[:levels], 1e-3 * start[:levels])
    found, _ = _polished(target, values, start, unit, tol)
    left = _left(found, target.loss(found)[1], unit, start)
    if left <= tol or target.groups is not None:
        return found, left
    return maximise(target, tol)[:2]


def _polished(target: Target, values, start, unit, tol: float) -> tuple[np.ndarray, int]:
    """Projected Newton steps, until no derivative exceeds `tol` or the loss stops falling."""
    value, slope = target.loss(values)
    for count in range(NEWTON_STEPS):
        if _left(values, slope, unit, start) <= tol:
            return values, count
        free = (start > 0) & ((values > 1e-12 * unit) | (slope < 0))
        move = _newton(target, values, slope, free)
        for length in 0.5 ** np.arange(HALVINGS):
            new = np.maximum(values + length * move, 0)
            now, fresh = target.loss(new)
            if now <= value + 1e-4 * slope @ (new - values) + 1e-14 * abs(value):
                break
        else:
            return values, count
        if not np.any(new != values):
            return values, count
        values, value, slope = new, now, fresh
    return values, NEWTON_STEPS


def _newton(target: Target, values: np.ndarray, slope: np.ndarray, free: np.ndarray) -> np.ndarray:
    levels = len(target.exposure)
    diagonal, cross, block = target.bends(values, free)
    own, rest = slope[:levels][free[:levels]], slope[levels:][free[levels:]]
    diagonal = np.maximum(diagonal, 1e-300)
    schur = block - cross.T @ (cross / diagonal[:, None])
    schur[np.diag_indices_from(schur)] += 1e-10 * np.diag(block) + 1e-300
    right = rest - cross.T @ (own / diagonal)
    alpha = -_solution(schur, right) if len(rest) else rest
    move = np.zeros_like(values)
    move[np.flatnonzero(free[:levels])] = -(own + cross @ alpha) / diagonal
    move[levels + np.flatnonzero(free[levels:])] = alpha
    return move


def _solution(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Of a linear system with a matrix that is positive semi-definite."""
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    try:
        factor = linalg.cho_factor(scale[:, None] * matrix * scale)
    except linalg.LinAlgError:
        return np.linalg.lstsq(matrix, right, rcond=1e-13)[0]
    return scale * linalg.cho_solve(factor, scale * right)


def _left(values, slope, unit, start) -> float:
    """Largest remaining derivative."""
    at = np.where(values > 0, values * np.abs(slope), unit * np.maximum(-slope, 0))
    return float(np.max(at[start > 0], initial=0))
