"""The curvature of a log-likelihood in blocks: standard errors and Newton steps at low cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.core.layout import Layout
from hawkesjax.inputs.arrays import HostArray


@dataclass(frozen=True)
class Arrow:
    r"""Hessian of a loss at a point: diagonal L, a block per group, and a part coupled to all.

    The entries of `model.local` (one per sequence and mark) do not interact given the others, so
    one Hessian-vector product gives all of L. Among the others, those of different targets do not
    interact (`model.blocks`), so one product serves one parameter of every target at once: 2 D
    products by pair instead of 2 D^2, and D blocks of (2 D)^2 numbers instead of (2 D^2)^2.

    Args:
        layout: which parameters these are.
        local: the diagonal of L.
        cross: (local, size + q) of each local entry with its own group and with the top.
        own: (groups, size, size) blocks.
        couple: (groups, size, q) of each group with the top.
        top: (q, q).
    """

    layout: Layout
    local: np.ndarray
    cross: np.ndarray
    own: np.ndarray
    couple: np.ndarray
    top: np.ndarray

    @property
    def is_finite(self) -> bool:
        """Whether every second derivative is finite."""
        parts = (self.local, self.cross, self.own, self.couple, self.top)
        return all(bool(np.isfinite(part).all()) for part in parts)

    @classmethod
    def at(cls, model: Any, loss: Any, point: dict[str, jax.Array], data: Any) -> Arrow:
        """The Hessian of `loss(point, data)`."""
        layout = Layout.of(model, point, data)
        groups, size = layout.members.shape
        q, count = len(layout.top), len(layout.local_group)
        own, couple = np.zeros((groups, size, size)), np.zeros((groups, size, q))
        cross, top = np.zeros((count, size + q)), np.zeros((q, q))

        def product(local: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
            parts = layout.named(local, others)
            direction = {name: jnp.asarray(parts[name], leaf.dtype) for name, leaf in point.items()}
            moved = _product(point, direction, data, loss=loss)
            return {name: np.asarray(part, np.float64) for name, part in moved.items()}

        nothing = np.zeros(count), np.zeros(layout.num_others)
        local = layout.local(product(np.ones(count), nothing[1])) if count else nothing[0]
        for column, places in layout.directions():
            unit = nothing[1].copy()
            unit[places] = 1
            moved = product(nothing[0], unit)
            others = layout.flat(moved)
            cross[:, column] = layout.local(moved)
            if column < size:
                own[:, :, column] = others[layout.members]
            else:
                couple[:, :, column - size] = others[layout.members]
                top[:, column - size] = others[layout.top]
        absent = layout.members < 0
        own[absent] = 0
        couple[absent] = 0
        own = 0.5 * (own + np.swapaxes(own, 1, 2))
        return cls(layout, local, cross, own, couple, 0.5 * (top + top.T))

    def integrated(self, marginal: Arrow) -> Arrow:
        """The same with the information on the others taken from a likelihood in which the local
        entries are integrated out: the error of a local entry then includes its own spread given
        the others, and theirs (Kass and Steffey 1989, JASA 84, 717-726)."""
        own, couple, top = self._without_local(_reciprocal(self.local))
        return replace(
            self,
            own=marginal.own + self.own - own,
            couple=marginal.couple + self.couple - couple,
            top=marginal.top + self.top - top,
        )

    def standard_errors(self, fixed: dict[str, HostArray]) -> dict[str, np.ndarray]:
        r"""Square roots of the inverse's diagonal.

        Args:
            fixed: mask of parameters on the boundary; they are held fixed and get NaN.

        Returns:
            By parameter; NaN for a block that is not positive definite.
        """
        layout, inverse = self.layout, self._invert(fixed)
        size = layout.members.shape[1]
        spread = np.full(layout.num_others, np.nan)
        variance = np.einsum("gaa->ga", inverse.own) + np.einsum(
            "gaq,qr,gar->ga", inverse.carry, inverse.top, inverse.carry
        )
        present = layout.members >= 0
        spread[layout.members[present]] = variance[present]
        spread[layout.top] = np.diag(inverse.top)
        rows = -inverse.weight[:, None] * self.cross
        local = inverse.weight + inverse.variance(
            rows[:, :size], layout.local_group, rows[:, size:]
        )
        spread[layout.flat(fixed).astype(bool)] = np.nan
        with np.errstate(invalid="ignore"):
            return layout.named(np.sqrt(np.where(inverse.open, local, np.nan)), np.sqrt(spread))

    def standard_errors_of_sums(
        self, fixed: dict[str, HostArray], own: np.ndarray, groups: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        r"""Standard errors of `own_c local_c + sum_k rows_ck other_k`, where the others are those
        of one group and the top.

        Sums that do not belong to a local entry are sums over the other parameters alone. NaN
        for one that depends on a parameter that is held fixed.

        Args:
            fixed: mask of parameters held fixed.
            own: weight of each local entry, (local,); of other sums, zeros (sums,).
            groups: (sums,) group of each.
            rows: (sums, size + q) weights of the members of its group, and of the top.
        """
        layout, inverse = self.layout, self._invert(fixed)
        size = layout.members.shape[1]
        held = np.append(layout.flat(fixed).astype(bool), False)
        masks = np.tile(held[layout.top], (len(rows), 1))
        if size:
            masks = np.concatenate([held[layout.members][groups], masks], axis=1)
        known = np.all((np.abs(rows) < 1e-3) | ~masks, axis=1)
        variance = np.zeros(len(own))
        if len(own) == len(self.local) and np.any(own):
            variance = own**2 * inverse.weight
            rows = rows - (own * inverse.weight)[:, None] * self.cross
            known &= inverse.open
        variance = variance + inverse.variance(rows[:, :size], groups, rows[:, size:])
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.where(known, variance, np.nan))

    def profiled(self, name: str, fixed: dict[str, HostArray]) -> np.ndarray:
        """The curvature in one of the others, with all that is not fixed maximised out; entries
        that the data do not determine keep their values."""
        layout = self.layout
        open_ = ~layout.local(fixed).astype(bool)
        own, couple, top = self._without_local(np.where(open_, _reciprocal(self.local), 0))
        size = layout.num_others
        whole = np.zeros((size + 1, size + 1))  # the last one takes the padding of the groups
        for members, block, beside in zip(layout.members, own, couple, strict=True):
            whole[np.ix_(members, members)] = block
            whole[np.ix_(members, layout.top)] = beside
            whole[np.ix_(layout.top, members)] = beside.T
        whole[np.ix_(layout.top, layout.top)] = top
        names = np.concatenate([np.full(int(np.prod(layout.shapes[n])), n) for n in layout.names])
        mine = np.flatnonzero(names == name)
        rest = np.flatnonzero((names != name) & ~layout.flat(fixed).astype(bool))
        rest = rest[np.diag(whole)[rest] > 0]
        scale = np.sqrt(np.diag(whole)[rest])
        values, vectors = np.linalg.eigh(whole[np.ix_(rest, rest)] / np.outer(scale, scale))
        known = values > 1e-10
        cross = (whole[np.ix_(mine, rest)] / scale) @ vectors[:, known]
        return whole[np.ix_(mine, mine)] - (cross / values[known]) @ cross.T

    def newton_step(
        self, gradient: dict[str, np.ndarray], damping: np.ndarray, longest: float
    ) -> dict[str, np.ndarray]:
        """`-(|H| + damping |diag H|)^-1 gradient`, with each block's eigenvalues made positive;
        `damping` of each part of `Layout.parts`.

        No entry moves by more than `longest`: each group is shortened separately, so that one
        far from its maximum does not hold up the others.
        """
        layout = self.layout
        slope, mine = layout.flat(gradient), layout.local(gradient)
        damping = np.broadcast_to(damping, max(len(layout.members), 1))
        size, present = layout.members.shape[1], layout.members >= 0
        diagonal = np.einsum("gaa->ga", self.own)
        parts = (self.local, diagonal, np.diag(self.top))
        floor = max(1e-200, *(1e-12 * np.abs(part).max(initial=0) for part in parts))
        local = np.maximum(np.abs(self.local) * (1 + damping[layout.local_group]), floor)
        own, couple, top = self._without_local(1 / local)
        right = np.where(present, np.append(slope, 0)[layout.members], 0)
        pull = self.cross * (mine / local)[:, None]
        if size:
            np.subtract.at(right, layout.local_group, pull[:, :size])
        scale = np.where(present, np.maximum(np.abs(diagonal), floor), 1)
        solved = np.zeros((*right.shape, 1 + len(layout.top)))
        for g, block in enumerate(own):
            both = np.concatenate([right[g][:, None], couple[g]], axis=1)
            solved[g] = _solve(block, scale[g], damping[g], both)
        q = np.swapaxes(couple, 1, 2) @ solved
        rest = slope[layout.top] - np.sum(pull[:, size:], axis=0) - q[..., 0].sum(axis=0)
        large = np.maximum(np.abs(np.diag(self.top)), floor)
        high = _solve(top - q[..., 1:].sum(axis=0), large, damping[0], rest[:, None])[:, 0]
        high = -_shortened(high[None], longest)[0]
        low = _shortened(-solved[..., 0] - solved[..., 1:] @ high, longest)
        others = np.zeros(layout.num_others)
        others[layout.members[present]] = low[present]
        others[layout.top] = high
        moved = np.tile(high, (len(local), 1))
        if size:
            moved = np.concatenate([low[layout.local_group], moved], axis=1)
        own_move = -(mine + np.sum(self.cross * moved, axis=1)) / local
        return layout.named(np.clip(own_move, -longest, longest), others)

    def _without_local(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The blocks minus `cross^T weight cross`: the local entries eliminated."""
        size = self.layout.members.shape[1]
        scaled = weight[:, None] * self.cross
        top = self.top - self.cross[:, size:].T @ scaled[:, size:]
        own, couple = self.own.copy(), self.couple.copy()
        for g in range(len(own)):
            rows = self.layout.local_group == g
            mine = self.cross[rows, :size]
            own[g] -= mine.T @ scaled[rows, :size]
            couple[g] -= mine.T @ scaled[rows, size:]
        return own, couple, top

    def _invert(self, fixed: dict[str, HostArray]) -> _Inverse:
        layout = self.layout
        held = np.append(layout.flat(fixed).astype(bool), True)
        open_ = ~layout.local(fixed).astype(bool) & (self.local > 0)
        weight = np.where(open_, _reciprocal(self.local), 0)
        own, couple, top = self._without_local(weight)
        inverse, carry = np.zeros_like(own), np.zeros_like(couple)
        for g, members in enumerate(layout.members):
            free = np.flatnonzero(~held[members])
            inverse[g][np.ix_(free, free)] = _inverse(own[g][np.ix_(free, free)])
            carry[g] = -inverse[g] @ couple[g]
        high = np.zeros_like(top)
        free = np.flatnonzero(~held[layout.top])
        schur = top + np.einsum("gaq,gar->qr", couple, carry)
        high[np.ix_(free, free)] = _inverse(schur[np.ix_(free, free)])
        return _Inverse(open_, weight, inverse, carry, high)


