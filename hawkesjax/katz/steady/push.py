"""From scores of a network as it was to those of the network as it is, where little has changed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import sparse

from hawkesjax.katz.heard import ranges
from hawkesjax.katz.steady.top import Top, decided, error_of, least_of, ranked, residual

MOST = 4  # products beyond which a basis does better
AT_ONCE = 2  # of them between two proofs
ROUNDS = 100  # of pushes in a row
WHOLE = 0.05  # of the edges: a round that touches more costs more than a product
SPARE = 0.25  # of the residual that would still decide the top, so that the proof succeeds


def pushed_top(
    matrix: sparse.csr_array,
    audience: sparse.csc_array,
    b: Float[np.ndarray, " users"],
    alpha: float,
    top: int,
    start: Float[np.ndarray, " users"],
    weights: tuple[Float[np.ndarray, " users"], float],
) -> Top:
    r"""The top of the solution of :math:`(I - \alpha A) s = b` from scores that are near.

    Where the residual q of a user is large (:math:`|q_j| > \theta w_j`), its score is put right,
    and what that changes is passed on to those who hear it:

    .. math:: x_j \leftarrow x_j + q_j, \qquad
              q \leftarrow q + \alpha A_{\cdot j} q_j - e_j q_j,

    until none is. theta is what the gap at the cut allows. The proof is that of `certified_top`:
    the residual is formed anew, its rounding on top.

    Args:
        matrix, b, alpha, top: as in `certified_top`.
        audience: the columns of A, maybe of a network with a few edges less: what they miss is in
            the proof, and another round puts it right.
        start: the scores before.
        weights: w and c of `certified_top`.

    Source: Gauss-Southwell relaxation; the local form, with its bound: Andersen, Chung and Lang
    (FOCS 2006), "Local graph partitioning using PageRank vectors".
    """
    weight, contraction = weights
    scores, products = start.copy(), 0
    while True:
        rest, rounding = residual(matrix, b, alpha, scores)
        error = error_of(np.abs(rest) + rounding, weight, contraction)
        products += 1
        proven = decided(scores, error, top, False)
        goal = SPARE * (1 - contraction) * _slack(scores, weight, top)
        if proven or products > MOST or not goal > 0:
            break
        products += _push(matrix, audience, alpha, scores, rest, goal * weight)
    return ranked(b, scores, error, top, proven, products)


def _slack(scores: np.ndarray, weight: np.ndarray, top: int) -> float:
    """By how much of w scores may be wrong, about, and the top still be the top."""
    inside = scores >= least_of(scores, top)
    if np.count_nonzero(inside) != top:
        return 0.0
    best = int(np.argmax(np.where(inside, -np.inf, scores)))
    rows = np.flatnonzero(inside)
    worst = rows[np.argmin(scores[rows])]
    return float((scores[worst] - scores[best]) / (weight[worst] + weight[best]))


def _push(
    matrix: sparse.csr_array,
    audience: sparse.csc_array,
    alpha: float,
    scores: np.ndarray,
    rest: np.ndarray,
    allowed: np.ndarray,
) -> int:
    """Push until no residual is larger than is allowed; all at once, by a product, where those to
    push are heard by many. Returns the number of products, `AT_ONCE` at most."""
    begins, size = np.asarray(audience.indptr), len(audience.indptr) - 1
    users, products = np.flatnonzero(np.abs(rest) > allowed), 0
    for _ in range(ROUNDS):
        if not len(users):
            break
        known = users[users < size]
        first = begins[known].astype(np.int64)
        count = begins[known + 1] - first
        if count.sum() > WHOLE * audience.nnz:
            if products == AT_ONCE:
                break
            scores += rest
            rest[:] = alpha * (matrix @ rest)
            products += 1
            users = np.flatnonzero(np.abs(rest) > allowed)
            continue
        amount = rest[known]
        scores[users] += rest[users]
        rest[users] = 0
        owner, edge = ranges(first, count)
        hearers = audience.indices[edge]
        np.add.at(rest, hearers, alpha * audience.data[edge] * amount[owner])
        touched = np.unique(hearers)
        users = touched[np.abs(rest[touched]) > allowed[touched]]
    return products
