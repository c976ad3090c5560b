r"""What each cascade's posts could have been reposted: the compensator over p0, and its swing.

For cascade i, with t_i its post and [a, b_i] what was seen of it,

.. math:: A_i = \sum_k d_k e^{-(t_k - t_i) / \tau} K(1/\tau; [a, b_i] - t_k), \qquad
          B_i = \sum_k d_k e^{-(t_k - t_i) / \tau + i w t_k} K(1/\tau - i w; [a, b_i] - t_k)

Both summands are smooth functions of t_k within a panel, so their values at the panel's 16 nodes
decide: the sums over events become, once and for all, weights of nodes, and an evaluation costs
panels and cascades but no events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.retweet.memory.panels import NODES, POINTS, TO_NODAL, Panels, panel_edges
from hawkesjax.retweet.memory.phases import filled, padded


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Exposure:
    """The sums above as functions of tau and theta.

    Blocks are (cascade, end of the window, panel) with events in it. Where the panel is no longer
    than the events in it are old, its nodes carry the events' weights; so they do for events
    before the window, whose integrals run backward. Younger events (a decay faster than a panel
    would be lost there) are atoms: at most 16 up to the age of 4 s0 and for every fourfold age
    beyond, each with its own age and its row of the panel's Lagrange polynomials. The relative
    error is below 1e-10 for tau >= 10 s0, and 1e-8 down to s0.
    """

    panels: Panels
    weights: Float[AnyArray, "blocks nodes"]
    lag: Float[AnyArray, " blocks"]  # right end of the panel less the window's end
    row: Int[AnyArray, " blocks"]  # of the tables
    cascade: Int[AnyArray, " blocks"]
    cosine: Float[AnyArray, " blocks"]  # of w times the window's end
    sine: Float[AnyArray, " blocks"]
    atom_age: Float[AnyArray, " atoms"]
    atom_weight: Float[AnyArray, " atoms"]
    atom_row: Float[AnyArray, "atoms nodes"]  # Lagrange polynomials
    atom_block: Int[AnyArray, " atoms"]  # 0 .. young - 1, ascending
    young_row: Int[AnyArray, " young"]
    young_cascade: Int[AnyArray, " young"]
    young_cosine: Float[AnyArray, " young"]
    young_sine: Float[AnyArray, " young"]
    num_cascades: int = field(metadata={"static": True})
    history: bool = field(metadata={"static": True})  # whether events lie before the window

    @property
    def sizes(self) -> dict[str, int]:
        """What exposures that share a compilation have in common."""
        return {
            "blocks": len(self.row),
            "atoms": len(self.atom_age),
            "young": len(self.young_row),
            "panels": len(self.panels.width),
            "posts": self.num_cascades,
        }

    def sums(self, tau: Any, theta: Any) -> Float[Array, "cascades 3"]:
        """A_i, and cosine (real) and sine (imaginary) part of B_i."""
        tables = self.panels.tables(tau, theta, backward=self.history)
        tau = jnp.asarray(tau, tables.dtype)
        # exp(-age / tau) of old events in two factors: from their panel's end, and of that end.
        grown = jnp.tile(jnp.exp(self.panels.short / tau), (2 if self.history else 1, 1))
        ours = (tables * grown[:, :, None])[self.row]
        old = jnp.einsum("bn,bnk->bk", self.weights, ours, precision="highest")
        most = np.log(jnp.finfo(tables.dtype).max) - 1  # beyond it, the table itself is 0
        size = jnp.exp(jnp.minimum(self.lag / tau, most))
        old = _turned(old * size[:, None], self.cosine, self.sine)
        mass = (self.atom_weight * jnp.exp(-self.atom_age / tau))[:, None] * self.atom_row
        nodal = jax.ops.segment_sum(
            mass, self.atom_block, self.young_row.shape[0], indices_are_sorted=True
        )
        young = jnp.einsum("bn,bnk->bk", nodal, tables[self.young_row], precision="highest")
        young = _turned(young, self.young_cosine, self.young_sine)
        return jax.ops.segment_sum(old, self.cascade, self.num_cascades) + jax.ops.segment_sum(
            young, self.young_cascade, self.num_cascades
        )


def _turned(values: AnyArray, cosine: AnyArray, sine: AnyArray) -> Array:
    """Multiply the complex part by `exp(i w end)`."""
    plain, real, imaginary = values[:, 0], values[:, 1], values[:, 2]
    return jnp.stack(
        [plain, real * cosine - imaginary * sine, imaginary * cosine + real * sine], axis=1
    )


class _Seen(NamedTuple):
    """Events whose integral reaches to one end of their window, cascades in order, ages rising."""

    age: np.ndarray
    weight: np.ndarray
    cascade: np.ndarray
    end: np.ndarray  # (N,) the window's end since the post
    backward: int


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
    least: Mapping[str, int] | None = None,
) -> Exposure:
    """Turn events into weights, on the host in float64, linear in the events.

    Events are posts (of age 0) and reposts, cascades in order and ages ascending. `post_times`
    and `until` count from the window's start, which is at `phase` of the swing; `least` holds
    `Exposure.sizes` to fill up to.
    """
    least = least or {}
    watched = (until > np.maximum(post_times, 0))[cascade] & (weights > 0)
    ages, weights, cascade = ages[watched], weights[watched], cascade[watched]
    end, begin = (until - post_times)[cascade], -post_times[cascade]
    before = ages < begin
    kinds = [_Seen(ages[~before], weights[~before], cascade[~before], end[~before], 0)]
    if before.any():
        past = ages[before], cascade[before]
        kinds.append(_Seen(past[0], weights[before], past[1], begin[before], 1))
        kinds.append(_Seen(past[0], -weights[before], past[1], end[before], 1))
    longest = max((float(np.max(k.end - k.age, initial=0.0)) for k in kinds), default=0.0)
    edges = panel_edges(longest, s0, period, least.get("panels", 1))
    parts = [_weigh(kind, edges, s0) for kind in kinds]
    count = len(edges) - 1
    first = 0
    for part in parts:
        part["atom_block"] += first
        first += len(part["young_row"])
    pieces = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name, where, stop in (("", "cascade", "stop"), ("young_", "young_cascade", "young_stop")):
        at = post_times[pieces[where]] + pieces.pop(stop) + phase
        angle = 2 * np.pi * np.remainder(at / period, 1)
        pieces[f"{name}cosine"], pieces[f"{name}sine"] = np.cos(angle), np.sin(angle)
    pieces["row"] += count * pieces.pop("row_kind")
    lengths = {"blocks": "row", "atoms": "atom_age", "young": "young_row"}
    sizes = {
        family: max(padded(len(pieces[name])), least.get(family, 0))
        for family, name in lengths.items()
    }
    arrays = {}
    for name, value in pieces.items():
        family = "atoms" if name.startswith("atom") else "blocks"
        family = "young" if name.startswith("young") else family
        last = max(len(pieces["young_row"]) - 1, 0) if name == "atom_block" else 0
        kind = np.int32 if value.dtype.kind == "i" else dtype
        arrays[name] = filled(value, sizes[family], last).astype(kind)
    return Exposure(
        panels=Panels.from_edges(edges, s0, period, tail, dtype),
        **arrays,
        num_cascades=max(len(post_times), least.get("posts", 0)),
        history=bool(before.any()),
    )


def _weigh(seen: _Seen, edges: np.ndarray, s0: float) -> dict[str, np.ndarray]:
    """Weights of the nodes of old events' blocks, and atoms of young ones."""
    away = seen.end - seen.age
    panel = np.clip(np.searchsorted(edges, away, side="right") - 1, 0, len(edges) - 2)
    width = edges[panel + 1] - edges[panel]
    # The part beyond x falls as exp(-x / tau): with exp(-age / tau) it is smooth at every age.
    young = (seen.end - edges[panel + 1] < width) & (not seen.backward)
    unit = 2 * (away - edges[panel]) / width - 1
    out: dict[str, np.ndarray] = {}
    pick = np.flatnonzero(~young)
    starts = _starts(seen.cascade[pick], panel[pick])
    head = pick[starts]
    out["weights"] = _moments(unit[pick], seen.weight[pick], starts) @ TO_NODAL
    out["lag"] = edges[panel[head] + 1] - seen.end[head]
    out["row"], out["cascade"], out["stop"] = panel[head], seen.cascade[head], seen.end[head]
    out["row_kind"] = np.full(len(head), seen.backward)

    pick = np.flatnonzero(young)
    age, own = seen.age[pick], (seen.cascade[pick], panel[pick])
    blocks = _starts(*own)
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
    atoms = {
        "age": np.concatenate([age[few], nodes.ravel()]),
        "weight": np.concatenate([seen.weight[pick][few], mass.ravel()]),
        "block": np.concatenate([block[few], np.repeat(block[groups[dense]], NODES)]),
    }
    order = np.argsort(atoms["block"], kind="stable")
    atoms = {name: value[order] for name, value in atoms.items()}
    head = pick[blocks]
    stop, left = seen.end[head], edges[panel[head]]
    away = stop[atoms["block"]] - atoms["age"]
    place = 2 * (away - left[atoms["block"]]) / width[head][atoms["block"]] - 1
    out["atom_row"] = np.polynomial.legendre.legvander(place, NODES - 1) @ TO_NODAL
    out |= {f"atom_{name}": value for name, value in atoms.items()}
    out["young_row"], out["young_cascade"] = panel[head], seen.cascade[head]
    out["young_stop"] = stop
    return out


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
