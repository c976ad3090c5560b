"""Figures of what comes next in a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.core.tables import QUANTILES
from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import TimeAxis
from hawkesjax.plotting.door import needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@checked
def forecast(ahead: Any, *, observed: Any = None, max_rows: Count = 40) -> Figure:
    """Counts forecast for each sequence and mark: median and 95 % interval.

    Args:
        ahead: the result of `hawkesjax.forecast`.
        observed: (sequences, marks) observed counts, drawn for comparison.
        max_rows: draw at most this many sequences, those with the largest forecasts.

    Raises:
        ValueError: if the observed counts have a different shape.
    """
    needs(ahead, "forecast", "Forecast")
    low, middle, high = np.quantile(ahead.counts, QUANTILES, axis=0)
    if observed is not None:
        observed = np.asarray(observed)
        if observed.shape != middle.shape:
            raise ValueError(f"observed has shape {observed.shape}, the forecast {middle.shape}.")
    totals = ahead.counts.mean(axis=0).sum(axis=1)
    chosen = np.sort(np.argsort(-totals, kind="stable")[:max_rows])[::-1]
    rows = np.arange(len(chosen))
    with style.canvas(height=1.0 + 0.2 * len(chosen)) as figure:
        marks = len(ahead.mark_names)
        axes = figure.subplots(1, marks, squeeze=False, sharey=True)[0]
        for mark, axis in enumerate(axes):
            axis.hlines(rows, low[chosen, mark], high[chosen, mark], color=style.colour(0))
            axis.plot(
                middle[chosen, mark], rows, "o", color=style.colour(0), markersize=4,
                label="median forecast, 95 %",
            )  # fmt: skip
            if observed is not None:
                axis.plot(
                    observed[chosen, mark], rows, "D", markersize=4.5,
                    markerfacecolor=style.paper(), markeredgecolor=style.colour(1),
                    markeredgewidth=1.3, label="observed",
                )  # fmt: skip
            axis.set_title(ahead.mark_names[mark], loc="left")
            axis.set_yticks(rows, [ahead.sequence_names[m] for m in chosen])
            axis.set_xlim(left=0)
            axis.grid(axis="y", color=style.grey(0.92), linewidth=0.6)
            axis.set_axisbelow(True)
            unit = f" {ahead.unit}s" if ahead.unit else ""
            axis.set_xlabel(f"events in {ahead.horizon:g}{unit}")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
        if len(chosen) < len(totals):
            figure.supxlabel(
                f"{len(chosen)} of {len(totals):,} sequences, those with most to come", fontsize=8
            )
    return figure


@checked
def fan(ahead: Any, *, observed: Any = None, sequences: Any = None) -> Figure:
    """Cumulative events after the window, one panel per mark: median, 50 and 95 % intervals.

    Args:
        ahead: the result of `hawkesjax.forecast`, with a few or a few dozen `bins`.
        observed: an `EventPanel` of what was observed, whose windows begin where the forecast does
            (`panel.between(cut, end)`), drawn for comparison.
        sequences: names or indices, added up; all by default.

    Raises:
        ValueError: for a forecast of one bin, or events of other sequences or marks.
    """
    needs(ahead, "fan", "Forecast")
    if ahead.steps.shape[1] < 2:
        raise ValueError(
            "The forecast has one bin: pass bins= (a few dozen) in hawkesjax.forecast."
        )
    chosen = style.pick(
        sequences, ahead.sequence_names, range(len(ahead.sequence_names)), "sequence"
    )
    names = (tuple(ahead.sequence_names), tuple(ahead.mark_names))
    if observed is not None and names != (observed.sequence_names, observed.mark_names):
        raise ValueError("The observed events are of other sequences or marks than the forecast.")
    paths = np.cumsum(ahead.steps[:, :, chosen].sum(axis=2), axis=1)
    paths = np.concatenate([np.zeros_like(paths[:, :1]), paths], axis=1)
    clock = TimeAxis(ahead.unit, ahead.start)
    edges = clock.at(ahead.edges)
    whose = f" of {ahead.sequence_names[chosen[0]]}" if len(chosen) == 1 else ""
    with style.canvas(height=0.9 + 1.7 * len(ahead.mark_names)) as figure:
        axes = figure.subplots(len(ahead.mark_names), 1, squeeze=False, sharex=True)[:, 0]
        for mark, axis in enumerate(axes):
            levels = np.quantile(paths[:, :, mark], (0.025, 0.25, 0.5, 0.75, 0.975), axis=0)
            options = {"color": style.colour(0), "linewidth": 0}
            axis.fill_between(edges, *levels[[0, 4]], alpha=0.2, label="95 %", **options)
            axis.fill_between(edges, *levels[[1, 3]], alpha=0.35, label="50 %", **options)
            axis.plot(edges, levels[2], color=style.colour(0), label="median")
            if observed is not None:
                own = (observed.marks == mark) & np.isin(observed.sequence, chosen)
                times = np.sort(observed.times[own])
                times = times[times <= ahead.horizon]
                steps = np.r_[0, np.arange(len(times)) + 1, len(times)]
                axis.step(
                    clock.at(np.r_[0, times, ahead.horizon]), steps, where="post",
                    color=style.colour(1), linestyle=style.dashes(1), linewidth=1.6,
                    label="observed",
                )  # fmt: skip
            axis.set_title(f"{ahead.mark_names[mark]}{whose}", loc="left")
            axis.set_xlim(edges[0], edges[-1])
            axis.set_ylim(bottom=0)
        what = "time" if clock.dated else "time after the window"
        axes[-1].set_xlabel(clock.label(*axes, what=what))
        figure.supylabel("events so far", fontsize=9)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=4)
    return figure
