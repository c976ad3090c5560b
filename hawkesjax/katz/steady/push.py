"""Scores of a network that grows, put right where something has changed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import sparse

from hawkesjax.katz.data.growing import News
from hawkesjax.katz.heard import ranges
from hawkesjax.katz.steady.top import ENOUGH, Top, certified_top, least_of, residual

STEPS = 20  # products with the core in a row
FLOODS = 2  # of such steps in a row, beyond which a basis does better
SAME = 1e-12  # of a score: closer ones are the same but for rounding
MANY = 10_000  # users who share a place, beyond which a basis is asked
SLOW = 0.5  # of what was left before: a longer step is tried
TINY = 1e-30  # guards a division
ROUNDS = 200  # of pushes in a row
WHOLE = 0.05  # of the edges: a round that touches more costs more than a product
SPARE = 0.5  # of the residual that would still decide the top, so that the proof succeeds
LATE = 0.02  # of the edges may be missing from the columns before these are formed anew
LEAST = 0.25  # c: with less, w would have to be raised by much for a user who hears more
EPS = float(np.finfo(float).eps)
NOBODY = np.zeros(0, np.int64)


class Standing:
    r"""Scores x of :math:`(I - \alpha A) s = b` with their residual q, for a growing A and b.

    Kept up from update to update, in the scale of b's sums: b that decays as a whole takes no
    work, as its scores decay with it. A post or an edge changes the residual of one user. Where it
    is large (:math:`|q_j| > \theta w_j`) the score is put right and the change passed on to those
    who hear it,

    .. math:: x_j \leftarrow x_j + q_j, \qquad
              q \leftarrow q + \alpha A_{\cdot j} q_j - e_j q_j,

    until none is. theta is what the gap at the cut allows; the proof is that of `certified_top`:
    :math:`|s - x|_i \le w_i (\theta + \epsilon) / (1 - c)`. epsilon bounds the rounding of all
    updates of q so far: what rounding takes from x stays in q (the difference is exact), and a sum
    of k numbers of at most m is off by at most :math:`k^2 m` roundings.

    Args:
        matrix, sums, alpha: A (listener by sender), b, and attenuation.
        largest: the largest alpha allowed.
        weights: w and c with :math:`\alpha A w \le c w`, and the products they took.
        scores: near the solution, where such are known.
        reference: when a post weighs 1 in the sums.

    Source: Gauss-Southwell relaxation; the local form, with its bound: Andersen, Chung and Lang
    (FOCS 2006), "Local graph partitioning using PageRank vectors".
    """

    def __init__(
        self,
        matrix: sparse.csr_array,
        sums: Float[np.ndarray, " users"],
        alpha: float,
        largest: float,
        weights: tuple[Float[np.ndarray, " users"], float, int],
        scores: Float[np.ndarray, " users"] | None,
        reference: float,
    ) -> None:
        self.matrix, self.b, self.alpha, self.largest = matrix, sums.copy(), alpha, largest
        self.weight, self.contraction, self.products = weights
        if alpha:
            self.contraction = max(self.contraction, LEAST)
        self.reference = reference
        self.known = scores is not None
        self.mark = np.empty(len(sums), np.int64)
        self._index()
        self._begin(self.b.copy() if scores is None else scores)

    @property
    def error(self) -> float:
        """How many w a score may be wrong by."""
        return (self.level + self.slop) / (1 - self.contraction) * (1 + 1e-12)

    def follow(self, matrix: sparse.csr_array, sums: np.ndarray, news: News) -> bool:
        """Take in what has changed; False where w cannot be kept."""
        grown = len(sums) - len(self.b)
        if grown:
            for name, value in (("b", 0.0), ("scores", 0.0), ("rest", 0.0), ("weight", 1.0)):
                setattr(self, name, np.append(getattr(self, name), np.full(grown, value)))
            self.mark = np.empty(len(sums), np.int64)
            none = np.zeros(grown, bool)
            self.heard, self.inside = np.append(self.heard, none), np.append(self.inside, none)
        self.matrix, (posters, listener, sender, weight) = matrix, news
        posters = np.unique(posters)
        more = sums[posters] - self.b[posters]
        self.b[posters] = sums[posters]
        heard = self.alpha * weight * self.scores[sender]
        rows = np.concatenate([posters, listener])
        if len(rows):
            self.dirty.append(self._add(rows, np.concatenate([more, heard])))
        self.heard[sender] = True
        sender = np.append(self.late[0], sender)
        order = np.argsort(sender, kind="stable")
        self.late = (
            sender[order],
            *(
                np.append(old, new)[order]
                for old, new in zip(self.late[1:], (listener, weight), strict=True)
            ),
        )
        if len(sender) > LATE * self.matrix.nnz:
            self._index()
        return self._reweigh(np.unique(listener))

    def settle(self, top: int) -> Top:
        """Put scores right until the top is proven; by a basis where pushes would take longer."""
        tied = None
        if self.known and self.contraction < ENOUGH:
            tied = self._pushed(top)
        if tied is None:
            return self._anew(top)
        users = np.flatnonzero(self.scores >= least_of(self.scores, top))
        users = users[np.argsort(-self.scores[users], kind="stable")][:top]
        error, shared = self.error * self.weight, np.zeros(len(self.b), bool)
        shared[tied] = True
        low, high = np.maximum(self.scores - error, self.b), self.scores + error
        products, self.products = self.products, 0
        return Top(users, self.scores, low, high, shared, not len(tied), products)

    def _pushed(self, top: int) -> np.ndarray | None:
        """Push until the top is proven; who share its last places, None where it is not proven."""
        while True:
            reach, tied = self._reach(top)
            if not self.dirty and self.error < reach:
                return tied
            goal = SPARE * (1 - self.contraction) * reach - self.slop
            if not goal > self.slop or not self._push(goal):
                return None

    def _anew(self, top: int) -> Top:
        """The top by a basis, from the scores before."""
        unit = 2.0 ** np.floor(np.log2(self.b.max(initial=0.0) or 1.0))  # for norms: no overflow
        found = certified_top(
            self.matrix, self.b / unit, self.alpha, top, largest=self.largest,
            start=self.scores / unit if self.known else None,
            weights=(self.weight, self.contraction),
        )  # fmt: skip
        scores, low, high = (unit * part for part in found[1:4])
        products, self.products = found.products + self.products, 0
        self.known = True
        self._begin(np.maximum(scores, self.b))
        return found._replace(scores=scores, lower=low, upper=high, products=products)

    def _begin(self, scores: np.ndarray) -> None:
        self.scores = scores
        self.rest, rounding = residual(self.matrix, self.b, self.alpha, scores)
        self.slop, self.level = self._most(rounding), self._most(self.rest)
        self.dirty: list[np.ndarray] = []  # users whose residual may be above the level

    def _most(self, values: np.ndarray) -> float:
        """The largest, in units of w."""
        return float((np.abs(values) / self.weight).max(initial=0.0))

    def _reach(self, top: int) -> tuple[float, np.ndarray]:
        """The largest e for which errors below e w leave the top as it is, and who share its last
        places."""
        x, w, tied = self.scores, self.weight, NOBODY
        bar = least_of(x, top)
        rows = np.flatnonzero(x >= bar * (1 - SAME))
        if len(rows) > top:
            cut, tied = bar, rows[x[rows] <= bar * (1 + SAME)]
            if not self._alike(tied, SAME * bar):
                return 0.0, tied
        elif top == len(x):
            return np.inf, tied
        else:
            worst, outside = rows[np.argmin(x[rows])], x.copy()
            outside[rows] = -np.inf
            best = int(np.argmax(outside))
            cut = x[best] + w[best] * (x[worst] - x[best]) / (w[worst] + w[best])
        away = np.abs(x - cut)
        away /= w
        away[tied] = np.inf
        return float(away.min(initial=np.inf)) * (1 - 1e-12), tied

    def _alike(self, users: np.ndarray, within: float) -> bool:
        r"""Whether scores that look the same are the same, but for rounding: those of users who
        hear the same, or whose senders' own scores are known,

        .. math:: |e_i - e_k| \le |q_i - q_k| + \alpha \sum_j |A_{ij} - A_{kj}|\, |e_j|.
        """
        if len(users) > MANY:
            return False
        first = sparse.csr_array(np.ones((len(users), 1))) @ self.matrix[users[:1]]
        differ = abs(self.matrix[users] - first)
        others = np.unique(differ.indices)
        heard = self.alpha * self.error * (self.matrix[others] @ self.weight)
        size = np.abs(self.rest[others]) + self.slop * self.weight[others] + heard
        rest = self.rest[users]
        bound = np.abs(rest - rest[0]) + self.alpha * (differ[:, others] @ size)
        return bool((bound <= within).all())

    def _push(self, goal: float) -> bool:
        """Push until no residual is larger than goal times w."""
        if goal < self.level:
            users = np.flatnonzero(np.abs(self.rest) > goal * self.weight)
        else:
            users = self._above(np.unique(np.concatenate([*self.dirty, NOBODY])), goal)
        begins, size, floods = self.audience.indptr, len(self.audience.indptr) - 1, 0
        for _ in range(ROUNDS):
            if not len(users):
                self.level, self.dirty = goal, []
                return True
            rest, part = self.heard[users] & ~self.inside[users], users
            if rest.any():  # users who hear nobody, and those who came late
                part = users[rest]
            else:
                known = users[users < size]
                if (begins[known + 1] - begins[known]).sum() > WHOLE * self.audience.nnz:
                    if floods == FLOODS:
                        break
                    self._flood(goal)
                    floods += 1
                    users = np.flatnonzero(np.abs(self.rest) > goal * self.weight)
                    continue
            moved = self._move(part, self.rest[part])
            hearers, weight, owner = self._heard_by(part)
            amounts = np.append(self.alpha * weight * moved[owner], np.zeros(len(users)))
            users = self._above(self._add(np.append(hearers, users), amounts), goal)
        self.level, self.dirty = self._most(self.rest), []
        return False

    def _flood(self, goal: float) -> None:
        """Push all who hear and are heard, then all whom nobody hears.

        Steps of what is left, or longer ones where the slowest mode is all that is left (of least
        residual), in single precision; the residual is then formed in double.
        """
        core = self.core
        weight, rest = self.weight[core].astype(np.float32), self.rest[core].astype(np.float32)
        total, left = np.zeros_like(rest), np.inf
        for _ in range(STEPS):
            image, step = self.inner @ rest, rest
            before, left = left, float((np.abs(image) / weight).max(initial=0.0))
            if left > SLOW * before:
                away = rest - image
                length = np.dot(rest, away) / max(np.dot(away, away), TINY)
                longer = rest - length * away
                left_longer = float((np.abs(longer) / weight).max(initial=0.0))
                if left_longer < left:
                    step, image, left = length * rest, longer, left_longer
            total += step
            rest = image
            self.products += 1
            if not left > goal:
                break
        moved = np.zeros(len(self.scores))
        moved[core] = self._move(core, total.astype(float))
        self.rest += self.alpha * (self.matrix @ moved)
        longest = np.diff(self.matrix.indptr).max() + 4
        self.slop += EPS * longest * (self._most(self.rest) + 2 * self._most(moved))
        self.products += 1
        unheard = np.flatnonzero(~self.heard)
        self._move(unheard, self.rest[unheard])

    def _above(self, users: np.ndarray, goal: float) -> np.ndarray:
        return users[np.abs(self.rest[users]) > goal * self.weight[users]]

    def _move(self, users: np.ndarray, by: np.ndarray) -> np.ndarray:
        """Move scores; by how much they have moved. What rounding takes stays in the residual."""
        old = self.scores[users]
        new = old + by
        moved = new - old
        lost = (old - (new - moved)) + (by - moved)
        self.rest[users] = (self.rest[users] - by) + lost
        self.scores[users] = new
        return moved

    def _add(self, rows: np.ndarray, amounts: np.ndarray) -> np.ndarray:
        """Add to residuals, and to epsilon what rounding may be; the distinct rows."""
        number = np.arange(len(rows))
        self.mark[rows] = number
        touched = rows[self.mark[rows] == number]
        self.mark[touched] = number[: len(touched)]
        place = self.mark[rows]
        size = np.abs(self.rest[touched]) + np.bincount(place, np.abs(amounts))
        self.rest[touched] += np.bincount(place, amounts)
        most = (np.bincount(place) + 4) * size / self.weight[touched]
        self.slop += EPS * float(most.max())
        return touched

    def _heard_by(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Who hears users, with which weight, and which of the users it is."""
        begins = self.audience.indptr
        most = len(begins) - 1
        low = begins[np.minimum(users, most)].astype(np.int64)
        owner, edge = ranges(low, begins[np.minimum(users + 1, most)] - low)
        sender, listener, weight = self.late
        low = np.searchsorted(sender, users)
        more, late = ranges(low, np.searchsorted(sender, users, side="right") - low)
        return (
            np.append(self.audience.indices[edge], listener[late]),
            np.append(self.audience.data[edge], weight[late]),
            np.append(owner, more),
        )

    def _reweigh(self, rows: np.ndarray) -> bool:
        """Raise w of users who hear more, and of those who hear them, to what keeps c."""
        for _ in range(ROUNDS):
            if not (len(rows) and self.alpha):
                return True
            image = self.alpha * (self.matrix[rows] @ self.weight)
            low = image > self.contraction * self.weight[rows]
            rows = rows[low]
            self.weight[rows] = image[low] * ((1 + 1e-12) / self.contraction)
            rows = np.unique(self._heard_by(rows)[0])
        return False

    def _index(self) -> None:
        """The columns of A; `late` are the edges that they lack, by sender. The core are those who
        hear and are heard."""
        self.audience = sparse.csc_array(self.matrix)
        self.heard = np.diff(self.audience.indptr) > 0
        self.inside = self.heard & (np.diff(self.matrix.indptr) > 0)
        self.core = np.flatnonzero(self.inside)
        self.inner = self.alpha * self.matrix[self.core][:, self.core].astype(np.float32)
        self.late = NOBODY, NOBODY, np.zeros(0)
