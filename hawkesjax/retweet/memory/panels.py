r"""Integrals of the memory kernel under an exponential and an oscillation, at shared nodes.

`K(z; x) = int_0^x exp(-z u) psi(u) du` for `z = 1/tau` and `z = 1/tau - i w`, by Gauss-Legendre on
panels that double from s0 and are never longer than half a period.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.retweet.memory.kernel import scale

NODES = 16  # of each panel: relative errors below 1e-10, see `exposure.Exposure`


def legendre(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights, and what turns Legendre moments into nodal weights."""
    nodes, weights = np.polynomial.legendre.leggauss(size)
    values = np.polynomial.legendre.legvander(nodes, size - 1)
    return nodes, weights, (np.arange(size) + 0.5)[:, None] * weights * values.T


def _rules() -> tuple[np.ndarray, ...]:
    """`legendre`, and integrals of the Lagrange polynomials left and right of each node."""
    nodes, weights, to_nodal = legendre(NODES)
    values = np.polynomial.legendre.legvander(nodes, NODES)  # (node, degree), one degree more
    degrees = np.arange(NODES)
    # int_-1^x P_j = (P_{j+1}(x) - P_{j-1}(x)) / (2 j + 1), and x + 1 for j = 0
    integral = np.empty((NODES, NODES))
    integral[:, 0] = nodes + 1
    integral[:, 1:] = (values[:, 2:] - values[:, : NODES - 1]) / (2 * degrees[1:] + 1)
    left = integral @ to_nodal
    return nodes, weights, to_nodal, left, weights[None, :] - left


POINTS, WEIGHTS, TO_NODAL, LEFT, RIGHT = _rules()


def panel_edges(longest: float, s0: float, period: float, least: int = 1) -> np.ndarray:
    """0, s0, 2 s0, 4 s0, ... in steps of at most half a period, until past `longest` and at
    least so many panels."""
    cap = period / 2
    edges = [0.0]
    while edges[-1] < longest or len(edges) <= least:
        begin = edges[-1]
        if begin < s0:
            edges.append(min(begin + cap, s0))
        else:
            edges.append(begin + min(begin, cap))
    return np.array(edges)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Panels:
    """Panels with 16 nodes each, and what does not change with tau."""

    width: Float[AnyArray, " panels"]
    lag: Float[AnyArray, "panels nodes"]  # the nodes
    short: Float[AnyArray, "panels nodes"]  # node less the panel's right end
    log_ratio: Float[AnyArray, "panels nodes"]  # log(node / s0), 0 in the flat part
    far: Float[AnyArray, " panels"]  # 1 in the tail, 0 in the flat part
    cosine: Float[AnyArray, "panels nodes"]  # of w times the node
    sine: Float[AnyArray, "panels nodes"]
    s0: float = field(metadata={"static": True})
    tail: float = field(metadata={"static": True})

    @classmethod
    def from_edges(
        cls, edges: np.ndarray, s0: float, period: float, tail: float, dtype: Any
    ) -> Panels:
        """The panels between edges, on the host in float64."""
        width = np.diff(edges)
        lag = edges[:-1, None] + width[:, None] * (POINTS + 1) / 2
        short = width[:, None] * (POINTS - 1) / 2
        far = edges[:-1] >= s0
        log_ratio = np.where(far[:, None], np.log(lag / s0), 0)
        angle = 2 * np.pi * np.remainder(lag / period, 1)
        arrays = (width, lag, short, log_ratio, far, np.cos(angle), np.sin(angle))
        return cls(*(np.asarray(array, dtype) for array in arrays), s0=s0, tail=tail)

    def tables(self, tau: Any, theta: Any, *, backward: bool) -> Float[Array, "rows nodes 3"]:
        r"""`K(1/tau; x)`, and cosine and sine part of `exp(-i w x) K(1/tau - i w; x)`.

        `backward` puts below them the integrals from x to the last panel's end, which keep their
        digits where K itself hardly changes any more.
        """
        c = scale(theta, self.s0)
        power = jnp.exp(-(1 + theta) * self.log_ratio - self.lag / tau)
        kernel = c * power * (1 + self.far * (self.tail - 1))[:, None]
        parts = jnp.stack([kernel, kernel * self.cosine, kernel * self.sine])
        half = 0.5 * self.width[None]
        rules = [LEFT, RIGHT] if backward else [LEFT]
        out = []

        def weighted(indices: str, rule: np.ndarray) -> Array:
            return jnp.einsum(indices, parts, jnp.asarray(rule, parts.dtype), precision="highest")

        whole = half * weighted("kpj,j->kp", WEIGHTS)
        for rule in rules:
            inside = weighted("kpj,nj->kpn", rule)
            ordered = whole if rule is LEFT else whole[:, ::-1]
            outside = jnp.cumsum(ordered, axis=1) - ordered
            outside = outside if rule is LEFT else outside[:, ::-1]
            out.append(outside[:, :, None] + half[:, :, None] * inside)
        plain, real, imaginary = jnp.concatenate(out, axis=1)
        cosine, sine = (jnp.tile(part, (len(rules), 1)) for part in (self.cosine, self.sine))
        turned = (plain, real * cosine + imaginary * sine, imaginary * cosine - real * sine)
        return jnp.stack(turned, axis=-1)
