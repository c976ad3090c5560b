"""How the ranking depends on alpha*."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.steady.solve import solve, sweep_grid
from hawkesjax.katz.steady.ties import membership


@checked
def sweep(
    activity: Activity,
    *,
    alpha_star: Sequence[float] | np.ndarray | None = None,
    alpha: Sequence[float] | np.ndarray | None = None,
    top: Count = 100,
    form: str = "additive",
) -> pd.DataFrame:
    """The ranking at every alpha* of a sweep, and how far it moves. No spike is needed.

    Args:
        activity: network and baselines.
        alpha_star: grid; 0, 0.05, ..., 0.95 by default.
        alpha: grid of alpha itself, instead.
        top: users in the ranking.
        form: as in `solve`.

    Returns:
        One row per alpha* and rank, best first, users tied at the cut in the order of the
        network: user, score, share of the sum of all scores, and by alpha*, repeated: shared
        (part of the top that the row before it had, in expectation over ties at the cut) and
        kept (the same against the first row).
    """
    name, rows, alphas = sweep_grid(activity, alpha_star, alpha, form)
    scores = solve(activity, alpha=alphas, form=form, backend="scipy")
    size = min(top, activity.num_users)
    tables = []
    chosen = [membership(row, size) for row in scores]
    for place, (value, row) in enumerate(zip(rows, scores, strict=True)):
        users = np.argsort(-row, kind="stable")[:size]
        total = float(row.sum())
        tables.append(
            pd.DataFrame(
                {
                    name: value,
                    "rank": np.arange(1, size + 1),
                    "user": activity.user_names.take(users).index,
                    "score": row[users],
                    "share": row[users] / total if total else np.nan,
                    "shared": _overlap(chosen[place], chosen[max(place - 1, 0)]) / size,
                    "kept": _overlap(chosen[place], chosen[0]) / size,
                }
            )
        )
    return pd.concat(tables).set_index([name, "rank"])


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Size of what two tops share, the ties broken alike in both."""
    return float(np.minimum(first, second).sum())