class Solved(NamedTuple):
    """A maximum that a model found by a method of its own."""

    params: dict[str, Any]  # natural; some may lie on a boundary
    loss: float  # minus the log-likelihood
    gradient: float  # largest remaining derivative per event; on a boundary, towards the inside
    steps: int
    information: Callable[[], Arrow] | None  # the curvature there


@dataclass(frozen=True)
class _Inverse:
    """`open`: free local entries; `weight`: L^-1; `own`: inverses of the groups' blocks, given the
    top; `carry`: response of each group to the top; `top`: its covariance."""

    open: np.ndarray
    weight: np.ndarray
    own: np.ndarray
    carry: np.ndarray
    top: np.ndarray

    def variance(self, rows: np.ndarray, groups: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Variances of sums with weights `rows` of their groups' members and `high` of the top."""
        if rows.size and high.size:
            high = high + np.einsum("ca,caq->cq", rows, self.carry[groups])
        total = np.einsum("cq,qr,cr->c", high, self.top, high)
        for g in range(len(self.own)):
            mine = groups == g
            total[mine] += np.einsum("ca,ab,cb->c", rows[mine], self.own[g], rows[mine])
        return total


@partial(jax.jit, static_argnames="loss")
def _product(point, direction, data, *, loss):
    return jax.jvp(lambda at: jax.grad(loss)(at, data), (point,), (direction,))[1]


def _reciprocal(local: np.ndarray) -> np.ndarray:
    return np.where(local > 0, 1 / np.where(local > 0, local, 1), 0)


def _solve(matrix: np.ndarray, scale: np.ndarray, damping: float, right: np.ndarray) -> np.ndarray:
    """`(|matrix| + damping diag(scale))^-1 right`, in units where the diagonal is 1."""
    root = np.sqrt(scale)
    values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
    bend = np.maximum(np.abs(values), 1e-9) + damping
    return (vectors @ ((vectors.T @ (right / root[:, None])) / bend[:, None])) / root[:, None]


def _shortened(moves: np.ndarray, longest: float) -> np.ndarray:
    """Each row, scaled such that no entry exceeds `longest`."""
    length = np.max(np.abs(moves), axis=1, initial=0, keepdims=True)
    return moves * np.minimum(1, longest / np.maximum(length, 1e-300))


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
