r"""The maximum over baselines and effects under a penalty of the effects' nuclear norm: low rank.

With :math:`f_i` minus the part of target i (`hawkesjax.hawkes.concave`), convex in its row of alpha
and its levels,

.. math:: \min_{\mu, \alpha \ge 0} \; \sum_i f_i(\mu_i, \alpha_i) + \kappa \| \alpha \|_*

joins the targets. Newton steps: the quadratic models of all targets, their levels eliminated, are
minimised by the alternating direction method of multipliers, with one copy of alpha for the norm
(whose singular values are reduced by a threshold) and one that is 0 or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.concave import Target
from hawkesjax.hawkes.lasso import bare_of, slopes

MOST_MARKS = 400  # D curvatures of D x D numbers: 0.5 GB
NEWTON_STEPS, HALVINGS = 40, 12
SPLITS = 1000  # of one quadratic model
RELAXED = 1.6  # over-relaxation: 1.5 to 1.8 are usual (Boyd et al., section 3.4.3)
NOTHING = 1e-6  # of a level, over its start: held where it would fall further
EASED = 1e-3  # share of a level below which one step does not take it


@dataclass(frozen=True)
class Copies:
    """Two copies of alpha with what forces them to agree.

    Args:
        low: the one of low rank, with exact zeros among its singular values.
        whole: the one of 0 or more.
        pull: slopes of the norm's share and of the bound's at these copies, which balance the
            slope of the log-likelihood at the optimum.
        weight: of the squared distance.
    """

    low: Float[np.ndarray, "targets sources"]
    whole: Float[np.ndarray, "targets sources"]
    pull: Float[np.ndarray, "copies targets sources"]
    weight: float

    @classmethod
    def none(cls, marks: int) -> Copies:
        """Without effects."""
        nothing = np.zeros((marks, marks))
        return cls(nothing, nothing, np.zeros((2, marks, marks)), 0.0)


def strongest(targets: Sequence[Target]) -> float:
    """A penalty that leaves no effect."""
    gain = np.stack([slopes(target, bare_of(target)) for target in targets])
    return float(np.linalg.norm(np.maximum(gain, 0), 2))


def path(
    targets: Sequence[Target], penalties: Float[np.ndarray, " penalties"], limit: float
) -> tuple[Float[np.ndarray, "targets penalties values"], Int[np.ndarray, " penalties"], float]:
    """The parameters of each target at each penalty, strongest first, the rank of alpha, and the
    largest remaining derivative.

    Args:
        targets: all targets, by number.
        penalties: kappa.
        limit: largest derivative left, nats.

    Source: ADMM: Boyd et al. (2011), Found. Trends Mach. Learn. 3, 1-122; singular values: Cai,
    Candes and Shen (2010), SIAM J. Optim. 20, 1956-1982; the nuclear norm of a Hawkes process:
    Zhou, Zha and Song (2013), AISTATS.
    """
    rows, ranks, worst = [], [], 0.0
    values = np.stack([bare_of(target) for target in targets])
    copies = Copies.none(len(targets))
    for kappa in penalties:
        values, copies, left = _at(targets, float(kappa), values, copies, limit)
        rows.append(values)
        ranks.append(int(np.linalg.matrix_rank(copies.low)) if copies.low.any() else 0)
        worst = max(worst, left)
    return np.stack(rows, axis=1), np.array(ranks, int), worst


def _at(
    targets: Sequence[Target], kappa: float, values: np.ndarray, copies: Copies, limit: float
) -> tuple[np.ndarray, Copies, float]:
    """The minimum at one penalty, near given values."""
    marks = len(targets)
    levels = values.shape[1] - marks
    unit = np.stack([target.start for target in targets])
    unit = np.where(unit > 0, unit, unit.max())
    loss, gradient = _losses(targets, values)
    total = loss + kappa * _norm(values[:, levels:])
    left = _left(values, gradient, copies, unit, levels)
    exact = 0.1  # how much smaller than what is left a model's own error is
    for _ in range(NEWTON_STEPS):
        models = [_model(*one) for one in zip(targets, values, gradient, strict=True)]
        slope, curve, cross, own = (np.stack(part) for part in zip(*models, strict=True))
        near = max(exact * left, 0.3 * limit)
        copies = _split(slope, curve, values[:, levels:], kappa, copies, near, unit[:, levels:])
        move = copies.whole - values[:, levels:]
        levels_move = own - np.einsum("ilj,ij->il", cross, move)
        for length in 0.5 ** np.arange(HALVINGS):
            level = np.maximum(
                values[:, :levels] + length * levels_move, EASED * values[:, :levels]
            )
            new = np.concatenate([level, values[:, levels:] + length * move], axis=1)
            loss, fresh = _losses(targets, new)
            now = loss + kappa * _norm(new[:, levels:])
            if now <= total + 1e-12 * abs(total):
                break
        else:
            new, fresh, now = values, gradient, total
        if now >= total - 1e-13 * abs(total):
            exact *= 0.1
        values, gradient, total = new, fresh, now
        left = _left(values, gradient, copies, unit, levels)
        if left <= limit or exact < 1e-6:
            break
    return values, copies, left


def _losses(targets: Sequence[Target], values: np.ndarray) -> tuple[float, np.ndarray]:
    parts = [target.loss(own) for target, own in zip(targets, values, strict=True)]
    return sum(value for value, _ in parts), np.stack([slope for _, slope in parts])


def _norm(alpha: np.ndarray) -> float:
    return float(np.linalg.svd(alpha, compute_uv=False).sum())


def _left(values, gradient, copies: Copies, unit, levels: int) -> float:
    """Largest remaining derivative: of levels in their logs, of effects scaled by their start."""
    level = np.abs(values[:, :levels] * gradient[:, :levels])
    effects = np.abs(gradient[:, levels:] + copies.pull.sum(axis=0)) * unit[:, levels:]
    return float(max(level.max(initial=0), effects.max(initial=0)))


def _model(target: Target, values: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, ...]:
    """The quadratic model of a target in its effects, with its levels at their best: slope,
    curvature, and how levels follow, (levels, sources) and (levels,)."""
    levels, sources = len(target.exposure), len(target.children)
    held = (values[:levels] <= NOTHING * target.start[:levels]) & (slope[:levels] >= 0)
    free = np.concatenate([~held, np.ones(sources, bool)])
    part, across, curve = target.bends(values, free)
    part = np.maximum(part, 1e-300)
    follow, own = np.zeros((levels, sources)), np.zeros(levels)
    known = free[:levels]
    follow[known] = across / part[:, None]
    own[known] = -slope[:levels][known] / part
    return slope[levels:] + across.T @ own[known], curve - across.T @ follow[known], follow, own


def _split(slope, curve, start, kappa: float, copies: Copies, near: float, unit) -> Copies:
    """The minimum of the quadratic models with the penalty and the bound."""
    marks = len(start)
    identity = np.eye(marks)
    weight = copies.weight or float(np.mean(np.trace(curve, axis1=1, axis2=2)) / marks)
    fixed = np.matmul(curve, start[..., None])[..., 0] - slope
    low, whole, pull = copies.low, copies.whole, copies.pull
    inverse = np.linalg.inv(curve + 2 * weight * identity)
    for count in range(1, SPLITS + 1):
        towards = fixed + weight * (low + whole) - pull.sum(axis=0)
        alpha = np.matmul(inverse, towards[..., None])[..., 0]
        before = low + whole
        one = RELAXED * alpha + (1 - RELAXED) * low + pull[0] / weight
        two = RELAXED * alpha + (1 - RELAXED) * whole + pull[1] / weight
        left, size, right = np.linalg.svd(one)
        low = (left * np.maximum(size - kappa / weight, 0)) @ right
        whole = np.maximum(two, 0)
        pull = weight * np.stack([one - low, two - whole])
        bend = np.matmul(curve, (whole - start)[..., None])[..., 0]
        apart = weight * max(np.abs((x - whole) * unit).max() for x in (alpha, low))
        moved = np.abs((slope + bend + pull.sum(axis=0)) * unit).max()
        if max(apart, moved) <= near:
            break
        if count % 20 == 0:
            change = weight * np.abs((low + whole - before) * unit).max()
            ratio = np.sqrt(max(apart, 1e-300) / max(change, 1e-300))
            if not 0.5 < ratio < 2:
                weight *= float(np.clip(ratio, 0.2, 5))
                inverse = np.linalg.inv(curve + 2 * weight * identity)
    return Copies(low, whole, pull, weight)
