"""The curvature of a log-likelihood as an arrow: standard errors and Newton steps at low cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.inputs.arrays import HostArray


@dataclass(frozen=True)
class Arrow:
    r"""Hessian of a loss at a point, `[[L, X], [X^T, G]]` with a diagonal L.

    The entries of `model.local` (one per sequence and mark) do not interact given the others, so
    one Hessian-vector product gives all of L. Among the others, those of different targets do not
    interact (`model.blocks`), so one product serves one parameter of every target at once: 2 D
    products by pair instead of 2 D^2.

    Args:
        local: the diagonal of L.
        cross: X, (local, others).
        block: G, (others, others).
        local_name, names, shapes: which parameters these are, in order.
    """

    local: np.ndarray
    cross: np.ndarray
    block: np.ndarray
    local_name: str | None
    names: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def at(cls, model: Any, loss: Any, point: dict[str, jax.Array], data: Any) -> Arrow:
        """The Hessian of `loss(point, data)`."""
        name = model.local
        names = tuple(other for other in point if other != name)
        shapes = {other: np.shape(value) for other, value in point.items()}
        sizes = [int(np.prod(shapes[other])) for other in names]
        groups = _groups(model.blocks(data), names, sizes)
        colours = _colours(groups)
        count = int(np.prod(shapes[name])) if name is not None else 0
        marks = shapes[name][-1] if name is not None and shapes[name] else 1
        local_groups = np.arange(count) % marks
        diagonal, cross = np.zeros(count), np.zeros((count, len(groups)))
        block = np.zeros((len(groups), len(groups)))

        def product(parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            direction = {
                other: jnp.asarray(
                    np.reshape(parts.get(other, np.zeros(value.size)), value.shape), value.dtype
                )
                for other, value in point.items()
            }
            moved = _product(point, direction, data, loss=loss)
            return {other: np.asarray(part, np.float64).ravel() for other, part in moved.items()}

        if name is not None:
            diagonal = product({name: np.ones(count)})[name]
        for colour in range(colours.max(initial=-1) + 1):
            chosen = np.flatnonzero(colours == colour)
            flat = np.zeros(len(groups))
            flat[chosen] = 1
            moved = product(dict(zip(names, np.split(flat, np.cumsum(sizes)[:-1]), strict=True)))
            column = np.concatenate([moved[other] for other in names])
            for index in chosen:
                group = groups[index]
                rows = np.arange(len(groups)) if group < 0 else np.flatnonzero(groups == group)
                block[rows, index] = block[index, rows] = column[rows]
                if name is not None:
                    near = (local_groups == group) | (group < 0)
                    cross[near, index] = moved[name][near]
        return cls(diagonal, cross, 0.5 * (block + block.T), name, names, shapes)

    def standard_errors(self, fixed: dict[str, HostArray]) -> dict[str, np.ndarray]:
        r"""Square roots of the inverse's diagonal, with `C = (G - X^T L^-1 X)^-1`:
        `var_others = diag(C)`, `var_local = L^-1 + diag(L^-1 X C X^T L^-1)`.

        Args:
            fixed: mask of parameters on the boundary; they are held fixed and get NaN.

        Returns:
            By parameter; all NaN when the matrix is not positive definite.
        """
        free, open_, weight, covariance = self._invert(fixed)
        spread = np.full(len(free), np.nan)
        spread[free] = np.sqrt(np.diag(covariance))
        scaled = weight[:, None] * self.cross[:, free]
        variance = weight + np.einsum("ia,ab,ib->i", scaled, covariance, scaled)
        return self._named(np.sqrt(np.where(open_, variance, np.nan)), spread)

    def standard_errors_of_sums(
        self, fixed: dict[str, HostArray], own: np.ndarray, others: dict[str, np.ndarray]
    ) -> np.ndarray:
        r"""Standard error of `own_c local_c + sum_k others_ck other_k` for each local entry c.

        With `v_c = others_c - own_c L_c^-1 X_c`: variance `own_c^2 / L_c + v_c C v_c^T`. Sums
        that are not one for each local entry are sums over the other parameters alone.

        Args:
            fixed: mask of parameters held fixed.
            own: weight of each local entry, (local,); of other sums, zeros (sums,).
            others: weights of the other parameters, (sums, size) by name; 0 if left out.
        """
        free, open_, weight, covariance = self._invert(fixed)
        sizes = {name: int(np.prod(self.shapes[name])) for name in self.names}
        zero = {name: np.zeros((len(own), size)) for name, size in sizes.items()}
        rows = np.concatenate([(zero | others)[name] for name in self.names], axis=1)[:, free]
        if len(own) != len(self.local):
            return np.sqrt(np.einsum("ia,ab,ib->i", rows, covariance, rows))
        rows = rows - (own * weight)[:, None] * self.cross[:, free]
        variance = own**2 * weight + np.einsum("ia,ab,ib->i", rows, covariance, rows)
        return np.sqrt(np.where(open_, variance, np.nan))

    def _invert(self, fixed: dict[str, HostArray]):
        """Masks of free others and locals, L^-1, and C over the free others."""
        free = ~self._flat(fixed)
        open_ = (
            ~np.ravel(np.asarray(fixed[self.local_name], bool))
            if self.local_name
            else np.zeros(0, bool)
        )
        open_ &= self.local > 0
        weight = np.where(open_, 1 / np.where(open_, self.local, 1), 0)
        schur = self.block - self.cross.T @ (weight[:, None] * self.cross)
        return free, open_, weight, _inverse(schur[np.ix_(free, free)])

    def newton_step(self, gradient: dict[str, np.ndarray], damping: float) -> dict[str, np.ndarray]:
        """`-(H + damping |diag H|)^-1 gradient`, with damping added until H is positive."""
        slope = self._flat(gradient)
        own = np.ravel(gradient[self.local_name]) if self.local_name else np.zeros(0)
        floor = 1e-12 * max(np.abs(self.local).max(initial=0), np.abs(self.block).max(initial=0))
        local = np.maximum(np.abs(self.local) * (1 + damping), floor)
        scale = np.maximum(np.abs(np.diag(self.block)), floor)
        schur = self.block - self.cross.T @ (self.cross / local[:, None])
        right = slope - self.cross.T @ (own / local)
        while True:
            try:
                factor = np.linalg.cholesky(schur + np.diag(damping * scale))
                break
            except np.linalg.LinAlgError:
                damping = max(4 * damping, 1e-6)
                if damping > 1e6:
                    factor = np.diag(np.sqrt(scale * damping))
                    break
        others = -np.linalg.solve(factor.T, np.linalg.solve(factor, right))
        return self._named(-(own + self.cross @ others) / local, others)

    def _flat(self, parts: dict[str, HostArray]) -> np.ndarray:
        return np.concatenate([np.ravel(parts[name]) for name in self.names])

    def _named(self, local: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
        sizes = [int(np.prod(self.shapes[name])) for name in self.names]
        pieces = np.split(others, np.cumsum(sizes)[:-1])
        out = {
            name: piece.reshape(self.shapes[name])
            for name, piece in zip(self.names, pieces, strict=True)
        }
        if self.local_name is not None:
            out[self.local_name] = local.reshape(self.shapes[self.local_name])
        return out


@partial(jax.jit, static_argnames="loss")
def _product(point, direction, data, *, loss):
    return jax.jvp(lambda at: jax.grad(loss)(at, data), (point,), (direction,))[1]


def _groups(blocks, names, sizes) -> np.ndarray:
    """Target of every parameter; -1 for one that interacts with all."""
    parts = []
    for name, size in zip(names, sizes, strict=True):
        labels = blocks.get(name)
        parts.append(np.full(size, -1) if labels is None else np.asarray(labels))
    return np.concatenate(parts)


def _colours(groups: np.ndarray) -> np.ndarray:
    """One colour per Hessian-vector product: a global parameter, or one of each group."""
    colours = np.zeros(groups.shape, int)
    ranks: dict[int, int] = {}
    for index, group in enumerate(groups):
        if group >= 0:
            colours[index] = ranks.setdefault(group, 0)
            ranks[group] += 1
    start = max(ranks.values(), default=0)
    alone = np.flatnonzero(groups < 0)
    colours[alone] = start + np.arange(len(alone))
    return colours


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
