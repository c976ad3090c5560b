"""Katz scores for many attenuations from one Krylov basis, in NumPy and SciPy on the host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.linalg import get_blas_funcs

# Vectors to begin with, doubled where they do not suffice; on 20,000 users and 200,000 edges all
# alpha* to 0.95 take 21 of them to 1e-8.
BASIS = 32
BYTES = 2**31  # of basis at most; then it starts again from the residual
LONG = 32  # from so many vectors on, right angles are kept with more care,
EVERY = 8  # and the residuals looked at every so many steps
BLOCK = 2048  # columns at once: of 32 vectors 512 KB, which a second-level cache holds
SPARE = 0.1  # of the tolerance, kept for what vectors in single precision cost
LATE = 0.1  # of b: what is to come, at most, before vectors are single, however loose a tolerance


class Sweep(NamedTuple):
    """Solutions of `(I - alpha A) s = b` for several alpha.

    Args:
        scores: (L, N) one row per alpha.
        residuals: (L,) norm of `b - (I - alpha A) s` over the norm of b.
        products: how many products `A x` were formed.
    """

    scores: Float[np.ndarray, "alphas users"]
    residuals: Float[np.ndarray, " alphas"]
    products: int


@dataclass(frozen=True)
class Effort:
    """How exact a sweep is to be, and what it may take.

    Args:
        tolerance: of the relative residual, for each alpha.
        limit: give up after this many products.
        room: memory of `sweep_room` to work in, from call to call; the scores lie in it, too.
        memory: bytes of the basis at most, before it starts again.
    """

    tolerance: float
    limit: int = 2000
    room: np.ndarray | None = None
    memory: int = BYTES


def krylov_sweep(
    matrix: sparse.csr_array,
    b: Float[np.ndarray, " users"],
    alphas: Float[np.ndarray, " alphas"],
    effort: Effort,
) -> Sweep:
    r"""Solve :math:`(I - \alpha A) s = b` for all alphas at the price of one.

    The Krylov spaces of (A, b) do not depend on alpha. With the Arnoldi relation
    :math:`A V_m = V_m H_m + h v_{m+1} e_m^T`, :math:`s(\alpha) = |b| V_m (I - \alpha H_m)^{-1} e_1`
    has the residual :math:`\alpha h y_m |b| v_{m+1}`, which costs nothing to know for every
    alpha; the basis grows until the largest is small enough. Where memory ends, it starts again
    from the residuals: they are multiples of one vector, so that one basis serves all alphas still.

    The coefficient of a vector is about as small as the residual before it, so an error in a late
    product hardly counts: once single precision cannot cost more than a small part of the
    tolerance, the vectors are single, at half the traffic of memory. What that did cost is
    measured by the residual itself where it is largest; were it too much, all is done again in
    double precision.

    Args:
        matrix, b: A (listener by sender), and baselines.
        alphas: attenuations, each below 1 over the spectral radius.
        effort: tolerance, and what it may take.

    Source: Saad (1981), full orthogonalisation; restarts for shifted systems: Simoncini (2003),
    BIT 43, 459-466; inexact products: Simoncini and Szyld (2003), SIAM J. Sci. Comput. 25, 454-477.
    """
    size, norm = len(b), float(np.linalg.norm(b))
    if not norm or not len(alphas):
        return Sweep(np.zeros((len(alphas), size), b.dtype), np.zeros(len(alphas)), 0)
    if b.dtype != np.float64:
        return _sweep(matrix, b, alphas, effort, 0.0)[0]
    tolerance = effort.tolerance
    # Rounding errors of many rows and vectors cancel: they stay far below this sum of them all.
    enough = min(tolerance / np.finfo(np.float32).eps, LATE)
    near = replace(effort, tolerance=tolerance * (1 - SPARE))
    found, single = _sweep(matrix, b, alphas, near, enough)
    if not single.any():
        return found
    worst = int(np.argmax(found.residuals))
    true = matrix @ found.scores[worst]
    true *= alphas[worst]
    true += b
    true -= found.scores[worst]
    gap = max(float(np.linalg.norm(true)) / norm - found.residuals[worst], 0.0)
    # Errors of the same products, weighted by the coefficients of their vectors.
    residuals = found.residuals + gap * single / (single[worst] or 1)
    products = found.products + 1
    if residuals.max() <= tolerance or products >= effort.limit:
        return Sweep(found.scores, residuals, products)
    left = replace(effort, limit=effort.limit - products)
    again = _sweep(matrix, b, alphas, left, 0.0)[0]
    return again._replace(products=again.products + products)


def _sweep(matrix, b, alphas, effort: Effort, enough: float) -> tuple[Sweep, np.ndarray]:
    """`krylov_sweep`, its vectors in single precision once their coefficients are below `enough`;
    and the sum of the coefficients of single vectors, for each alpha, times alpha."""
    dtype = b.dtype
    size, norm = len(b), float(np.linalg.norm(b))
    count = len(alphas)
    scores: np.ndarray | None = None
    single = np.zeros(count)
    left = np.full(count, norm)  # the residuals are left * start
    start, products = b / dtype.type(norm), 0
    most = max(2, min(size, effort.memory // (size * dtype.itemsize)))
    while True:
        basis = Basis(start, most, count, effort.room if scores is None else None)
        network = matrix
        for step in range(most):
            rest, new = basis.split(network @ start, step)
            products += 1
            lost = not np.isfinite(rest)
            out = rest == 0 or lost or products >= effort.limit or step + 1 == most
            if step < LONG or step % EVERY == 0 or out:
                small = projected(basis.upper[: step + 1, : step + 1], alphas)
                after = left * alphas * rest * small[:, -1]
                worst = np.abs(after).max() / norm
                if worst <= effort.tolerance or out:
                    break
            start = basis.append(new, rest, step + 1)
            if network is matrix and enough:
                ahead = np.abs(after) * np.abs(small).max(axis=1)  # about what is to come, at worst
                if ahead.max() <= enough * norm:
                    network, start = _in_single(matrix), basis.lower(step + 2)
        start = (new / new.dtype.type(rest or 1)).astype(dtype)
        if network is not matrix:
            used = np.abs(small[:, basis.exact - 1 :]).sum(axis=1)
            single += alphas * used * np.abs(left) / norm
        moved = basis.combine((left[:, None] * small).astype(dtype))
        scores = moved if scores is None else scores + moved
        if worst <= effort.tolerance or rest == 0 or lost or products >= effort.limit:
            return Sweep(scores, np.abs(after) / norm, products), single
        left = after


def _in_single(matrix: sparse.csr_array) -> sparse.csr_array:
    with np.errstate(over="ignore"):  # what overflows, the residual will tell
        data = matrix.data.astype(np.float32)
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


class Basis:
    """Arnoldi's vectors and Hessenberg matrix; in single precision beyond the first `exact`.

    Args:
        start: the first vector, of norm 1.
        most: vectors at most.
        count: how many combinations of them will be written over them.
        room: memory of `sweep_room`.
    """

    def __init__(
        self, start: np.ndarray, most: int, count: int = 1, room: np.ndarray | None = None
    ):
        self.most, self.rows = most, min(BASIS, most)
        room = sweep_room(count, len(start), start.dtype) if room is None else room
        first = _rows(count, len(start))
        self.vectors, self.spare = room[:first], room[first:]
        self.vectors[0] = start
        self.single: np.ndarray | None = None
        self.exact = most + 1
        self.upper = np.zeros((self.rows + 1, self.rows))

    @property
    def current(self) -> np.ndarray:
        """The vectors in the precision in which they go on."""
        return self.vectors if self.single is None else self.single

    def split(
        self, new: np.ndarray, step: int, times: int | None = None
    ) -> tuple[float, np.ndarray]:
        """The norm of what is new in a vector against those so far (0 where it is no more than
        rounding), and what is new, written over it; its parts go into the Hessenberg matrix.

        Args:
            new: A times the last vector, whose number is `step`.
            step: see `new`.
            times: how often the others are taken out; by default twice for a long basis only.
        """
        if step == self.rows:
            self.rows = min(2 * self.rows, self.most)
            self.upper = np.pad(self.upper, (0, self.rows + 1 - len(self.upper)))
            if self.single is None:
                self.vectors = _longer(self.vectors, self.rows + 1)
            else:
                self.single = _longer(self.single, self.rows + 1)
        known = self.current[: step + 1]
        upper = self.upper[:, step]
        (gemv,) = get_blas_funcs(("gemv",), (known, new))
        for _ in range(times or (1 if step < LONG else 2)):  # a long basis loses its right angles
            overlap = known @ new
            new = gemv(-1.0, known.T, overlap, beta=1.0, y=new, overwrite_y=True)
            upper[: step + 1] += overlap
        rest = float(np.linalg.norm(new))
        if rest <= 4 * np.finfo(new.dtype).eps * np.abs(upper[: step + 1]).max():
            rest = 0.0
        upper[step + 1] = rest
        return rest, new

    def append(self, new: np.ndarray, rest: float, place: int) -> np.ndarray:
        """The next vector, of norm 1."""
        return np.divide(new, new.dtype.type(rest), out=self.current[place])

    def lower(self, exact: int) -> np.ndarray:
        """Go on in single precision after `exact` vectors; the last one of them."""
        self.exact = exact
        rows = self.spare.view(np.float32).reshape(-1, self.vectors.shape[1])
        self.single = _longer(rows, self.rows + 1, exact=0)
        self.single[:exact] = self.vectors[:exact]
        return self.single[exact - 1]

    def combine(self, weights: Float[np.ndarray, "alphas used"]) -> np.ndarray:
        """`weights @ vectors`, written over the vectors: fresh memory costs more than the sums.

        Works in blocks of columns that stay in the cache.
        """
        count, used = weights.shape
        exact = min(used, self.exact)
        single = weights[:, exact:].astype(np.float32)
        for begin in range(0, self.vectors.shape[1], BLOCK):
            part = slice(begin, begin + BLOCK)
            out = weights[:, :exact] @ self.vectors[:exact, part]
            if self.single is not None and used > exact:
                out += single @ self.single[exact:used, part]
            self.vectors[:count, part] = out
        return self.vectors[:count]


def _rows(count: int, size: int) -> int:
    return max(min(BASIS, max(2, size)) + 1, count)


def _longer(vectors: np.ndarray, rows: int, exact: int | None = None) -> np.ndarray:
    """The vectors (or the first `exact`) with room for so many."""
    if len(vectors) >= rows:
        return vectors
    out = np.empty((rows, vectors.shape[1]), vectors.dtype)
    used = len(vectors) if exact is None else exact
    out[:used] = vectors[:used]
    return out


def sweep_room(count: int, size: int, dtype: Any = np.float64) -> np.ndarray:
    """Memory for sweeps of `count` alphas over `size` users, for many calls.

    Fresh memory can cost more time than the arithmetic, on virtual machines above all.
    """
    single = -(-(min(BASIS, max(2, size)) + 1) // 2)  # rows that hold two vectors each
    return np.empty((_rows(count, size) + single, size), dtype)


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
