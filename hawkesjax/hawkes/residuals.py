"""Residuals by time rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.evaluation.rounding import step_of
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.values import point_of
from hawkesjax.inputs.arguments import checked


@checked
def residuals(
    model: HawkesLaw, values: Any, data: EventPanel, *, join: bool = False
) -> pd.DataFrame:
    r"""Expected number of events of a mark between its successive events.

    With :math:`\Lambda_{mi}` the integrated intensity of mark i in sequence m and
    :math:`t_1 < t_2 < \dots` its events there, the residuals are
    :math:`\Lambda_{mi}(t_k) - \Lambda_{mi}(t_{k-1})`, :math:`t_0` the window's start. Under the
    true parameters they are independent and unit exponential.

    The time between a sequence's last event and its window's end belongs to no residual. Where
    sequences hold few events each, that makes the residuals too short: `join=True` adds each
    remainder to the next residual of the mark, which is then exactly unit exponential again
    (sequences laid end to end are one unit-rate Poisson process).

    A mark's first event exactly at its window's start, as in every window that begins with its
    first event, has no waiting time: its residual is NaN, and tests leave it out.

    Tied events of a mark have residuals of 0. Where the times are rounded (multiples of one
    step, or of a declared resolution), that says nothing about the model: a second column has the
    residuals of times spread uniformly over their step, drawn with a fixed seed, which the tests
    then use.

    Args:
        model: the model.
        values: natural parameters, an `Estimate`, or a `Posterior` (its mean is taken).
        data: the events.
        join: lay sequences end to end.

    Returns:
        One row per event, in the panel's order: sequence, mark, time (as in the panel's own clock),
        residual, and `jittered` where rounded times tie.

    Source: Brown, Barbieri, Ventura, Kass and Frank (2002), Neural Computation 14, 325-346.
    """
    panel = data
    point = point_of(values, model, panel)
    if model.gamma is not None:
        point.pop("gamma")
    table = rescaled(panel, *model.compensator_increments(point, panel), join=join)
    between = np.asarray(panel.waits)[np.diff(np.asarray(panel.sequence), prepend=-1) == 0]
    step = panel.resolution or step_of(between, np.abs(panel.window).max())
    if panel.resolution or (step and np.any(table["residual"] == 0)):
        moved, order = spread(panel, step, fixed=table["residual"].isna().to_numpy())
        finer = rescaled(moved, *model.compensator_increments(point, moved), join=join)
        table["jittered"] = finer["residual"].to_numpy()[np.argsort(order)]
    return table


def rescaled(panel: EventPanel, inside: Any, tails: Any, *, join: bool) -> pd.DataFrame:
    """The table of residuals from the integrated intensities between events, (N, D), and after
    each sequence's last event, (M, D)."""
    inside, tails = np.asarray(inside), np.asarray(tails)
    marks, owner = np.asarray(panel.marks), np.asarray(panel.sequence)
    rows = np.searchsorted(owner, np.arange(panel.num_sequences + 1))
    first = np.zeros(panel.num_events, bool)  # of its mark in its sequence
    first[np.unique(owner * np.int64(panel.num_marks) + marks, return_index=True)[1]] = True
    waited = ~first | (np.asarray(panel.times) > 0)
    values = np.full(panel.num_events, np.nan)
    for mark in range(panel.num_marks):
        own = np.flatnonzero((marks == mark) & waited)
        values[own] = _between(inside[:, mark], own, owner[own], rows, tails[:, mark], join)
    return pd.DataFrame(
        {
            "sequence": pd.Categorical.from_codes(owner, list(panel.sequence_names)),
            "mark": pd.Categorical.from_codes(marks, list(panel.mark_names)),
            "time": np.asarray(panel.times) + np.asarray(panel.start)[owner],
            "residual": values,
        }
    )


def _between(steps, own, owner, rows, tails, join) -> np.ndarray:
    """Sums of `steps` to each own event from the previous one (or the sequence's first row)."""
    if own.size == 0:
        return np.zeros(0)
    fresh = np.diff(owner, prepend=-1) != 0
    begin = np.where(fresh, rows[owner], np.r_[0, own[:-1] + 1])
    values = _sums(steps, begin, own + 1)
    if join:
        last = rows[:-1].copy()
        ends = np.flatnonzero(np.r_[fresh[1:], True])
        last[owner[ends]] = own[ends] + 1
        left = np.r_[0.0, np.cumsum(_sums(steps, last, rows[1:]) + tails)]
        before = np.r_[0, owner[:-1]]
        values = values + np.where(fresh, left[owner] - left[before], 0.0)
    return values


def _sums(steps, begin, end) -> np.ndarray:
    """Sum of each half-open piece; differences of one long running sum would lose digits."""
    padded = np.append(steps, 0.0)
    sums = np.add.reduceat(padded, np.stack([begin, end], axis=1).ravel())[::2]
    return np.where(end > begin, sums, 0.0)
