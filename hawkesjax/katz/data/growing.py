"""A log that grows: its network and its weighted posts, updated by what messages add."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from hawkesjax.inputs.checks import ROWS, Rows, refuse
from hawkesjax.inputs.clock import read_times
from hawkesjax.inputs.names import Names
from hawkesjax.inputs.tables import open_table
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.attention import BACKWARD, FORWARD, read_ways
from hawkesjax.katz.data.messages import pairs_of, read_both
from hawkesjax.katz.data.network import Tally
from hawkesjax.katz.data.recency import Recency, decayed, watched_before

FAR = 500.0  # powers of two between the oldest weight and the newest; float64 holds 1,000


class News(NamedTuple):
    """What messages have changed.

    Args:
        posters: rows of users who posted; they may repeat.
        listener, sender: rows of the users of each edge that is new or, in a weighted network,
            heavier.
        weight: what each edge has gained.
    """

    posters: Int[np.ndarray, " posts"]
    listener: Int[np.ndarray, " edges"]
    sender: Int[np.ndarray, " edges"]
    weight: Float[np.ndarray, " edges"]


class Growing:
    """Users, edges and posts weighted by age, of a log to which messages are appended.

    Args:
        activity: a log, with business as usual up to its last message.
        half_life: watched bins after which a post weighs half.
    """

    def __init__(self, activity: Activity, half_life: float) -> None:
        log = activity.log
        assert log is not None
        self.half_life = half_life
        self.log, self.options = log, (activity.weighted, activity.self_loops)
        self.bins = self.counted = int(log.row_bin[-1]) + 1
        self.watched = int(watched_before(activity, self.bins)[-1])
        self.reference = float(self.watched)  # where the sums' weights are 1
        self.sums = decayed(activity, Recency(half_life, self.bins))
        self.names = [str(name) for name in activity.user_names]
        self.place = {name: row for row, name in enumerate(self.names)}
        self.matrix = sparse.csr_array(activity.matrix, copy=True)
        self.untold: list[News] = []
        rows = self._rows(log.names.take(log.last_user))
        self.recent = set(zip(rows.tolist(), log.last_time.tolist(), strict=True))

    @property
    def baseline(self) -> Float[np.ndarray, " users"]:
        """Each user's posts, weighted by age, at the end of the last bin."""
        return self.sums * self.scale

    @property
    def scale(self) -> float:
        """What a weight of 1 in the sums is worth at the end of the last bin."""
        return 2.0 ** ((self.reference - float(self.age(self.bins - 1))) / self.half_life)

    def activity(self) -> Activity:
        """Network and baselines, without the log."""
        none, count = np.zeros(0, np.int32), np.zeros(0, np.int64)
        weighted, self_loops = self.options
        return Activity(
            listener=np.repeat(np.arange(len(self.names)), np.diff(self.matrix.indptr)),
            sender=self.matrix.indices.copy(),
            weight=self.matrix.data.copy(),
            baseline=self.baseline,
            active_user=none,
            active_bin=none,
            active_posts=none,
            volume=count,
            unseen=count,
            heard=np.zeros(0),
            user_names=Names(np.array(self.names, object)),
            weighted=weighted,
            self_loops=self_loops,
            tally=Tally(),
        )

    def bins_of(self, messages: Any, time: Any) -> Int[np.ndarray, " messages"]:
        """The bin of each message."""
        column, name, rows = time, "time", ROWS
        if messages is not None:
            frame, rows = open_table(messages, ("time",), time=time)
            column, name = frame[time], str(time)
        return self.log.grid.bins(self._times(column, name, rows))

    def append(self, messages: Any, used: dict[str, Any], late: str) -> dict[str, int]:
        """Read a batch as `Activity.from_messages` reads a log, and add it; what it added."""
        columns, called, rows = used, {name: name for name in used}, ROWS
        if messages is not None:
            frame, rows = open_table(messages, ("time", "source", "target"), **used)
            columns = {role: None if name is None else frame[name] for role, name in used.items()}
            called = {role: str(name) for role, name in used.items()}
        values, source, target, way = self._read(columns, called, rows)
        bins = self.log.grid.bins(values)
        old = bins < self.bins - 2
        if late == "refuse" and old.any():
            grid = self.log.grid
            refuse(
                old,
                called["time"],
                f"a message from before {grid.clock.show(grid.start(self.bins - 2))}, more than a "
                f"bin older than the newest",
                "Sort the log; or leave such messages out with late='drop'; or build the activity "
                "anew with them.",
                values,
                rows,
            )
        keep = ~old
        values, source, target, way, bins = (x[keep] for x in (values, source, target, way, bins))
        users, edges = len(self.names), self.matrix.nnz
        source, target = self._enter(source), self._enter(target)
        grown = len(self.names) - users
        if grown:
            self.sums = np.append(self.sums, np.zeros(grown))
        posts = self._post(values, source, bins) if len(bins) else 0
        self.untold.append(News(source, *self._link(source, target, way)))
        return {
            "messages": int(keep.sum()),
            "posts": posts,
            "users": grown,
            "edges": self.matrix.nnz - edges,
            "late": int(old.sum()),
        }

    def _read(self, columns: dict[str, Any], names: dict[str, str], rows: Rows) -> tuple:
        """Times in the log's numbers, names of users (None for no target), and edges."""
        values = self._times(columns["time"], names["time"], rows)
        size = len(values)
        source, target, users = read_both(columns, names, size, rows)
        text = np.array([*users, None], object)  # code -1: no target
        source, target = text[source], text[target]
        way = read_ways(columns["kind"], self.log.edges, size, rows, names["kind"], more=True)
        return values, source, target, way

    def _times(self, column: Any, name: str, rows: Rows) -> np.ndarray:
        clock = self.log.grid.clock
        zone = str(clock.zone) if clock.dated and clock.zone is not None else None
        read = read_times(column, name, clock.unit or None, zone, rows)
        if len(read.values) and (read.dated, read.zone is None) != (
            clock.dated,
            clock.zone is None,
        ):
            kind = "datetimes" if clock.dated else "numbers"
            zoned = "" if not clock.dated else " with" + "out" * (clock.zone is None) + " a zone"
            raise ValueError(f"Column {name!r}: the log's times are {kind}{zoned}. Give the same.")
        return read.values

    def _enter(self, names: np.ndarray) -> Int[np.ndarray, " messages"]:
        """Rows of users, new ones at the end; -1 for None."""
        rows = np.empty(len(names), np.int64)
        for place, name in enumerate(names):
            row = -1 if name is None else self.place.get(name)
            if row is None:
                row = self.place[name] = len(self.names)
                self.names.append(name)
            rows[place] = row
        return rows

    def _rows(self, names: Names) -> Int[np.ndarray, " asked"]:
        return np.array([self.place[str(name)] for name in names], np.int64)

    def age(self, bins: Any) -> Any:
        """Watched bins up to and with each bin; those beyond the log's were all watched."""
        return self.watched + np.asarray(bins, float) + 1 - self.counted

    def _post(self, values: np.ndarray, source: np.ndarray, bins: np.ndarray) -> int:
        if not self.log.each:
            pairs = zip(source.tolist(), values.tolist(), strict=True)
            fresh = np.zeros(len(values), bool)
            for place, pair in enumerate(pairs):
                if pair not in self.recent:
                    self.recent.add(pair)
                    fresh[place] = True
            source, bins = source[fresh], bins[fresh]
        if len(bins):
            self.bins = max(self.bins, int(bins.max()) + 1)
        if self.age(self.bins - 1) - self.reference > FAR * self.half_life:
            moved = self.age(self.bins - 1) - self.reference
            self.sums *= 2.0 ** (-moved / self.half_life)
            self.reference += moved
        weights = 2.0 ** ((self.age(bins) - self.reference) / self.half_life)
        np.add.at(self.sums, source, weights)
        border = self.log.grid.start(self.bins - 2)
        self.recent = {pair for pair in self.recent if pair[1] >= border}
        return len(bins)

    def _link(
        self, source: np.ndarray, target: np.ndarray, way: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges of messages, among those known; what is new about them."""
        weighted, self_loops = self.options
        linked = (way > 0) & (target >= 0) & (self_loops | (source != target))
        source, target, way = source[linked], target[linked], way[linked]
        forward, backward = (way & FORWARD) > 0, (way & BACKWARD) > 0
        listener = np.concatenate([source[forward], target[backward]])
        sender = np.concatenate([target[forward], source[backward]])
        size = len(self.names)
        listener, sender, count = pairs_of(listener, sender, size)
        old = self.matrix
        begins = np.append(old.indptr, np.full(size + 1 - len(old.indptr), old.indptr[-1]))
        place, known = _find(begins, old.indices, listener, sender)
        if weighted:
            old.data[place[known]] += count[known]
        new = ~known
        data = np.insert(old.data, place[new], count[new] if weighted else 1.0)
        indices = np.insert(old.indices, place[new], sender[new])
        begins[1:] += np.cumsum(np.bincount(listener[new], minlength=size), dtype=begins.dtype)
        self.matrix = sparse.csr_array((data, indices, begins), shape=(size, size))
        if weighted:
            return listener, sender, count.astype(float)
        return listener[new], sender[new], np.ones(np.count_nonzero(new))

    def news(self) -> News:
        """What has changed since this was asked last."""
        parts, self.untold = self.untold, []
        none = np.zeros(0, np.int64)
        parts.append(News(none, none, none, none.astype(float)))
        return News(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _find(
    begins: np.ndarray, indices: np.ndarray, row: np.ndarray, column: np.ndarray
) -> tuple[Int[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Where each entry of a matrix of sorted rows is or would be, and whether it is there."""
    low, high = begins[row].astype(np.int64), begins[row + 1].astype(np.int64)
    end = high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        open_ = low < high
        below = np.zeros(len(row), bool)
        below[open_] = indices[middle[open_]] < column[open_]
        low, high = np.where(below, middle + 1, low), np.where(open_ & ~below, middle, high)
    known = low < end
    known[known] = indices[low[known]] == column[known]
    return low, known
