"""The top of a Katz ranking, with proof: stop when it can no longer change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from hawkesjax.katz.steady.blockwise import block_scores
from hawkesjax.katz.steady.krylov import Basis, Effort, projected

# Measured on 20,000 users and 200,000 edges, by products that prove the top 100.
FIRST_CHECK = 3  # products before the bounds are looked at; with 8, 13 products in place of 11
TINY = 1e-15  # of the residual, beyond which products bring nothing
SAMPLED = 64  # one score in so many tells about where the top begins; half the time at 500,000
KEPT = 0.9  # c that a network which has grown may come to
ENOUGH = 0.95  # c up to which what is known of the network before is good enough
CLOSE = 0.8  # how far theta lies between alpha and its largest; at alpha* 0.95, 54; with 0.3, 63


class Top(NamedTuple):
    """The r users of the largest scores, best first, and what is proven about them.

    Args:
        users: (r,) rows.
        scores: (N,) of all users.
        lower, upper: (N,) bounds of all scores.
        tied: (N,) users whose bounds reach over the cut: which of them belongs to the top is not
            decided. All False where the top is certain.
        certified: nobody else can belong to the top (and, if asked for, its order is certain but
            for ties within it).
        products: products with A, those of the bounds included.
    """

    users: Int[np.ndarray, " top"]
    scores: Float[np.ndarray, " users"]
    lower: Float[np.ndarray, " users"]
    upper: Float[np.ndarray, " users"]
    tied: Bool[np.ndarray, " users"]
    certified: bool
    products: int


def certified_top(
    matrix: sparse.csr_array,
    b: Float[np.ndarray, " users"],
    alpha: float,
    top: int,
    *,
    largest: float,
    order: bool = False,
    limit: int = 300,
    start: Float[np.ndarray, " users"] | None = None,
    weights: tuple[Float[np.ndarray, " users"], float] | None = None,
) -> Top:
    r"""The top of the solution of :math:`(I - \alpha A) s = b`, by as few products as prove it.

    For any :math:`x` with residual q and any :math:`w > 0` with :math:`\alpha A w \le c w`,
    :math:`c < 1`,

    .. math:: |s - x|_i \le w_i \max_j (|q_j| / w_j) / (1 - c).

    x comes from an Arnoldi basis that grows by a product at a time, w is a partial sum of
    :math:`(I - \theta A)^{-1} 1`, theta between alpha and its largest value, for which c is
    measured. Once the bounds leave no doubt, the residual is formed anew, with the rounding of
    a product on top of it, and the check is made again.

    Args:
        matrix, b, alpha, top: A (listener by sender, non-negative), baselines, attenuation, r.
        largest: the largest alpha allowed, 1 over an upper bound of the spectral radius; infinite
            for a network without cycles.
        order: go on until the order within the top is certain as well.
        limit: products at most, for x and for w each; then what is known so far is returned. Where
            no w with c < 1 is found, x and its bounds are solved by blocks; bounds that do not
            prove themselves are infinite.
        start: scores that are near; the basis is then that of their residual.
        weights: w and its c, where they are known.
    """
    size = len(b)
    top = min(top, size)
    if alpha == 0 or not b.any():  # the scores are the baselines
        exact = np.zeros(size)
        return ranked(b, b.copy(), exact, top, decided(b, exact, top, order), 0)
    products = 0
    if weights is None:
        weight, contraction, products = bounding_weights(matrix, alpha, largest, limit)
    else:
        weight, contraction = weights
    if contraction >= 1:
        return _by_blocks(matrix, b, alpha, top, order, limit, products)
    most = min(limit, size)
    known, rest_of = np.zeros(size), b
    if start is not None:
        products += 1
        known, rest_of = start, b - start + alpha * (matrix @ start)
    norm = float(np.linalg.norm(rest_of))
    basis = Basis(rest_of / (norm or 1), most)
    scores, error, proven = known + rest_of, np.full(size, np.inf), False
    for step in range(most):
        rest, new = basis.split(matrix @ basis.vectors[step], step, times=2)
        products += 1
        small = projected(basis.upper[: step + 1, : step + 1], np.array([alpha]))[0]
        last = rest == 0 or step + 1 == most
        if rest:
            basis.append(new, rest, step + 1)
        soon = step + 1 < FIRST_CHECK and start is None
        if not np.isfinite(small).all() or (soon and not last):
            continue
        left = norm * alpha * abs(small[-1]) * rest
        tiny = left <= TINY * norm
        scores = known + norm * (small @ basis.vectors[: step + 1])
        error = weight * (np.max(np.abs(left * new) / (weight * (rest or 1))))
        error /= 1 - contraction
        if not (last or tiny or decided(scores, error, top, order)):
            continue
        error = error_of(_left(matrix, b, alpha, scores), weight, contraction)
        products += 1
        proven = decided(scores, error, top, order)
        if proven or last or tiny:
            break
    return ranked(b, scores, error, top, proven, products)


def _by_blocks(matrix, b, alpha, top, order, limit, products) -> Top:
    r"""The top of scores x solved by blocks. With residual q and e solved alike for twice |q|, the
    error is at most e where :math:`e - \alpha A e \ge |q|`: the inverse has no negative entry."""
    scores, used = block_scores(matrix, b, alpha, Effort(TINY, limit))
    left = _left(matrix, b, alpha, scores)
    error, more = block_scores(matrix, 2 * left, alpha, Effort(TINY, limit))
    if not (error - alpha * (matrix @ error) >= left).all():
        error = np.full(len(b), np.inf)
    proven = decided(scores, error, top, order)
    return ranked(b, scores, error, top, proven, products + used + more + 2)


def ranked(b, scores, error, top: int, proven: bool, products: int) -> Top:
    """The top of scores of known error, none of them below its baseline."""
    bar = least_of(scores, top) if top else np.inf
    near = np.flatnonzero(scores >= bar)
    users = near[np.argsort(-scores[near], kind="stable")][:top]
    tied = np.zeros(len(b), bool)
    low, high = np.maximum(scores - error, b), scores + error
    if not decided(scores, error, top, False):
        tied = _doubtful(low, high, users)
    return Top(users, scores, low, high, tied, proven, products)


def weights_near(
    matrix: sparse.csr_array,
    alpha: float,
    largest: float,
    near: Float[np.ndarray, " before"] | None,
) -> tuple[np.ndarray, float, int]:
    """`bounding_weights`, from those of the network before it grew where these will do: w is raised
    where c would be more than `KEPT`."""
    size, products = matrix.indptr.size - 1, 0
    if alpha == 0:
        return np.ones(size), 0.0, 0
    if near is not None:
        weights = np.append(near, np.ones(size - len(near)))
        weights = np.maximum(weights, alpha * (matrix @ weights) / KEPT)
        contraction = float((alpha * (matrix @ weights) / weights).max()) * (1 + 1e-12)
        products = 2
        if contraction < ENOUGH:
            return weights, contraction, products
    weights, contraction, more = bounding_weights(matrix, alpha, largest)
    return weights, contraction, products + more


def bounding_weights(
    matrix: sparse.csr_array, alpha: float, largest: float, limit: int = 300
) -> tuple[np.ndarray, float, int]:
    """w, c with alpha A w <= c w, and the products it took; c of 1 or more proves nothing."""
    weights: Any = np.ones(matrix.indptr.size - 1)
    term: Any = weights
    theta = alpha + CLOSE * (largest - alpha) if np.isfinite(largest) else 2 * alpha
    goal = 0.5 * (1 + alpha / theta)
    contraction = np.inf
    for step in range(1, limit):
        term = theta * (matrix @ term)
        contraction = float((alpha / theta * (weights - 1 + term) / weights).max())
        if contraction <= goal or not term.any():
            return weights, contraction * (1 + 1e-12), step
        if step + 1 == limit or not np.isfinite(weights + term).all():
            break
        weights = weights + term
    return weights, contraction * (1 + 1e-12), step


def residual(matrix, b, alpha, scores) -> tuple[np.ndarray, np.ndarray]:
    """The residual, and what rounding is at most in it."""
    image = matrix @ scores
    image *= alpha
    rest = b - scores
    rest += image
    # |A| |scores| is the image up to twice the negative parts, which only rounding makes
    rounding = np.abs(image, out=image)
    rounding += np.abs(scores)
    rounding += b
    rounding *= np.finfo(float).eps * (np.diff(matrix.indptr) + 4)
    return rest, rounding


def _left(matrix, b, alpha, scores) -> np.ndarray:
    """What the residual's size is at most, rounding included."""
    rest, rounding = residual(matrix, b, alpha, scores)
    return np.abs(rest) + rounding


