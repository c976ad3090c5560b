"""Figures of predictive checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.plotting import style
from hawkesjax.plotting.door import needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def predictive(check: Any) -> Figure:
    """Statistics over all sequences: replicates as a histogram, the observed value as a line.

    One row per statistic, one column per mark; in the corner the share of replicates above the
    observed value. A line outside the histogram shows what the model does not reproduce.

    Args:
        check: what `hawkesjax.predictive_check` returned.
    """
    needs(check, "predictive", "PredictiveCheck")
    table = check.summary()
    rows = [name for name in table.index if name[0] == "all"]
    marks = list(dict.fromkeys(name[1] for name in rows))
    names = list(dict.fromkeys(name[2] for name in rows))
    place = {name: number for number, name in enumerate(check.index)}
    with style.canvas(height=0.5 + 0.95 * len(names)) as figure:
        axes = figure.subplots(len(names), len(marks), squeeze=False)
        for i, name in enumerate(names):
            for j, mark in enumerate(marks):
                axis, key = axes[i, j], ("all", mark, name)
                if key not in place:
                    axis.set_visible(False)
                    continue
                drawn = check.replicated[:, place[key]]
                _histogram(axis, drawn[np.isfinite(drawn)], check.observed[place[key]])
                timed = check.unit and name.endswith(("mean gap", "% of gaps"))
                unit = f" ({check.unit}s)" if timed else ""
                axis.set_title(f"{mark}: {name}{unit}", loc="left", fontsize=8)
                p = table.loc[key, "p"]
                words = "not defined" if np.isnan(p) else f"p = {p:.2g}"
                axis.text(0.99, 0.93, words, ha="right", va="top", transform=axis.transAxes, size=7)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
    return figure


def _histogram(axis: Any, drawn: np.ndarray, seen: float) -> None:
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    if drawn.size:
        low, high = drawn.min(), drawn.max()
        whole = np.all(drawn == np.round(drawn))
        if whole and high - low < 30:
            bins: Any = np.arange(low - 0.5, high + 1)
        else:
            bins = np.linspace(low, high if high > low else low + 1, 25)
        axis.hist(drawn, bins, color=style.grey(0.75), label="replicates")
    if np.isfinite(seen):
        axis.axvline(seen, color=style.colour(0), linewidth=1.8, label="observed")
