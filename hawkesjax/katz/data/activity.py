"""Who listens to whom, and who posted when: a network and the activity of its users in bins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import jax
import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Positive, Whole, checked
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.bins import bins_of
from hawkesjax.inputs.checks import ROWS
from hawkesjax.inputs.names import Names
from hawkesjax.inputs.tables import open_table
from hawkesjax.katz.data.messages import MessageLog, read_log
from hawkesjax.katz.data.network import Tally, read_matrix
from hawkesjax.katz.data.recency import Recency, decayed, recency_of
from hawkesjax.katz.data.tables import AsTables
from hawkesjax.katz.data.windows import Bins, cut_log

NAMES = {name: name for name in ("time", "source", "target", "kind")}


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class Activity(Kept, AsTables):
    """A network of N users with E edges, and their posts in K bins of equal length.

    Edges and baselines come from the network window (business as usual). `A[i, j] = 1` when
    user i listens to user j: row = who is affected. Edges are sorted by listener, then sender.
    Posts are counted over all bins of the log; a post is a distinct author and time stamp, or a
    message where the log knows only days. Windows are ranges of bins `(first, last + 1)`.

    Build with `from_messages`, `hawkesjax.read_messages` or `from_matrix`, which check what they
    are given; the dataclass, a JAX pytree, checks nothing.

    Args:
        listener: (E,) 0 .. N-1, rising.
        sender: (E,) 0 .. N-1.
        weight: (E,) 1, or with `weighted` the number of messages.
        baseline: (N,) posts in the network window, as far as it was watched; after `recent`,
            posts weighted by age.
        active_user: (P,) user of each distinct pair of bin and user in the network who posted.
        active_bin: (P,) bin of each pair; sorted by bin, then user, over all bins.
        active_posts: (P,) posts of that user in that bin.
        volume: (K,) posts of all users, seen or not.
        unseen: (K,) of them, posts of users who are not in the network.
        heard: (K,) messages that the authors of a bin's posts had received within one bin's length
            before each post, summed over posts.
        user_names: N names; a sequence of text.
        bin_length: in `unit`.
        unit: name of the unit of time, "" if it has none.
        start: absolute time at which bin 0 begins, in `unit`; 0 where there is an `origin`.
        origin: ISO datetime at which bin 0 begins; None for times that were numbers.
        network: bins that edges and baselines come from; None for a network that was given.
        spike: bins of the spike, or None.
        fit: bins that a model is fitted on, by default those after the network window.
        weighted: whether weights are numbers of messages.
        self_loops: whether messages to oneself made edges.
        tally: what became of the messages of the network window.
        log: the messages, for `slide`; None for a network that was given.
        recency: how the baseline weighs posts by age; None for plain counts.

    Example:
        >>> activity = hj.Activity.from_messages(
        ...     time=[0, 1, 2, 5], source=["a", "b", "b", "a"], target=["b", "a", "a", "b"],
        ...     edges="messages", bin=1, usual=(0, 4),
        ... )
        >>> activity.baseline.tolist()
        [1.0, 2.0]
    """

    drawn_by: ClassVar[str] = "plots.katz.volume, plots.katz.stability and plots.katz.influence"

    listener: Int[AnyArray, " edges"]
    sender: Int[AnyArray, " edges"]
    weight: Float[AnyArray, " edges"]
    baseline: Float[AnyArray, " users"]
    active_user: Int[AnyArray, " pairs"]
    active_bin: Int[AnyArray, " pairs"]
    active_posts: Int[AnyArray, " pairs"]
    volume: Int[AnyArray, " bins"]
    unseen: Int[AnyArray, " bins"]
    heard: Float[AnyArray, " bins"]
    user_names: Names = field(metadata={"static": True})
    bin_length: float = field(default=1.0, metadata={"static": True})
    unit: str = field(default="", metadata={"static": True})
    start: float = field(default=0.0, metadata={"static": True})
    origin: str | None = field(default=None, metadata={"static": True})
    network: Bins | None = field(default=None, metadata={"static": True})
    spike: Bins | None = field(default=None, metadata={"static": True})
    fit: Bins | None = field(default=None, metadata={"static": True})
    weighted: bool = field(default=False, metadata={"static": True})
    self_loops: bool = field(default=False, metadata={"static": True})
    tally: Tally = field(default=Tally(), metadata={"static": True})
    log: MessageLog | None = field(default=None, metadata={"static": True})
    recency: Recency | None = field(default=None, metadata={"static": True})

    @property
    def num_users(self) -> int:
        """N."""
        return self.baseline.shape[-1]

    @property
    def num_edges(self) -> int:
        """E."""
        return self.listener.shape[-1]

    @property
    def num_bins(self) -> int:
        """K."""
        return self.volume.shape[-1]

    @property
    def gaps(self) -> tuple[Bins, ...]:
        """Bins (first, last + 1) of which some time was not watched."""
        return () if self.log is None else self.log.gaps

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """A, listener by sender, as a SciPy matrix that shares the edges' memory."""
        size = self.num_users
        begins = np.zeros(size + 1, np.int32)
        np.cumsum(np.bincount(self.listener, minlength=size), out=begins[1:])
        return sparse.csr_array((self.weight, self.sender, begins), shape=(size, size))

    @property
    def responsiveness(self) -> Float[np.ndarray, " bins"]:
        """Messages received shortly before a post, on average over each bin's posts.

        The mean over the bin's posts of the number of messages that named the author as their
        target in `[t - bin_length, t)`, t the post's own time; NaN in bins without posts.
        A literal reading of the log (source to target), whichever way the edges go.

        Source: Higham and others, equation 6.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.volume > 0, self.heard / self.volume, np.nan)

    def posts(self, window: Bins) -> Int[np.ndarray, " users"]:
        """Posts of each user of the network in a range of bins."""
        low, high = np.searchsorted(self.active_bin, bins_of(window, "window"))
        counts = np.bincount(
            self.active_user[low:high],
            weights=self.active_posts[low:high],
            minlength=self.num_users,
        )
        return counts.astype(np.int64)

    def unseen_share(self, window: Bins) -> float:
        """Part of the posts in a range of bins whose authors the network does not know."""
        part = slice(*bins_of(window, "window"))
        total = int(self.volume[part].sum())
        return float(self.unseen[part].sum()) / total if total else float("nan")

    @classmethod
    @checked
    def from_messages(
        cls,
        messages: Any = None,
        *,
        time: Any,
        source: Any,
        target: Any,
        kind: Any = None,
        edges: Any = None,
        bin: Positive,
        usual: Any,
        spike: Any = None,
        fit: Any = None,
        gaps: Any = None,
        weighted: bool = False,
        self_loops: bool = False,
        unit: str | None = None,
        timezone: str | None = None,
    ) -> Activity:
        """Network and activity from a log of messages, one row per message, in any order.

        Args:
            messages: a table; then `time`, `source`, `target` and `kind` are its columns. Without
                it they are arrays.
            time: numbers in `unit`, datetimes, or ISO text.
            source: who acts: whole numbers or names.
            target: whom the message names; a missing one makes a post without an edge.
            kind: what the message is, for the edges.
            edges: which way attention goes. `"reposts"`: i reposted j, so i listens to j (the
                default where kinds are given; other kinds make no edge, only posts).
                `"messages"`: i received from j, so i listens to j. `"attention"`: reposts and
                replies the first way, mentions the second. Or a mapping from every kind to
                `"reposts"`, `"messages"`, `"both"` or None. Without kinds there is no default:
                the direction decides the sign of the result.
            bin: length of a bin, in `unit`.
            usual: the window (start, end) of business as usual, in the times' own terms, None for
                an open side. It decides users, edges and baselines. A bin belongs to a window
                when it begins in [start, end); bins begin at `usual`'s start, or at the first
                message.
            spike: (start, end), or "detect": from the peak after `usual` to the first bin with a
                quarter of its volume; or None.
            fit: (start, end) that a model is fitted on; by default all bins after `usual`.
            gaps: stretches of the log in which nothing could be seen (a collector that was down,
                lost days): `(a, b)`, `[(a, b), ...]`, or a table of the columns start and end.
                Edges and baselines are counted in what is left of `usual`, for all users alike:
                scores are of less time, and a ranking at an alpha_star stays what it is. A spike
                may hold none, and a model is not fitted on bins with one.
            weighted: weigh an edge by its number of messages; otherwise 1.
            self_loops: keep messages to oneself as edges.
            unit: name of the numbers' unit, or the unit to convert datetimes to.
            timezone: zone of datetimes without an offset.

        Raises:
            ValueError: if anything but the order is wrong; names the column, the first offending
                rows and a remedy.

        Warns:
            ActivityWarning: for messages without a target, days without a time of day, ids that
                seem of two tables, a network without edges, a spike that does not end, or one
                before business as usual.
        """
        used = dict(zip(NAMES, (time, source, target, kind), strict=True))
        columns, called, rows = used, NAMES, ROWS
        if messages is None:
            for role in ("time", "source", "target"):
                if used[role] is None:
                    raise ValueError(f"{role}=None: give an array, or a table and its column.")
        else:
            frame, rows = open_table(messages, ("time", "source", "target"), **used)
            columns = {role: None if name is None else frame[name] for role, name in used.items()}
            called = {role: str(name) for role, name in used.items()}
        others = {"spike": spike, "fit": fit}
        log = read_log(
            columns,
            called,
            edges=edges,
            length=bin,
            usual=usual,
            others={k: v for k, v in others.items() if v is not None and not isinstance(v, str)},
            gaps=gaps,
            unit=unit,
            timezone=timezone,
            rows=rows,
        )
        clock, begin = log.grid.clock, log.grid.start(0)
        options = {"weighted": weighted, "self_loops": self_loops}
        return cls(
            bin_length=float(bin),
            unit=clock.unit,
            start=0.0 if clock.dated else float(begin),
            origin=clock.show(begin) if clock.dated else None,
            log=log,
            **options,
            **cut_log(log, usual, spike, fit, options),
        )

    @classmethod
    @checked
    def from_matrix(
        cls, A: Any, b: Any, names: Collection[Any] | None = None, *, self_loops: bool = False
    ) -> Activity:
        """A network that is given, without a log: for steady states and rankings.

        Args:
            A: SciPy sparse matrix (or dense array), listener by sender; or edges, a tuple
                (listener, sender) or (listener, sender, weight). Repeated edges of a tuple without
                weights are merged; weights of repeated edges are added.
            b: (N,) baseline activity, or a Series by user; a number for all users alike.
            names: N names; without them edges are numbered as b, or carry the names of its index.
            self_loops: keep entries on the diagonal.

        Raises:
            ValueError: for shapes that do not agree, users of the edges that b does not know,
                negative or non-finite numbers.
        """
        fields = read_matrix(A, b, names, self_loops=self_loops)
        none, empty = np.zeros(0, np.int32), np.zeros(0, np.int64)
        fields |= dict.fromkeys(("active_user", "active_bin", "active_posts"), none)
        fields |= {"volume": empty, "unseen": empty, "heard": np.zeros(0)}
        weighted = bool((fields["weight"] != 1).any())
        return cls(**fields, weighted=weighted, self_loops=self_loops)

    def slide(
        self, usual: Any = None, *, bins: Bins | None = None, spike: Any = None, fit: Any = None
    ) -> Activity:
        """The same log with another window of business as usual: edges and baselines anew.

        Bins stay where they are. A spike or a window to fit must be named again; baselines are
        plain counts.

        Args:
            usual: (start, end) in the times' own terms.
            bins: the window as a range of bins, instead.
            spike, fit: as in `from_messages`.

        Raises:
            ValueError: without a log, for an empty window, or one that overlaps the spike.
        """
        if self.log is None:
            raise ValueError("This network was given as a matrix: it has no log to slide along.")
        if (usual is None) == (bins is None):
            raise ValueError("Give one of usual=(start, end) and bins=(first, last + 1).")
        options = {"weighted": self.weighted, "self_loops": self.self_loops}
        window = usual if bins is None else bins
        fields = cut_log(self.log, window, spike, fit, options, in_bins=bins is not None)
        return replace(self, recency=None, **fields)

    @checked
    def recent(
        self,
        half_life: Positive | Literal["learned"] = "learned",
        *,
        until: Whole | None = None,
        lead: Whole = 0,
    ) -> Activity:
        r"""The same network with a baseline that remembers: posts weighted by their age.

        .. math:: b_i = \sum_{k < m} n_i[k]\, 2^{-a_k / h}, \quad m = u - l,

        n the posts of user i in bin k, h the half-life, u = `until`, l = `lead`, and a_k the age:
        the bins between k and m that were watched from end to end, so 0 for the last one. All bins
        before m count, of whatever window; users and edges stay those of business as usual. Users
        who came later have no baseline: `slide` business as usual up to the spike first.

        `"learned"` tries half-lives of 1, 2, 4, ... bins on the log before m alone: each of the
        last ten twentieths of that past is predicted from what lies `lead` bins or more before it,
        and the half-life whose rankings put most posts first, discounted by log2(1 + rank), is
        taken. Nothing from m on is seen.

        Args:
            half_life: bins after which a post weighs half, or `"learned"`.
            until: a bin; by default the spike's first, or without a spike the end of business as
                usual.
            lead: bins before `until` that are left out, as where data come late.

        Returns:
            An activity for `katz.rank`, `katz.solve`, `katz.sweep` and `katz.evaluate`; its
            `recency` says what was done, and what each half-life scored.

        Raises:
            ValueError: for a half-life that is not positive, a network without times, posts that
                reach into the spike, no posts before m, or too few to learn from.

        Example:
            >>> activity = hj.Activity.from_messages(
            ...     time=[0, 1, 2, 5], source=["a", "b", "b", "a"], target=["b", "a", "a", "b"],
            ...     edges="messages", bin=1, usual=(0, 4),
            ... )
            >>> activity.recent(half_life=1).baseline.tolist()
            [0.125, 0.75]
        """
        recency = recency_of(self, half_life, until, lead)
        return replace(self, baseline=decayed(self, recency), recency=recency)
