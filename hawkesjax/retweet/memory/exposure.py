r"""What each cascade's posts could have been reposted: the compensator over p0, and its swing.

For cascade i, with t_i its post and [a, b_i] what was seen of it, less the gaps of the record,

.. math:: A_i = \sum_k d_k e^{-(t_k - t_i) / \tau} K(1/\tau; [a, b_i] - t_k), \qquad
          B_i = \sum_k d_k e^{-(t_k - t_i) / \tau + i w t_k} K(1/\tau - i w; [a, b_i] - t_k)

Both summands are smooth functions of t_k within a panel, so their values at the panel's 16 nodes
decide: the sums over events become, once and for all, weights of nodes, and an evaluation costs
panels and cascades but no events. A gap [g, h] takes away integrals from g and h onward, as what
comes before the window is the difference of those from a and b_i.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.retweet.memory.panels import NODES, POINTS, TO_NODAL, Panels, panel_edges
from hawkesjax.retweet.memory.phases import filled, padded


class Blocks(NamedTuple):
    """(Cascade, end of the window, panel) with events in it."""

    row: Int[AnyArray, " blocks"]  # of the tables
    cascade: Int[AnyArray, " blocks"]
    cosine: Float[AnyArray, " blocks"]  # of w times the window's end
    sine: Float[AnyArray, " blocks"]

    def sums(self, values: AnyArray, num_cascades: int) -> Float[Array, "{num_cascades} 3"]:
        """Sums by cascade, the complex part times `exp(i w end)`."""
        plain, real, imaginary = values[:, 0], values[:, 1], values[:, 2]
        real, imaginary = (
            real * self.cosine - imaginary * self.sine,
            imaginary * self.cosine + real * self.sine,
        )
        turned = jnp.stack([plain, real, imaginary], axis=1)
        return jax.ops.segment_sum(turned, self.cascade, num_cascades)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Exposure:
    """The sums above as functions of tau and theta.

    Where a block's panel is no longer than the events in it are old, its nodes carry the events'
    weights; so they do where integrals run backward, from an end of a gap or the window's start
    for what lies before it. Younger events
    (a decay faster than a panel would be lost there) are atoms: at most 16 up to the age of 4 s0
    and for every fourfold age beyond, each with its own age and its row of the panel's Lagrange
    polynomials. The relative error is below 1e-10 for tau >= 10 s0, and 1e-8 down to s0.
    """

    panels: Panels
    old: Blocks
    weights: Float[AnyArray, "blocks nodes"]
    lag: Float[AnyArray, " blocks"]  # right end of the panel less the window's end
    young: Blocks
    atom_age: Float[AnyArray, " atoms"]
    atom_weight: Float[AnyArray, " atoms"]
    atom_row: Float[AnyArray, "atoms nodes"]  # Lagrange polynomials
    atom_block: Int[AnyArray, " atoms"]  # of the young blocks, ascending
    num_cascades: int = field(metadata={"static": True})
    backward: bool = field(metadata={"static": True})  # whether integrals run backward, too

    @property
    def sizes(self) -> dict[str, int]:
        """What exposures that share a compilation have in common."""
        return {
            "blocks": len(self.lag),
            "atoms": len(self.atom_age),
            "young": len(self.young.row),
            "panels": len(self.panels.width),
            "posts": self.num_cascades,
        }

    def sums(self, tau: Any, theta: Any) -> Float[Array, "cascades 3"]:
        """A_i, and cosine (real) and sine (imaginary) part of B_i."""
        tables = self.panels.tables(tau, theta, backward=self.backward)
        tau = jnp.asarray(tau, tables.dtype)
        # exp(-age / tau) of old events in two factors: from their panel's end, and of that end.
        grown = jnp.tile(jnp.exp(self.panels.short / tau), (2 if self.backward else 1, 1))
        ours = (tables * grown[:, :, None])[self.old.row]
        old = jnp.einsum("bn,bnk->bk", self.weights, ours, precision="highest")
        most = np.log(jnp.finfo(tables.dtype).max) - 1  # beyond it, the table itself is 0
        size = jnp.exp(jnp.minimum(self.lag / tau, most))
        mass = (self.atom_weight * jnp.exp(-self.atom_age / tau))[:, None] * self.atom_row
        nodal = jax.ops.segment_sum(
            mass, self.atom_block, self.young.row.shape[0], indices_are_sorted=True
        )
        young = jnp.einsum("bn,bnk->bk", nodal, tables[self.young.row], precision="highest")
        old = self.old.sums(old * size[:, None], self.num_cascades)
        return old + self.young.sums(young, self.num_cascades)


class _Seen(NamedTuple):
    """Events whose integral reaches to one end, or (backward) from there on; cascades in order,
    ages rising."""

    age: np.ndarray
    weight: np.ndarray
    cascade: np.ndarray
    end: np.ndarray  # since the post
    backward: int

    def located(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Panel and place in it, from -1 to 1, of each integral's end, and whether it is young."""
        away = self.end - self.age
        panel = np.clip(np.searchsorted(edges, away, side="right") - 1, 0, len(edges) - 2)
        width = edges[panel + 1] - edges[panel]
        # The part beyond x falls as exp(-x / tau): with exp(-age / tau) it is smooth at every age.
        young = (self.end - edges[panel + 1] < width) & (not self.backward)
        return panel, 2 * (away - edges[panel]) / width - 1, young


