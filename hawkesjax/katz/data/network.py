"""Sparse listener-by-sender networks: from a stretch of a log, a matrix, or a list of edges."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from hawkesjax.inputs.checks import (
    Rows,
    column_of,
    kind_of_value,
    listed,
    listed_once,
    refuse,
    short,
)
from hawkesjax.inputs.names import Names
from hawkesjax.katz.data.attention import BACKWARD, FORWARD
from hawkesjax.katz.data.messages import MessageLog, pairs_of
from hawkesjax.katz.data.users import read_users


@dataclass(frozen=True)
class Tally:
    """What became of a log's messages when the network was built.

    Args:
        messages: in the network's window.
        edgeless: of them, those whose kind (or missing target) makes no edge.
        self_loops: messages of a user to itself.
        repeated: messages that repeat an edge.
        unseen_users: users who post outside the window and do not occur in it.
    """

    messages: int = 0
    edgeless: int = 0
    self_loops: int = 0
    repeated: int = 0
    unseen_users: int = 0


def network_of(
    log: MessageLog, window: tuple[int, int], *, weighted: bool, self_loops: bool
) -> dict[str, Any]:
    """The fields of an `Activity` that the window of business as usual decides."""
    low, high = np.searchsorted(log.row_bin, window)
    part = slice(low, high)
    source, target, way = log.row_source[part], log.row_target[part], log.row_way[part]
    present = np.zeros(len(log.names), bool)
    present[source] = True
    present[target[target >= 0]] = True
    users = np.flatnonzero(present)
    place = np.cumsum(present, dtype=np.int32) - np.int32(1)
    linked = (way > 0) & (target >= 0)
    own = linked & (source == target)
    if not self_loops:
        linked &= ~own
    source, target, way = place[source[linked]], place[target[linked]], way[linked]
    forward, backward = (way & FORWARD) > 0, (way & BACKWARD) > 0
    heard = np.concatenate([source[forward], target[backward]])
    spoken = np.concatenate([target[forward], source[backward]])
    listener, sender, weight = pairs_of(heard, spoken, len(users))
    known = present[log.post_user]
    codes, bins, posts = (array[known] for array in (log.post_user, log.post_bin, log.post_count))
    codes = place[codes]
    begin, end = np.searchsorted(bins, window)
    inside = slice(begin, end)
    baseline = np.bincount(codes[inside], weights=posts[inside], minlength=len(users))
    volume = np.bincount(bins, weights=posts, minlength=len(log.volume)).astype(np.int64)
    posters = np.zeros(len(log.names), bool)
    posters[log.post_user] = True
    tally = Tally(
        messages=int(high - low),
        edgeless=int(high - low - linked.sum() - (0 if self_loops else own.sum())),
        self_loops=int(own.sum()),
        repeated=len(heard) - len(listener),
        unseen_users=int((posters & ~present).sum()),
    )
    return {
        "listener": listener,
        "sender": sender,
        "weight": weight.astype(np.float64) if weighted else np.ones(len(weight)),
        "baseline": baseline.astype(np.float64),
        "active_user": codes,
        "active_bin": bins,
        "active_posts": posts,
        "volume": log.volume,
        "unseen": log.volume - volume,
        "heard": log.heard,
        "user_names": log.names.take(users),
        "tally": tally,
    }


Edges = tuple[np.ndarray, np.ndarray, np.ndarray | None, Any, Names]  # weight, b and users last


def read_matrix(A: Any, b: Any, names: Any, *, self_loops: bool) -> dict[str, Any]:
    """Edges, baselines and names of a sparse matrix or a list of edges, checked."""
    dense = isinstance(A, np.ndarray) and A.ndim == 2 and A.dtype != object
    given = None if isinstance(names, str | bytes | Set) else listed_once(names)
    if names is not None and given is None:
        raise ValueError(f"names is {short(names)}. Give a list of names, or None.")
    names = given
    read = _from_sparse if dense or sparse.issparse(A) else _from_edges
    listener, sender, weight, b, users = read(A, b, names)
    baseline = _baseline(b, len(users))
    if weight is not None:
        weight = _real(weight, "weight")
        if len(weight) != len(listener):
            raise ValueError(f"{len(weight):,} weights for {len(listener):,} edges.")
        bad = ~np.isfinite(weight) | (weight < 0)
        what = "a weight that is negative or not finite"
        remedy = "Attention is a number of at least 0; leave edges of none out."
        refuse(bad, "weight", what, remedy, weight, Rows("edge"))
        there = weight > 0
        listener, sender, weight = listener[there], sender[there], weight[there]
    own = listener == sender
    if not self_loops:
        listener, sender = listener[~own], sender[~own]
        weight = None if weight is None else weight[~own]
    rows, columns, total = pairs_of(listener, sender, len(users), weight)
    repeated = len(listener) - len(rows)
    return {
        "listener": rows,
        "sender": columns,
        "weight": np.ones(len(rows)) if weight is None else total,
        "baseline": baseline,
        "user_names": users,
        "tally": Tally(messages=len(own), self_loops=int(own.sum()), repeated=repeated),
    }


def _from_sparse(A: Any, b: Any, names: Any) -> Edges:
    matrix: Any = sparse.coo_array(A)
    size = matrix.shape[0]
    if matrix.shape != (size, size):
        raise ValueError(
            f"The matrix has shape {matrix.shape}. A network is square: A[i, j] = 1 when i "
            f"listens to j. (For a list of edges give a tuple (listener, sender).)"
        )
    users = Names(np.arange(size)) if names is None else Names(names)
    if len(users) != size:
        raise ValueError(f"{len(users):,} names for a matrix of {size:,} users. Name each once.")
    if len(pd.unique(users.index)) != size:
        raise ValueError("names repeat. Name each user once.")
    if isinstance(b, pd.Series):
        b = _by_name(b, users)
    return *matrix.coords, matrix.data, b, users


def _from_edges(A: Any, b: Any, names: Any) -> Edges:
    if isinstance(A, pd.DataFrame):
        A = tuple(A[name] for name in A.columns)
    if not isinstance(A, tuple) or len(A) not in (2, 3):
        raise ValueError(
            f"Expected a SciPy sparse matrix, or edges as a tuple (listener, sender) or (listener, "
            f"sender, weight) or a table of such columns; got {type(A).__name__}."
        )
    rows = Rows("edge")
    columns: dict[str, Any] = {"listener": A[0], "sender": A[1]}
    if names is not None:
        columns["names"] = names
    elif isinstance(b, pd.Series):
        columns["baseline"] = b.index.to_numpy()
    elif np.ndim(b) == 1:
        columns["baseline"] = np.arange(len(b))
    codes, users = read_users(columns, frozenset(), rows)
    if len(codes["listener"]) != len(codes["sender"]):
        raise ValueError(
            f"{len(codes['listener']):,} listeners and {len(codes['sender']):,} senders. Give one "
            f"of each per edge."
        )
    declared = codes.get("names", codes.get("baseline"))
    if declared is not None:
        known = np.zeros(len(users), bool)
        known[declared] = True
        if known.sum() < len(declared):
            raise ValueError("Users repeat among the names or the index of b. Name each once.")
        if not known.all():
            lacking = users.take(np.flatnonzero(~known))
            raise ValueError(
                f"{len(lacking):,} users of the edges have no entry in b or names: "
                f"{listed(lacking[:5])}{', ...' if len(lacking) > 5 else ''}. Add them, with 0 "
                f"where they did not post."
            )
        users = users.take(declared)
        place = np.empty(len(declared), np.int32)
        place[declared] = np.arange(len(declared), dtype=np.int32)
        codes = {name: place[code] for name, code in codes.items()}
    if isinstance(b, pd.Series) and names is not None:
        b = _by_name(b, users)
    weight = column_of(A[2], "weight", rows).to_numpy() if len(A) == 3 else None
    return codes["listener"], codes["sender"], weight, b, users


def _by_name(b: pd.Series, users: Names) -> np.ndarray:
    places = users.positions(b.index.to_numpy())
    unknown = [str(name) for name in b.index[places < 0][:5]]
    if unknown or len(b) != len(users) or len(np.unique(places)) != len(users):
        raise ValueError(
            f"The index of b and the network's users differ ({len(b):,} and {len(users):,}"
            + (f"; unknown: {listed(unknown)}" if unknown else "")
            + "). Give every user one entry, 0 where it did not post."
        )
    out = np.empty(len(users))
    out[places] = b.to_numpy(np.float64)
    return out


def _real(values: Any, name: str) -> np.ndarray:
    """The numbers as float64; what is complex or no number is refused."""
    try:
        array = np.asarray(values)
    except Exception as error:  # a class of the user's may raise anything
        raise ValueError(f"{name} is {kind_of_value(values)}, which holds no numbers.") from error
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} is masked in places. Fill them in, or leave them out.")
    if array.dtype.kind in "mMV":
        raise ValueError(f"{name} holds what is no number (type {array.dtype}).")
    if np.iscomplexobj(array):
        raise ValueError(
            f"{name} is of type {array.dtype}; attention and activity are real numbers of at least "
            f"0. Take the real part or the modulus, whichever you mean."
        )
    try:
        return array.astype(np.float64)
    except Exception:  # objects may raise anything
        raise ValueError(f"{name} holds what is no number (type {array.dtype}).") from None


def _baseline(b: Any, size: int) -> np.ndarray:
    array = _real(b, "b")
    array = np.broadcast_to(array, size).copy() if array.ndim == 0 else array
    if array.shape != (size,):
        raise ValueError(f"b has shape {array.shape} for {size:,} users. Give one number per user.")
    bad = ~np.isfinite(array) | (array < 0)
    refuse(bad, "b", "no count of posts", "Give numbers of at least 0.", array, Rows("user"))
    return array
