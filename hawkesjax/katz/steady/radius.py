"""The spectral radius of a sparse non-negative matrix, between two proven bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse import linalg as sparse_linalg

# Measured on 2 CPU cores. Steps of power iteration before slow components are solved one by one:
# 20,000 users with 200,000 edges are done in 10 ms; after 20 steps, by ARPACK, in 56 ms.
POWER_STEPS = 60
# Where power iteration is slow, thin components are factored (Noda): so many edges per user at most
# and so many more than users. In ms, against ARPACK: a ring of 2,000 with 100 chords 22 to 319,
# of 20,000 with 2,000 1303 to 1680, a path of 20,000 57 to 4102 (and its bounds stayed 3e-3 apart),
# communities of 1,240 with 2 edges each 18 to 54, of 5,140 381 to 60. Others go to ARPACK:
# communities of 300 with 10 edges each 21.5 to 0.4, of 2,000 with 3, 5 and 10 105, 278 and 603 to
# 33, 54 and 14. Where ARPACK's bounds stay apart, up to FACTORED users are factored after all.
THIN, CHORDS, FACTORED = 2, 20_000, 2000
# A component with more than this part of all users is not cut out. Of 20,000 users with 10 edges
# each, whole against cut out: a half 23 to 18 ms, three quarters 28 to 26, nine tenths 24 to 53.
GIANT = 0.75
FLOOR = 1e-280  # of a vector's entries, which must stay above 0 for the quotients
ROUNDING = 1e-13  # the bounds are widened by the rounding of a product


@dataclass(frozen=True)
class Radius:
    """The spectral radius of a network and what it was found from.

    Args:
        value: the spectral radius; 0 for a network without cycles.
        lower, upper: proven bounds (Collatz and Wielandt), for all components together.
        components: strongly connected components that hold a cycle.
        largest: users in the largest of them.
        products: products with the matrix of these components.
        users: rows of the component whose radius is the largest, sorted: it sets the value.
    """

    value: float
    lower: float
    upper: float
    components: int
    largest: int
    products: int
    users: Int[np.ndarray, " users"] = field(
        default_factory=lambda: np.zeros(0, np.int64), compare=False, repr=False
    )

    @property
    def acyclic(self) -> bool:
        """No user can be reached from itself: every alpha is allowed, alpha* has no meaning."""
        return self.components == 0


def radius_bounds(matrix: sparse.csr_array, tolerance: float = 1e-9) -> Radius:
    r"""Spectral radius with two-sided bounds, by strongly connected component.

    The spectral radius is the largest of those of the components; without a component that holds
    a cycle it is exactly 0, with no rounding. Within a component and for any :math:`w > 0`,
    :math:`\min_i (A w)_i / w_i \le \rho \le \max_i (A w)_i / w_i`. Power iteration on
    :math:`A + \sigma I` (A alone would swing on bipartite and periodic networks) for all
    components at once tightens both. Where the gap closes slowly, components that can hold the
    largest value are solved one by one: thin ones by Noda's iteration, others by ARPACK, certified
    by the same quotients.

    Args:
        matrix: A, non-negative.
        tolerance: relative gap between the bounds to reach.

    Returns:
        The radius. The gap is wider than asked for where convergence was too slow.

    Source: Horn and Johnson, Matrix Analysis, 8.1.26; Noda (1971), Numer. Math. 17, 382-386.
    """
    blocks = cyclic_blocks(matrix)
    lower, upper, products, users = 0.0, 0.0, 0, np.zeros(0, np.int64)
    for block in blocks:
        lows, highs, used = _bounds(block, tolerance, lower)
        if lows.max() > lower:
            users = block.members(int(lows.argmax()))
        lower, upper = max(lower, lows.max()), max(upper, highs.max())
        products += used
    return Radius(
        value=float(0.5 * (lower + upper)),
        lower=float(lower * (1 - ROUNDING)),
        upper=float(upper * (1 + ROUNDING)),
        components=sum(len(block.begins) for block in blocks),
        largest=max((int(block.sizes.max()) for block in blocks), default=0),
        products=products,
        users=users,
    )


@dataclass(frozen=True)
class Block:
    """Components that hold a cycle, and the edges within them.

    Args:
        matrix: the whole network's, or cut to the users of these components.
        users: rows of `matrix` that belong to the components, sorted by component; None for all.
        begins: where each component begins among the users.
        size: number of users.
        rows: rows of the whole network's matrix of these users; None for all.
    """

    matrix: sparse.csr_array
    users: np.ndarray | None
    begins: np.ndarray
    size: int
    rows: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """Users of each component."""
        return np.diff(self.begins, append=self.size)

    def members(self, place: int) -> np.ndarray:
        """Rows of the whole network's matrix of one component, sorted."""
        low, size = int(self.begins[place]), int(self.sizes[place])
        inside = np.arange(low, low + size)
        return inside if self.rows is None else np.sort(self.rows[inside])

    def apply(self, vector: np.ndarray) -> np.ndarray:
        """The product with the edges within the components."""
        if self.users is None:
            return self.matrix @ vector
        matrix: Any = self.matrix
        whole = np.zeros(matrix.shape[0])
        whole[self.users] = vector
        return (matrix @ whole)[self.users]

    def component(self, place: int) -> Block:
        """One of them, cut out."""
        low, size = int(self.begins[place]), int(self.sizes[place])
        users = np.arange(low, low + size) if self.users is None else self.users[low : low + size]
        cut = sparse.csr_array(self.matrix[users][:, users])
        return Block(cut, None, np.zeros(1, np.int64), size)