def build_exposure(
    ages: np.ndarray,
    weights: np.ndarray,
    cascade: np.ndarray,
    post_times: np.ndarray,
    until: np.ndarray,
    phase: float,
    *,
    s0: float,
    tail: float,
    period: float,
    dtype: Any,
    gaps: Iterable[tuple[float, float]] = (),
    least: Mapping[str, int] | None = None,
) -> Exposure:
    """Turn events into weights, on the host in float64, linear in the events (for each gap).

    Events are posts (of age 0) and reposts, cascades in order and ages ascending. `post_times`,
    `until` and the `gaps` (start, end) count from the window's start, which is at `phase` of the
    swing; `least` holds `Exposure.sizes` to fill up to. Of events inside a gap there is at most
    one in a cascade, its post.
    """
    sizes = least or {}
    watched = (until > np.maximum(post_times, 0))[cascade] & (weights > 0)
    ages, weights, cascade = ages[watched], weights[watched], cascade[watched]
    end, begin = (until - post_times)[cascade], -post_times[cascade]
    before = ages < begin

    def seen(rows: np.ndarray, sign: int, stop: np.ndarray, backward: int) -> _Seen:
        return _Seen(ages[rows], sign * weights[rows], cascade[rows], stop[rows], backward)

    def backward() -> Iterator[_Seen]:
        if before.any():
            yield seen(before, 1, begin, 1)
            yield seen(before, -1, end, 1)
        for low, high in gaps:
            first, last = np.maximum(low + begin, ages), np.minimum(high + begin, end)
            lost = first < last
            if lost.any():
                yield seen(lost, -1, first, 1)
                yield seen(lost, 1, last, 1)

    forward = seen(~before, 1, end, 0)
    longest = float(np.max(end - ages, initial=0.0))
    many = len(panel_edges(longest, s0, period)) - 1
    step = 1 << max(many.bit_length() - 4, 0)  # one of eight sizes per octave, or all up to 15
    edges = panel_edges(longest, s0, period, max(-(-many // step) * step, sizes.get("panels", 1)))

    def laid(array: np.ndarray, family: str, fill: int = 0) -> np.ndarray:
        size = max(padded(len(array)), sizes.get(family, 0))
        return filled(array, size, fill).astype(np.int32 if array.dtype.kind == "i" else dtype)

    def blocks(family: str, row: np.ndarray, cascade: np.ndarray, stop: np.ndarray) -> Blocks:
        angle = 2 * np.pi * np.remainder((post_times[cascade] + stop + phase) / period, 1)
        return Blocks(*(laid(x, family) for x in (row, cascade, np.cos(angle), np.sin(angle))))

    kinds = [_old(forward, edges), *(_old(kind, edges) for kind in backward())]
    nodal, lag, *old = map(np.concatenate, zip(*kinds, strict=True))
    (age, weight, row, block), young = _young(forward, edges, s0)
    return Exposure(
        Panels.from_edges(edges, s0, period, tail, dtype),
        blocks("blocks", *old),
        laid(nodal, "blocks"),
        laid(lag, "blocks"),
        blocks("young", *young),
        laid(age, "atoms"),
        laid(weight, "atoms"),
        laid(row, "atoms"),
        laid(block, "atoms", max(len(young[0]) - 1, 0)),
        num_cascades=max(len(post_times), sizes.get("posts", 0)),
        backward=len(kinds) > 1,
    )


def _old(seen: _Seen, edges: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weights of the nodes of old events' blocks, lags, and rows, cascades and ends of these."""
    panel, place, young = seen.located(edges)
    pick = np.flatnonzero(~young)
    starts = _starts(seen.cascade[pick], panel[pick])
    head = pick[starts]
    weights = _moments(place[pick], seen.weight[pick], starts) @ TO_NODAL
    lag = edges[panel[head] + 1] - seen.end[head]
    row = panel[head] + (len(edges) - 1) * seen.backward
    return weights, lag, row, seen.cascade[head], seen.end[head]


def _young(
    seen: _Seen, edges: np.ndarray, s0: float
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Ages, weights, Lagrange polynomials and blocks of atoms; rows, cascades and ends of these."""
    panel, _, young = seen.located(edges)
    pick = np.flatnonzero(young)
    age = seen.age[pick]
    blocks = _starts(seen.cascade[pick], panel[pick])
    block = np.repeat(np.arange(len(blocks)), np.diff(np.append(blocks, len(pick))))
    with np.errstate(divide="ignore"):
        span = np.maximum(np.floor(np.log2(age / s0) / 2), 0)
    groups = _starts(block, span)
    sizes = np.diff(np.append(groups, len(pick)))
    many = np.repeat(sizes > NODES, sizes)
    low, high = age[groups], age[np.append(groups[1:], len(pick)) - 1] if len(pick) else age
    # Groups of more than 16 events become 16 atoms at the nodes of the ages they span.
    dense = np.flatnonzero(sizes > NODES)
    inner = np.flatnonzero(many)
    begin = np.concatenate([[0], np.cumsum(sizes[dense])[:-1]]).astype(np.int64)
    span = np.repeat(high[dense] - low[dense], sizes[dense])
    local = (age[inner] - np.repeat(low[dense], sizes[dense])) / np.where(span > 0, span, 1)
    mass = _moments(2 * local - 1, seen.weight[pick][inner], begin[: len(dense)]) @ TO_NODAL
    nodes = low[dense, None] + (high - low)[dense, None] * (POINTS + 1) / 2
    few = np.flatnonzero(~many)
    age = np.concatenate([age[few], nodes.ravel()])
    weight = np.concatenate([seen.weight[pick][few], mass.ravel()])
    block = np.concatenate([block[few], np.repeat(block[groups[dense]], NODES)])
    order = np.argsort(block, kind="stable")
    age, weight, block = age[order], weight[order], block[order]
    head = pick[blocks]
    stop, left, right = seen.end[head], edges[panel[head]], edges[panel[head] + 1]
    place = 2 * (stop[block] - age - left[block]) / (right - left)[block] - 1
    row = np.polynomial.legendre.legvander(place, NODES - 1) @ TO_NODAL
    return (age, weight, row, block), (panel[head], seen.cascade[head], stop)


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Where any of the keys changes."""
    if not len(keys[0]):
        return np.zeros(0, np.int64)
    change = np.ones(len(keys[0]), bool)
    change[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(change)


def _moments(place: np.ndarray, weight: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """`sum weight P_j(place)` of each run, j = 0 .. 15."""
    out = np.zeros((len(starts), NODES))
    if not len(starts):
        return out
    before, now = weight, weight * place
    out[:, 0] = np.add.reduceat(before, starts)
    for j in range(1, NODES):
        out[:, j] = np.add.reduceat(now, starts)
        before, now = now, ((2 * j + 1) * place * now - j * before) / (j + 1)
    return out
