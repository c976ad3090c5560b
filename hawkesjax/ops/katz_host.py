"""Katz scores for many attenuations from one Krylov basis, in NumPy and SciPy on the host."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.linalg import get_blas_funcs

BASIS = 32  # vectors to begin with; the basis doubles where they do not suffice
BYTES = 2**31  # of basis at most; then it starts again from the residual
LONG = 32  # from so many vectors on, right angles are kept with more care,
BLOCK = 8192  # columns
EVERY = 8  # and the residuals looked at every so many steps


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
    room: np.ndarray | None = None,
) -> Sweep:
    r"""Solve :math:`(I - \alpha A) s = b` for all alphas at the price of one.

    The Krylov spaces of (A, b) do not depend on alpha. With the Arnoldi relation
    :math:`A V_m = V_m H_m + h v_{m+1} e_m^T`, :math:`s(\alpha) = |b| V_m (I - \alpha H_m)^{-1} e_1`
    has the residual :math:`\alpha h y_m |b| v_{m+1}`, which costs nothing to know for every
    alpha; the basis grows until the largest is small enough. Where memory ends, it starts again
    from the residuals: they are multiples of one vector, so that one basis serves all alphas still.

    Args:
        matrix: A, listener by sender.
        b: baselines.
        alphas: attenuations, each below 1 over the spectral radius.
        tolerance: of the relative residual, for each alpha.
        limit: give up after this many products.
        room: memory of `sweep_room` to work in, from call to call; the scores lie in it, too.

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
    start, products = b / dtype.type(norm), 0
    most = max(2, min(size, BYTES // (size * dtype.itemsize)))
    while True:
        basis = min(BASIS, most)
        shape = (max(basis + 1, count), size)
        vectors = np.empty(shape, dtype) if room is None or scores is not None else room
        vectors[0] = start
        upper = np.zeros((basis + 1, basis))
        for step in range(most):
            if step == basis:
                basis = min(2 * basis, most)
                more = max(0, basis + 1 - len(vectors))
                vectors = np.concatenate([vectors, np.empty((more, size), dtype)])
                upper = np.pad(upper, (0, basis + 1 - len(upper)))
            rest, new = orthogonal(matrix @ start, vectors, upper, step)
            products += 1
            out = rest == 0 or products >= limit or step + 1 == most
            if step < LONG or step % EVERY == 0 or out:
                small = projected(upper[: step + 1, : step + 1], alphas)
                after = left * alphas * rest * small[:, -1]
                worst = np.abs(after).max() / norm
                if worst <= tolerance or out:
                    break
            np.divide(new, dtype.type(rest), out=start)
            vectors[step + 1] = start
        start = new / dtype.type(rest or 1)
        moved = combine((left[:, None] * small).astype(dtype), vectors)
        scores = moved if scores is None else scores + moved
        if worst <= tolerance or rest == 0 or products >= limit:
            return Sweep(scores, np.abs(after) / norm, products)
        left = after


def sweep_room(count: int, size: int, dtype: type = np.float64) -> np.ndarray:
    """Memory for sweeps of `count` alphas over `size` users, for many calls.

    Fresh memory can cost more time than the arithmetic, on virtual machines above all.
    """
    return np.empty((max(min(BASIS, max(2, size)) + 1, count), size), dtype)


def orthogonal(
    new: np.ndarray,
    vectors: np.ndarray,
    upper: np.ndarray,
    step: int,
    times: int | None = None,
) -> tuple[float, np.ndarray]:
    """What is new in a vector against those before it; its parts go into the Hessenberg matrix.

    Args:
        new: A times the last vector; written over.
        vectors: the basis, step + 1 of them in use.
        upper: the Hessenberg matrix, whose column `step` is 0 before.
        step: number of the last vector.
        times: how often the others are taken out; by default twice for a long basis only.

    Returns:
        The norm of what is new (0 where it is no more than rounding), and the vector.
    """
    known = vectors[: step + 1]
    (gemv,) = get_blas_funcs(("gemv",), (known, new))
    for _ in range(times or (1 if step < LONG else 2)):  # a long basis loses its right angles
        overlap = known @ new
        new = gemv(-1.0, known.T, overlap, beta=1.0, y=new, overwrite_y=True)
        upper[: step + 1, step] += overlap
    rest = float(np.linalg.norm(new))
    if rest <= 4 * np.finfo(new.dtype).eps * np.abs(upper[: step + 1, step]).max():
        rest = 0.0
    upper[step + 1, step] = rest
    return rest, new


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


def combine(
    weights: Float[np.ndarray, "alphas used"], vectors: Float[np.ndarray, "rows users"]
) -> Float[np.ndarray, "alphas users"]:
    """`weights @ vectors[:used]`, written over the vectors: fresh memory costs more than the sums.

    Works in blocks of columns that stay in the cache. There must be a row for every result.
    """
    count, used = weights.shape
    for begin in range(0, vectors.shape[1], BLOCK):
        part = slice(begin, begin + BLOCK)
        vectors[:count, part] = weights @ vectors[:used, part]
    return vectors[:count]