def error_of(left, weights, contraction) -> np.ndarray:
    """Bounds of the error from the size of the residual, rounding included."""
    return weights * (np.max(left / weights) / (1 - contraction))


def least_of(scores: Float[np.ndarray, " users"], top: int) -> float:
    """The least of the `top` largest scores; of many, those above what a sample says."""
    size = len(scores)
    if size > 4 * SAMPLED * top:
        sample = scores[::SAMPLED]
        place = max(8, 4 * top // SAMPLED)
        above = scores[scores >= np.partition(sample, -place)[-place]]
        if len(above) >= top:
            scores, size = above, len(above)
    return float(np.partition(scores, size - top)[size - top])


def decided(scores: np.ndarray, error: np.ndarray, top: int, order: bool) -> bool:
    """Whether scores of known error leave no doubt about the top (and about its order)."""
    if top == 0:
        return True
    inside = scores >= least_of(scores, top)
    if np.count_nonzero(inside) > top:
        return False
    rows = np.flatnonzero(inside)
    if len(rows) < len(scores):
        bar = np.where(inside, -np.inf, scores + error).max()
        if (scores[rows] - error[rows]).min() <= bar:
            return False
    if not order:
        return True
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    low, high = scores[rows] - error[rows], scores[rows] + error[rows]
    gaps = scores[rows][:-1] - scores[rows][1:]
    same = gaps <= 1e-12 * scores[rows][:-1]
    return bool(((low[:-1] > high[1:]) | same).all())


def _doubtful(low: np.ndarray, high: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Users whose bounds reach over the cut."""
    inside = np.zeros(len(low), bool)
    inside[users] = True
    bar = high[~inside].max()  # some outsider may reach this
    floor = low[inside].min()  # some insider may fall to this
    return np.where(inside, low <= bar, high >= floor)
