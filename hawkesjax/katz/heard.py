"""What each user heard: sums over a sparse network of who was active in the bin before."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from jaxtyping import Float, Int
from scipy import sparse

MOST = 4_000_000  # pairs (user, bin) held at once: 32 MB for each of their columns
CHUNK = 4_000_000  # pairs (event, in-neighbour) looked up at once: 32 MB per column


def ranges(begin: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of many ranges one after another: the range of each, and the numbers."""
    owner = np.repeat(np.arange(len(count)), count)
    return owner, np.arange(len(owner)) + np.repeat(begin - (np.cumsum(count) - count), count)


@dataclass(frozen=True, eq=False)
class Senders:
    r"""Who was active when, and the state that it leaves: `h_j[k] = memory h_j[k-1] + s_j[k]`.

    Args:
        user, bin: distinct pairs, sorted by user, then bin.
        sent: s of each pair: 1, or the number of posts.
        state: h of each pair, just after it.
        memory: part of the state that is left a bin later; 0: only the bin before counts.
    """

    user: Int[np.ndarray, " pairs"]
    bin: Int[np.ndarray, " pairs"]
    sent: Float[np.ndarray, " pairs"]
    state: Float[np.ndarray, " pairs"]
    memory: float

    @classmethod
    def from_pairs(cls, user, bin, sent, *, memory: float = 0.0) -> Senders:
        """Sort the pairs and run the recursion, all users at once."""
        order = np.lexsort((bin, user))
        user = np.asarray(user, np.int64)[order]
        bin = np.asarray(bin, np.int64)[order]
        sent = np.asarray(sent, np.float64)[order]
        state = sent.copy()
        if memory > 0 and len(user):
            fresh = np.r_[True, user[1:] != user[:-1]]
            start = np.maximum.accumulate(np.where(fresh, np.arange(len(user)), 0))
            rank = np.arange(len(user)) - start
            rows = np.argsort(rank, kind="stable")
            ends = np.cumsum(np.bincount(rank))
            for begin, end in itertools.pairwise(ends):
                now = rows[begin:end]
                state[now] += memory ** (bin[now] - bin[now - 1]) * state[now - 1]
        return cls(user, bin, sent, state, float(memory))

    def at(self, user, bin) -> Float[np.ndarray, " asked"]:
        """h of given users in given bins."""
        if not len(self.user):
            return np.zeros(len(user))
        span = int(max(self.bin.max(), np.max(bin, initial=0))) + 1
        place = np.searchsorted(self.user * span + self.bin, user * span + bin, side="right") - 1
        last = np.maximum(place, 0)
        known = (place >= 0) & (self.user[last] == user)
        gap = bin - self.bin[last]
        if self.memory == 0:
            return np.where(known & (gap == 0), self.state[last], 0)
        return np.where(known, self.memory ** np.where(known, gap, 0) * self.state[last], 0)


def heard_at(
    network: sparse.csr_array, senders: Senders, user, bin
) -> Float[np.ndarray, " events"]:
    r"""`r_i[k] = sum_j A_ij h_j[k]` for given pairs (i, k) only.

    The cost is the sum of the pairs' in-degrees, a chunk at a time.
    """
    user, bin = np.asarray(user, np.int64), np.asarray(bin, np.int64)
    out = np.zeros(len(user))
    degree = np.diff(network.indptr)[user].astype(np.int64)
    ends = np.cumsum(degree)
    begin = 0
    while begin < len(user):
        before = ends[begin] - degree[begin]
        end = max(begin + 1, int(np.searchsorted(ends, before + CHUNK, side="right")))
        owner, edge = ranges(network.indptr[user[begin:end]].astype(np.int64), degree[begin:end])
        value = senders.at(network.indices[edge].astype(np.int64), bin[begin:end][owner])
        out[begin:end] = np.bincount(
            owner, weights=network.data[edge] * value, minlength=end - begin
        )
        begin = end
    return out


def heard_in_all(
    network: sparse.csr_array, senders: Senders, weight: Float[np.ndarray, " bins"]
) -> Float[np.ndarray, " users"]:
    r"""`sum_k weight[k] r_i[k]` over all bins, by one sparse product.

    A message sent in bin m is heard in bin k with weight `memory^(k-m)`, so each sender's part is
    a sum over its own messages.
    """
    echo = scipy.signal.lfilter(
        [1.0], [1.0, -senders.memory], np.asarray(weight, np.float64)[::-1]
    )[::-1]
    inside = senders.bin < len(echo)
    shape: Any = network.shape
    sums = np.bincount(
        senders.user[inside],
        weights=senders.sent[inside] * echo[senders.bin[inside]],
        minlength=shape[1],
    )
    return network @ sums


def heard_everywhere(
    network: sparse.csr_array, senders: Senders, first: int, last: int
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """All pairs (user, bin) with r > 0 in the bins first to last - 1, and r.

    A sparse product: its cost is the sum of the audiences of all active pairs; with memory, of all
    users ever active in all bins after.
    """
    shape: Any = network.shape
    size = (shape[1], last - first)
    if senders.memory == 0:
        inside = (senders.bin >= first) & (senders.bin < last)
        place = (senders.user[inside], senders.bin[inside] - first)
        states = sparse.csr_array((senders.state[inside], place), shape=size)
    else:
        ever = np.unique(senders.user)
        if len(ever) * size[1] > MOST:
            raise ValueError(
                f"With memory and link='clip', all {len(ever):,} users who were ever active are "
                f"followed through {size[1]:,} bins, more than {MOST:,} numbers. Take fewer or "
                f"longer bins, memory=0, or link='hazard', which needs the events alone."
            )
        grid_user, grid_bin = np.repeat(ever, size[1]), np.tile(np.arange(size[1]), len(ever))
        value = senders.at(grid_user, grid_bin + first)
        states = sparse.csr_array((value, (grid_user, grid_bin)), shape=size)
        states.eliminate_zeros()
    heard: Any = network @ states
    product = heard.tocoo()
    loud = product.data > 0
    user, bin = (part[loud].astype(np.int64) for part in (product.row, product.col))
    return user, bin + first, product.data[loud]
