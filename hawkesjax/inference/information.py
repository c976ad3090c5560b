"""Standard errors from the observed information, at a cost that does not grow with the panel."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def standard_errors(
    model: Any,
    loss: Any,
    point: dict[str, jax.Array],
    data: Any,
    fixed: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    r"""Square roots of the diagonal of the inverse Hessian of `loss` at `point`.

    The Hessian is an arrow. The entries of `model.local` (one a sequence and mark) have a
    diagonal block L, so one Hessian-vector product gives all of it. Among the other parameters,
    those of different targets do not interact (`model.blocks`), so one product serves one
    parameter of every target at once: 2 D products by pair, instead of 2 D^2. With the cross
    block X and the others' block G,

    .. math:: C = (G - X^T L^{-1} X)^{-1}, \qquad
              \mathrm{var}_{local} = L^{-1} + \mathrm{diag}(L^{-1} X C X^T L^{-1}).

    Args:
        model: gives `local` and `blocks`.
        loss: `loss(point, data)`, minus a log-likelihood of unconstrained parameters.
        point: the minimum, a dict of arrays.
        data: the prepared data.
        fixed: mask of parameters on the boundary; they are held fixed and get NaN.

    Returns:
        Standard errors by parameter; all NaN when the matrix is not positive definite.
    """
    local = model.local
    others = [name for name in point if name != local]
    sizes = [int(np.size(point[name])) for name in others]
    spans = dict(zip(others, np.cumsum([0, *sizes[:-1]]), strict=True))
    groups = _groups(model.blocks(data), others, sizes)
    colours = _colours(groups)
    total = len(groups)

    product = partial(_product, loss=loss)
    block = np.zeros((total, total))
    locals_count = int(np.size(point[local])) if local is not None else 0
    local_group = np.full(locals_count, -2)
    cross = np.zeros((locals_count, total))
    if local is not None:
        one = _unit(point, {local: np.ones(locals_count)})
        diagonal = np.asarray(product(point, one, data)[local], np.float64).ravel()
        marks = np.shape(point[local])[-1]
        local_group = np.arange(locals_count) % marks
    for members in range(colours.max() + 1 if total else 0):
        chosen = np.flatnonzero(colours == members)
        flat = np.zeros(total)
        flat[chosen] = 1
        parts = {
            name: flat[spans[name] : spans[name] + n] for name, n in zip(others, sizes, strict=True)
        }
        moved = product(point, _unit(point, parts), data)
        column = np.concatenate([np.asarray(moved[name], np.float64).ravel() for name in others])
        for index in chosen:
            rows = _readable(groups, groups[index])
            block[rows, index] = block[index, rows] = column[rows]
            if local is not None:
                own = np.asarray(moved[local], np.float64).ravel()
                near = (local_group == groups[index]) | (groups[index] < 0)
                cross[near, index] = own[near]

    free = ~np.concatenate([fixed[name].ravel() for name in others]) if others else np.ones(0, bool)
    schur = 0.5 * (block + block.T)
    spread = np.full(total, np.nan)
    local_spread = np.full(locals_count, np.nan)
    if local is not None:
        open_ = ~fixed[local].ravel()
        weight = np.where(open_, 1 / np.where(open_, diagonal, 1), 0)
        schur = schur - cross.T @ (weight[:, None] * cross)
    covariance = _inverse(schur[np.ix_(free, free)])
    spread[free] = np.sqrt(np.diag(covariance))
    if local is not None:
        scaled = weight[:, None] * cross[:, free]
        extra = np.einsum("ia,ab,ib->i", scaled, covariance, scaled)
        variance = np.where(open_ & (weight > 0), weight + extra, np.nan)
        local_spread = np.sqrt(variance)
    out = {
        name: spread[spans[name] : spans[name] + n].reshape(np.shape(point[name]))
        for name, n in zip(others, sizes, strict=True)
    }
    if local is not None:
        out[local] = local_spread.reshape(np.shape(point[local]))
    return out


@partial(jax.jit, static_argnames="loss")
def _product(point, direction, data, *, loss):
    return jax.jvp(lambda at: jax.grad(loss)(at, data), (point,), (direction,))[1]


def _unit(point, parts):
    return {
        name: jnp.asarray(
            np.reshape(parts.get(name, np.zeros(np.size(value))), np.shape(value)), value.dtype
        )
        for name, value in point.items()
    }


def _groups(blocks, names, sizes) -> np.ndarray:
    parts = []
    for name, size in zip(names, sizes, strict=True):
        labels = blocks.get(name)
        parts.append(np.full(size, -1) if labels is None else np.asarray(labels))
    return np.concatenate(parts) if parts else np.zeros(0, int)


def _colours(groups: np.ndarray) -> np.ndarray:
    """One colour a Hessian-vector product: global parameters alone, one of each group together."""
    colours = np.zeros(groups.shape, int)
    ranks = {}
    for index, group in enumerate(groups):
        if group >= 0:
            colours[index] = ranks.setdefault(group, 0)
            ranks[group] += 1
    start = max(ranks.values(), default=0)
    for index in np.flatnonzero(groups < 0):
        colours[index] = start
        start += 1
    return colours


def _readable(groups: np.ndarray, group: int) -> np.ndarray:
    """Rows of a product that belong to this group's parameter alone."""
    if group < 0:
        return np.arange(len(groups))
    return np.flatnonzero(groups == group)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    if matrix.size == 0:
        return matrix
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1)
    unit = matrix / np.outer(scale, scale)
    try:
        np.linalg.cholesky(unit)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)
    return np.linalg.inv(unit) / np.outer(scale, scale)
