"""A ranking of a log that grows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from hawkesjax.inputs.arguments import Count, Positive, checked, number
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.growing import Growing
from hawkesjax.katz.steady.push import pushed_top
from hawkesjax.katz.steady.radius import Radius, radius_bounds
from hawkesjax.katz.steady.solve import CLOSEST, Ranking, ranking_of
from hawkesjax.katz.steady.top import bounding_weights, certified_top, near_weights

QUICK = 0.8  # c above which pushes take more products than a basis
ENOUGH = 0.95  # c up to which the bounds of the network before are good enough
STALE = 0.01  # part of its edges by which a network grows before its radius is found anew


class Live:
    r"""A log that grows, its users ranked again after each batch of messages.

    Holds what a ranking needs: users, edges, and posts weighted by age,

    .. math:: b_i \leftarrow b_i\, 2^{-1 / h}\ \text{with each bin}, \qquad
              b_i \leftarrow b_i + 1\ \text{with each post},

    so that a batch costs itself and a copy of the network, not the log. Users who were never seen
    before enter with their first message. Appending a log in pieces is the same as reading it at
    once, with business as usual up to its end and `Activity.recent`.

    A ranking begins at the scores of the one before and proves its top anew (`katz.rank`).
    With `alpha_star=`, alpha follows the spectral radius, which is found again once the network
    has grown by a hundredth of its edges; the proof is of alpha and holds in between.

    Unlike an `Activity`, it changes when messages are appended.

    Args:
        activity: a log; the window of business as usual is taken from its begin to the log's end.
        half_life: bins after which a post weighs half, or `"learned"` from the log as it is now.

    Raises:
        ValueError: for a network without a log, or as `Activity.recent`.

    Example:
        >>> activity = hj.Activity.from_messages(
        ...     time=[0, 1, 2, 3], source=["a", "b", "b", "a"], target=["b", "a", "c", "c"],
        ...     edges="messages", bin=1, usual=(0, 4),
        ... )
        >>> live = hj.katz.Live(activity, half_life=2.0)
        >>> live.append(time=[4, 4.5], source=["d", "d"], target=["a", "b"])["users"]
        1
        >>> live.rank(alpha=0.1, top=2).table["user"].tolist()
        ['d', 'a']
    """

    @checked
    def __init__(
        self, activity: Activity, half_life: Positive | Literal["learned"] = "learned"
    ) -> None:
        if activity.log is None or activity.network is None:
            raise ValueError(
                "This network was given as a matrix: it has no log to append to. Build it with "
                "from_messages, or read_messages."
            )
        end = int(activity.log.row_bin[-1]) + 1
        if not activity.network[0] < end:
            raise ValueError("The window of business as usual begins after the last message.")
        whole = activity.slide(bins=(activity.network[0], end))
        weighed = whole.recent(half_life, until=end)
        assert weighed.recency is not None
        self.recency = weighed.recency
        self._grown = Growing(whole, self.recency.half_life)
        self._radius: Radius | None = None
        self._edges = 0
        self._weights: tuple[float, float, np.ndarray] | None = None  # alpha, c, w
        self._audience: sparse.csc_array | None = None
        self._scores: tuple[float, np.ndarray] | None = None  # when, and the scores

    @property
    def num_users(self) -> int:
        """Users so far."""
        return len(self._grown.names)

    @property
    def num_edges(self) -> int:
        """Edges so far."""
        return self._grown.matrix.nnz

    @property
    def num_bins(self) -> int:
        """Bins so far; the last one may not be over."""
        return self._grown.bins

    def bins(self, messages: Any = None, *, time: Any) -> Any:
        """The bin that each message lies in, for `time` as in `append`."""
        return self._grown.bins_of(messages, time)

    def times(self, bin: int) -> Any:
        """Where a bin begins: a datetime, or a number in the log's unit."""
        grid = self._grown.log.grid
        begin = grid.start(bin)
        return pd.Timestamp(grid.clock.show(begin)) if grid.clock.dated else float(begin)

    def activity(self) -> Activity:
        """The network and the baselines as they are now, without times, for `katz.solve`,
        `katz.sweep` and the like. Users are in the order in which they came."""
        return self._grown.activity()

    @checked
    def append(
        self,
        messages: Any = None,
        *,
        time: Any,
        source: Any,
        target: Any,
        kind: Any = None,
        late: Literal["refuse", "drop"] = "refuse",
    ) -> dict[str, int]:
        """Add messages, in any order.

        Args:
            messages: a table; then `time`, `source`, `target` and `kind` are its columns. Without
                it they are arrays.
            time, source, target, kind: as in `Activity.from_messages`, whose edges, unit, bins and
                time zone hold.
            late: what becomes of messages that are more than a bin older than the newest:
                `"refuse"` them with an error, or `"drop"` and count them.

        Returns:
            How many `messages` were added, new `posts`, `users` and `edges`, and how many messages
            came `late` and were dropped.

        Raises:
            ValueError: as `Activity.from_messages`, and for late messages; nothing is added then.
        """
        used = {"time": time, "source": source, "target": target, "kind": kind}
        return self._grown.append(messages, used, late)

    @checked
    def rank(
        self, *, alpha_star: float | None = None, alpha: float | None = None, top: Count = 100
    ) -> Ranking:
        """Whom to expect among the most active, with proof; arguments as `katz.rank`.

        Raises:
            ValueError: as `katz.rank`.
        """
        if (alpha_star is None) == (alpha is None):
            raise ValueError(
                "Give one of alpha_star= (alpha times the spectral radius) and alpha=."
            )
        name, given = ("alpha", alpha) if alpha_star is None else ("alpha_star", alpha_star)
        value = float(number(given, name))
        if value < 0 or (alpha_star is not None and value >= 1):
            below = "" if alpha_star is None else " and below 1"
            raise ValueError(f"{name} is {given!r}; it must be at least 0{below}.")
        grown = self._grown
        rho = self._known_radius()
        if alpha_star is not None:
            if rho.acyclic:
                raise ValueError(
                    "No user of this network can be reached from itself, so alpha_star has no "
                    "meaning yet: every alpha is allowed. Give alpha= itself."
                )
            value /= rho.value
        _refuse_large(value, rho)
        weights, spent = self._bounding(value, rho)
        if weights[1] >= 1 and self._edges < self.num_edges:  # is alpha too large by now?
            rho = self._known_radius(anew=True)
            value = value if alpha_star is None else float(given) / rho.value
            _refuse_large(value, rho)
            weights, spent = self._bounding(value, rho)
        b, now = grown.baseline, float(grown.age(grown.bins - 1))
        largest = np.inf if rho.acyclic else 1 / rho.upper
        start = None
        if self._scores is not None:
            then, scores = self._scores
            start = b.copy()  # of users who are new
            start[: len(scores)] = scores * 2.0 ** ((then - now) / grown.half_life)
        top, found = min(top, self.num_users), None
        if start is not None and value and weights[1] < QUICK:
            audience = self._heard_by()
            found = pushed_top(grown.matrix, audience, b, value, top, start, weights)
            start, spent = found.scores, spent + (0 if found.certified else found.products)
        if found is None or not found.certified:
            found = certified_top(
                grown.matrix, b, value, top, largest=largest, start=start, weights=weights
            )
        self._scores = (now, found.scores)
        names = [grown.names[int(user)] for user in found.users]
        star = None if rho.acyclic else value * rho.value
        return ranking_of(found._replace(products=found.products + spent), names, b, value, star)

    def _heard_by(self) -> sparse.csc_array:
        """A by columns, without the newest edges."""
        if self._audience is None or self.num_edges > (1 + STALE) * self._audience.nnz:
            self._audience = sparse.csc_array(self._grown.matrix)
        return self._audience

    def _known_radius(self, anew: bool = False) -> Radius:
        edges = self.num_edges
        if self._radius is None or anew or edges > (1 + STALE) * self._edges:
            self._radius, self._edges = radius_bounds(self._grown.matrix), edges
        return self._radius

    def _bounding(self, alpha: float, rho: Radius) -> tuple[tuple[np.ndarray, float], int]:
        """w with its c for the network as it is, from the last one where that will do."""
        matrix, spent = self._grown.matrix, 0
        if alpha == 0:
            return (np.ones(self.num_users), 0.0), 0
        if self._weights is not None:
            known, c, w = self._weights
            near = np.append(w, np.ones(self.num_users - len(w)))
            changed = self._grown.changed() if known == alpha else None
            w, c, spent = near_weights(matrix, alpha, near, c, changed)
            self._weights = (alpha, c, w)
            if c < ENOUGH:
                return (w, c), spent
        largest = np.inf if rho.acyclic else 1 / rho.upper
        w, c, products = bounding_weights(matrix, alpha, largest)
        self._weights = (alpha, c, w)
        return (w, c), spent + products


def _refuse_large(alpha: float, rho: Radius) -> None:
    if alpha * rho.lower >= 1 - CLOSEST:
        raise ValueError(
            f"alpha is {alpha:.6g}, but the sum over walks is finite only below 1 / "
            f"{rho.value:.6g} (the spectral radius is {rho.value:.6g}). Take less."
        )
