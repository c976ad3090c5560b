"""Rankings that need no model: posts, fresh posts, neighbours, PageRank, followers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from hawkesjax.inputs.checks import Rows, kind_of_value, refuse
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.steady.blockwise import checked_sweep
from hawkesjax.katz.steady.krylov import Effort

DAMPING = 0.85  # of PageRank: Brin and Page's own
USUAL, DECAYED, RANDOM = "posts as usual", "decayed posts", "PageRank"
IN, OUT, KNOWN = "in-degree", "out-degree", "followers"


def rivals(
    activity: Activity, followers: Any = None
) -> tuple[dict[str, Float[np.ndarray, " users"]], dict[str, str]]:
    """Scores of every simple ranking, by name, and words on what is left out or uncertain.

    Decayed posts are weighted as the activity's own baseline where it is by age, else with a
    half-life learned before the spike.
    """
    scores: dict[str, Any] = {}
    notes: dict[str, str] = {}
    if activity.network is not None:
        scores[USUAL] = activity.posts(activity.network).astype(np.float64)
    try:
        recent = activity if activity.recency is not None else activity.recent()
        scores[DECAYED] = np.asarray(recent.baseline)
        notes[DECAYED] = str(recent.recency)
    except ValueError as error:
        notes[DECAYED] = f"left out: {error}"
    scores |= by_place(activity)
    if followers is not None:
        scores[KNOWN], unknown = _followers(activity, followers)
        if unknown:
            notes[KNOWN] = f"those of {unknown:,} users are not known, who come last"
    return scores, notes


def by_place(activity: Activity) -> dict[str, Float[np.ndarray, " users"]]:
    """Scores by place in the network alone: neighbours on either side, and PageRank."""
    size = activity.num_users
    return {
        IN: np.bincount(activity.sender, minlength=size).astype(np.float64),
        OUT: np.bincount(activity.listener, minlength=size).astype(np.float64),
        RANDOM: pagerank(activity.matrix),
    }


def pagerank(matrix: sparse.csr_array) -> Float[np.ndarray, " users"]:
    r"""PageRank of users by attention, which flows from listeners to whom they hear.

    .. math:: p = \tfrac{1 - d}{N} 1 + d\, (D^{-1} A)^\top p, \quad D = \mathrm{diag}(A 1),

    a Katz system, scaled to sum to 1: who hears nobody then passes its rank on to all alike.

    Source: Brin and Page (1998), Computer Networks 30, 107-117; Del Corso, Gulli and Romani (2005),
    Internet Mathematics 2, 251-273 for the system.
    """
    total = np.asarray(matrix.sum(axis=1)).ravel()
    rows = np.repeat(np.arange(len(total)), np.diff(matrix.indptr))
    share = matrix.data / np.where(total > 0, total, 1)[rows]
    flow = sparse.csr_array((share, (matrix.indices, rows)), shape=matrix.shape)
    swept = checked_sweep(flow, np.ones(len(total)), np.array([DAMPING]), Effort(1e-12))
    return swept.scores[0] / swept.scores[0].sum()


def _followers(activity: Activity, given: Any) -> tuple[np.ndarray, int]:
    """Followers of each user of the network, and how many users have none given."""
    size = activity.num_users
    if isinstance(given, Mapping):
        given = pd.Series(dict(given))
    if isinstance(given, pd.Series):
        if not given.index.is_unique:
            raise ValueError("followers names a user twice. Name each user once.")
        places = activity.user_names.positions(given.index.to_numpy())
        numbers: Any = pd.to_numeric(given, errors="coerce")
        values, known = np.full(size, np.nan), np.zeros(size, bool)
        values[places[places >= 0]] = numbers.to_numpy(np.float64)[places >= 0]
        known[places[places >= 0]] = True
        if not known.any():
            raise ValueError(
                "followers names no user of the network. Name users as the log of messages does."
            )
    else:
        try:
            values = np.asarray(given, np.float64)
        except Exception:  # a class of the user's may raise anything
            raise ValueError(
                f"followers is {kind_of_value(given)}, which holds no numbers."
            ) from None
        if values.shape != (size,):
            raise ValueError(
                f"followers has shape {values.shape} for {size:,} users. Give one number per user, "
                f"or a Series by user."
            )
        known = np.ones(size, bool)
    bad = known & (~np.isfinite(values) | (values < 0))
    refuse(bad, "followers", "no count", "Give numbers of at least 0.", values, Rows("user"))
    return np.where(known, values, -1.0), int((~known).sum())
