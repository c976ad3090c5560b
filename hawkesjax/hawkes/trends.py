"""Which course of the baseline forecasts best: constant, a trend, or an ageing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.core.fit import fit
from hawkesjax.core.kept import Kept
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.drift import may_wane, with_trend, with_waning
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.inputs.arguments import Count, Positive, checked

SHAPES = ("none", "exponential", "power", "effects")
EARLY = 0.5  # of the windows that no fold forecasts: what it is learned from


@dataclass(frozen=True, eq=False, repr=False)
class TrendChoice(Kept):
    """How well each course of the baseline forecast the past.

    Args:
        table: one row per course: log predictive density of each fold's events given those before,
            nats, and their sum `all`.
        best: the course of the largest sum.
        model: the model with it, up to the horizon.
    """

    table: pd.DataFrame
    best: str
    model: Any

    def __repr__(self) -> str:
        text = self.table.to_string(float_format=lambda x: f"{x:.2f}")
        return f"TrendChoice: {self.best}\n{text}"


@checked
def choose_trend(
    model: HawkesLaw, data: EventPanel, *, horizon: Positive, folds: Count = 3
) -> TrendChoice:
    r"""Choose the course of the baseline by rolling evaluation within the data.

    Cuts lie at distances of the horizon from the windows' end (of less, where the second half of
    the windows holds fewer than `folds` of them). Before each, the model is fitted with a constant
    baseline, with a trend and with an ageing (`Covariates.trend`), and with effects that all grow
    or wane alike (`"effects"`, where the model has none that change); the log predictive density of
    the stretch after it decides, summed over the folds. Nothing after the windows is used, so that
    what the choice is then scored on stays unseen.

    Args:
        model: the model, without a trend.
        data: what is known: for an evaluation, the part before the cut.
        horizon: how far will be forecast, in the panel's unit.
        folds: cuts.

    Returns:
        The table of scores, the `best` course and the `model` with it.

    Raises:
        ValueError: for windows that are not one and the same, or without events before a cut.

    Example:
        >>> times = np.cumsum(np.linspace(0.1, 1.9, 60))  # ever more seldom
        >>> panel = hj.EventPanel.from_lists(
        ...     [(times,)], window=(0, 60), mark_names=["post"])
        >>> hj.choose_trend(hj.Hawkes(), panel, horizon=10.0, folds=1).best != "none"
        True
    """
    windows = np.asarray(data.window, np.float64)
    begin, end = float(windows[0, 0]), float(windows[0, 1])
    if not (np.isclose(windows[:, 0], begin) & np.isclose(windows[:, 1], end)).all():
        raise ValueError(
            "The sequences have windows of their own: a trend in time would mean another age in "
            "each. Choose among sequences of one window."
        )
    step = min(float(horizon), (1 - EARLY) * (end - begin) / folds)
    # One course for all folds, so that they share its compilation.
    shapes = SHAPES if may_wane(model) else SHAPES[:-1]
    models = {shape: _of(model, data, shape, float(horizon)) for shape in shapes}
    scores: dict[str, dict[str, float]] = {shape: {} for shape in shapes}
    for fold in range(folds, 0, -1):
        cut = end - fold * step
        past = data.between(begin, cut)
        whole = data.between(begin, np.nextafter(cut + step, np.inf))
        if past.num_events == 0:
            raise ValueError(f"No event before {cut:g}: nothing can be learned there.")
        for shape, chosen in models.items():
            params = fit(chosen, past, errors=False).params
            known = {name: params[name] for name in params if name in chosen.dims}
            score = chosen.log_likelihood(known, whole) - chosen.log_likelihood(known, past)
            scores[shape][f"from {cut:.6g}"] = float(score)
    table = pd.DataFrame(scores).T.rename_axis("baseline")
    table["all"] = table.sum(axis=1)
    best = str(table["all"].idxmax())
    return TrendChoice(table, best, models[best])


def _of(model: HawkesLaw, panel: EventPanel, shape: str, ahead: float) -> Any:
    # A little further than the horizon, whose end rounding may move.
    if shape == "none":
        return model
    if shape == "effects":
        return with_waning(model, panel, 1.001 * ahead)
    return with_trend(model, panel, shape, 1.001 * ahead)  # pyright: ignore[reportArgumentType]