def cyclic_blocks(matrix: sparse.csr_array) -> list[Block]:
    """The components that hold a cycle: a giant one by itself, and the others together."""
    size = int(matrix.indptr.size - 1)
    if not matrix.nnz:
        return []
    count, labels = csgraph.connected_components(matrix, directed=True, connection="strong")
    sizes = np.bincount(labels, minlength=count)
    cyclic = sizes > 1
    cyclic[labels[matrix.diagonal() > 0]] = True
    blocks = []
    giant = int(sizes.argmax())
    if cyclic[giant] and sizes[giant] > GIANT * size:
        users = None if sizes[giant] == size else np.flatnonzero(labels == giant)
        one = np.zeros(1, np.int64)
        blocks.append(Block(matrix, users, one, int(sizes[giant]), users))
        cyclic[giant] = False
    users = np.flatnonzero(cyclic[labels])
    if not len(users):
        return blocks
    users = users[np.argsort(labels[users], kind="stable")]
    place = np.full(size, -1, np.int32)
    place[users] = np.arange(len(users), dtype=np.int32)
    rows = matrix[users]
    row = np.repeat(np.arange(len(users), dtype=np.int32), np.diff(rows.indptr))
    keep = labels[users][row] == labels[rows.indices]
    data = (rows.data[keep], (row[keep], place[rows.indices[keep]]))
    cut = sparse.csr_array(data, shape=(len(users), len(users)))
    begins = np.flatnonzero(np.diff(labels[users], prepend=-1) != 0)
    return [*blocks, Block(cut, None, begins, len(users), users)]


def _bounds(block: Block, tolerance: float, floor: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Bounds of each component, tight for those that can exceed `floor` and the others."""
    lows, highs, vector, used = power_bounds(block, tolerance, floor)
    for place in np.argsort(-highs):
        floor = max(floor, lows.max())
        if highs[place] <= floor * (1 + tolerance):
            break
        low = int(block.begins[place])
        start = vector[low : low + int(block.sizes[place])]
        one = block.component(int(place))
        edges = one.matrix.nnz
        thin = edges <= THIN * one.size and edges - one.size <= CHORDS
        below, above, more = (_noda if thin else _arpack)(one.matrix, start, tolerance)
        if not thin and above - below > tolerance * above and one.size <= FACTORED:
            low, high, again = _noda(one.matrix, start, tolerance)
            below, above, more = max(below, low), min(above, high), more + again
        lows[place], highs[place] = max(lows[place], below), min(highs[place], above)
        used += more
    return lows, highs, used


def power_bounds(
    block: Block, tolerance: float, floor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Bounds of each component by power iteration for all at once, until the largest is known or
    steps run out."""
    begins, sizes = block.begins, block.sizes
    lows, highs = np.zeros(len(begins)), np.full(len(begins), np.inf)
    vector, widths = np.ones(block.size), []
    for step in range(POWER_STEPS):
        image = block.apply(vector)
        ratio = image / vector
        np.maximum(lows, np.minimum.reduceat(ratio, begins), out=lows)
        np.minimum(highs, np.maximum.reduceat(ratio, begins), out=highs)
        low, high = max(floor, lows.max()), highs.max()
        if high - low <= tolerance * high:
            return lows, highs, vector, step + 1
        widths.append(high - low)
        slow = step > 3 and widths[-1] > 0.7 * widths[-3]  # a periodic part needs a larger shift
        vector = image + (0.5 if slow else 0.1) * low * vector
        vector /= np.repeat(np.maximum.reduceat(vector, begins), sizes)
        np.maximum(vector, FLOOR, out=vector)
    return lows, highs, vector, POWER_STEPS


def _noda(matrix: Any, vector: np.ndarray, tolerance: float) -> tuple[float, float, int]:
    """Inverse iteration with the upper bound as shift: positive and quadratically convergent."""
    low, high, used = 0.0, np.inf, 0
    eye = sparse.eye_array(len(vector), format="csc")
    columns = sparse.csc_array(matrix)
    while used < 40:
        used += 1
        ratio = (matrix @ vector) / vector
        low, high = max(low, ratio.min()), min(high, ratio.max())
        if high - low <= tolerance * high:
            break
        shift = high * (1 + 1e-14)
        try:
            new = sparse_linalg.splu(shift * eye - columns).solve(vector)
        except RuntimeError:  # the shift is the eigenvalue to the last digit
            break
        if not np.isfinite(new).all() or not (new > 0).all():
            break
        vector = new / new.max()
    return low, high, used


def _arpack(matrix: Any, vector: np.ndarray, tolerance: float) -> tuple[float, float, int]:
    """ARPACK's vector made positive, polished by power steps, certified by the quotient."""
    used = 0
    shift = 0.5 * float(((matrix @ vector) / vector).min())

    def apply(x: np.ndarray) -> np.ndarray:
        nonlocal used
        used += 1
        return matrix @ x + shift * x

    kind: Any = sparse_linalg.LinearOperator
    operator = kind(matrix.shape, matvec=apply, dtype=np.float64)
    try:
        vectors: Any = sparse_linalg.eigs(operator, k=1, which="LM", v0=vector, maxiter=300)[1]
        vector = np.maximum(np.abs(vectors[:, 0]), 1e-14 * np.abs(vectors).max())
    except sparse_linalg.ArpackNoConvergence:
        pass
    low, high = 0.0, np.inf
    for _ in range(200):
        image = matrix @ vector
        used += 1
        ratio = image / vector
        low, high = max(low, ratio.min()), min(high, ratio.max())
        if high - low <= tolerance * high:
            break
        vector = image + shift * vector
        vector = np.maximum(vector / vector.max(), FLOOR)
    return low, high, used
