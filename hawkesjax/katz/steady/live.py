"""A ranking of a log that grows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Count, Positive, checked, number
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.growing import Growing
from hawkesjax.katz.steady.push import Standing
from hawkesjax.katz.steady.radius import Radius, radius_bounds
from hawkesjax.katz.steady.solve import CLOSEST, Ranking, ranking_of
from hawkesjax.katz.steady.top import ENOUGH, weights_near

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
        self._standing: Standing | None = None

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
        for anew in (False, True):  # is alpha too large by now?
            rho = self._known_radius(anew)
            if alpha_star is not None and rho.acyclic:
                raise ValueError(
                    "No user of this network can be reached from itself, so alpha_star has no "
                    "meaning yet: every alpha is allowed. Give alpha= itself."
                )
            used = value if alpha_star is None else value / rho.value
            _refuse_large(used, rho)
            scores = self._followed(used, np.inf if rho.acyclic else 1 / rho.upper)
            if scores.contraction < 1 or self._edges == self.num_edges:
                break
        grown = self._grown
        found = scores.settle(min(top, self.num_users))
        names = [grown.names[int(user)] for user in found.users]
        star = None if rho.acyclic else used * rho.value
        ranking = ranking_of(found, names, grown.sums, used, star)
        ranking.table[["score", "lower", "upper", "baseline"]] *= grown.scale
        return ranking

    def _followed(self, alpha: float, largest: float) -> Standing:
        """The scores before, after what was appended; with a w that is anew where it must be."""
        grown, last, scores = self._grown, self._standing, None
        news, old = grown.news(), None
        if last is not None:
            old, scores = last.weight if last.alpha else None, grown.sums.copy()
            kept = (last.alpha, last.reference) == (alpha, grown.reference)
            if kept and last.contraction < ENOUGH:
                if last.follow(grown.matrix, grown.sums, news):
                    return last
                old = None  # it has been raised without end
            moved = 2.0 ** ((last.reference - grown.reference) / grown.half_life)
            scores[: len(last.scores)] = last.scores * moved
        weights = weights_near(grown.matrix, alpha, largest, old)
        self._standing = Standing(
            grown.matrix, grown.sums, alpha, largest, weights, scores, grown.reference
        )
        return self._standing

    def _known_radius(self, anew: bool = False) -> Radius:
        edges = self.num_edges
        if self._radius is None or anew or edges > (1 + STALE) * self._edges:
            self._radius, self._edges = radius_bounds(self._grown.matrix), edges
        return self._radius


def _refuse_large(alpha: float, rho: Radius) -> None:
    if alpha * rho.lower >= 1 - CLOSEST:
        raise ValueError(
            f"alpha is {alpha:.6g}, but the sum over walks is finite only below 1 / "
            f"{rho.value:.6g} (the spectral radius is {rho.value:.6g}). Take less."
        )
