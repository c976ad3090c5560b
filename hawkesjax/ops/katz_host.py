"""Katz scores for many attenuations from one Krylov basis, in NumPy and SciPy on the host."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import sparse

BASIS = 32  # vectors kept before the first restart; every restart doubles them
BYTES = 2**31  # of basis at most


class Sweep(NamedTuple):
    """Solutions of `(I - alpha A) s = b` for several alpha.

    Args:
        scores: (L, N) one row an alpha.
        residuals: (L,) norm of `b - (I - alpha A) s` over the norm of b.
        products: how many products `A x` were formed.
    """

    scores: Float[np.ndarray, "alphas users"]
    residuals: Float[np.ndarray, "alphas"]
    products: int


def krylov_sweep(
    matrix: sparse.csr_array,
    b: Float[np.ndarray, "users"],
    alphas: Float[np.ndarray, "alphas"],
    *,
    tolerance: float,
    limit: int = 2000,
) -> Sweep:
    r"""Solve :math:`(I - \alpha A) s = b` for all alphas at the price of one.

    The Krylov spaces of (A, b) do not depend on alpha. With the Arnoldi relation
    :math:`A V_m = V_m H_m + h v_{m+1} e_m^T`, :math:`s(\alpha) = |b| V_m (I - \alpha H_m)^{-1} e_1`
    has the residual :math:`\alpha h y_m |b| v_{m+1}`, which costs nothing to know for every
    alpha; the basis grows until the largest is small enough. The residuals of all alphas are
    multiples of one vector, so that a restart from it serves all of them too.

    Args:
        matrix: A, listener by sender.
        b: baselines.
        alphas: attenuations, each below 1 over the spectral radius.
        tolerance: of the relative residual, for each alpha.
        limit: give up after this many products.

    Source: Saad (1981), full orthogonalisation; restarts for shifted systems: Simoncini (2003),
    BIT 43, 459-466.
    """
    dtype = b.dtype
    size, norm = len(b), float(np.linalg.norm(b))
    count = len(alphas)
    if not norm or not count:
        return Sweep(np.zeros((count, size), dtype), np.zeros(count), 0)
    scores: np.ndarray | None = None
    left = np.full(count, norm)  # the residuals are left * start
    start, basis, products = b / dtype.type(norm), BASIS, 0
    while True:
        vectors = np.empty((basis + 1, size), dtype)
        vectors[0] = start
        upper = np.zeros((basis + 1, basis))
        best = np.inf
        for step in range(basis):
            new = matrix @ vectors[step]
            products += 1
            known = vectors[: step + 1]
            overlap = known @ new
            new -= overlap @ known
            upper[: step + 1, step] = overlap
            rest = upper[step + 1, step] = np.linalg.norm(new)
            small = projected(upper[: step + 1, : step + 1], alphas)
            after = left * alphas * rest * small[:, -1]
            best = np.abs(after).max() / norm
            if best <= tolerance or rest == 0 or products >= limit:
                break
            np.divide(new, dtype.type(rest), out=vectors[step + 1])
        known = vectors[: small.shape[1]]
        move = (left[:, None] * small).astype(dtype)
        scores = combine(move, known) if scores is None else scores + combine(move, known)
        if best <= tolerance or rest == 0 or products >= limit:
            return Sweep(scores, np.abs(after) / norm, products)
        left, start = after, vectors[basis].copy()
        basis = max(BASIS, min(2 * basis, BYTES // (size * dtype.itemsize)))


def projected(upper: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(L, m) solutions of `(I - alpha H) y = e_1`; a singular one counts as not converged."""
    size = len(upper)
    systems = np.eye(size) - alphas[:, None, None] * upper
    first = np.zeros((len(alphas), size, 1))
    first[:, 0] = 1.0
    try:
        return np.linalg.solve(systems, first)[..., 0]
    except np.linalg.LinAlgError:
        out = np.full((len(alphas), size), np.inf)
        for row, system in enumerate(systems):
            if np.linalg.cond(system) < 1e15:
                out[row] = np.linalg.solve(system, first[row])[:, 0]
        return out


def combine(weights: np.ndarray, vectors: np.ndarray, block: int = 8192) -> np.ndarray:
    """`weights @ vectors`, in blocks of columns that stay in the cache."""
    out = np.empty((len(weights), vectors.shape[1]), vectors.dtype)
    for begin in range(0, vectors.shape[1], block):
        part = slice(begin, begin + block)
        np.matmul(weights, vectors[:, part], out=out[:, part])
    return out
