"""The figure of a series of counts and of what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hawkesjax.evaluation.bins import short_width
from hawkesjax.evaluation.counts import LEVEL, CountForecast
from hawkesjax.evaluation.series import CountSeries
from hawkesjax.inputs.arguments import Level, checked
from hawkesjax.inputs.checks import counted
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import date_axis
from hawkesjax.plotting.door import refuse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DWARFED = 3  # a count of so many times what is usual and forecast hides both


@checked
def count_series(
    series: CountSeries,
    told: CountForecast | None = None,
    *,
    level: Level = LEVEL,
    ax: Any = None,
) -> Figure:
    """The last counts of a series, and a forecast with its interval.

    Args:
        series: the counts; their last stretch is drawn, twice as long as the forecast (a week at
            least), gaps left empty. Bins that would dwarf the forecast go beyond the top, and are
            named.
        told: what a forecaster gave for `series.past(...)`; None: the counts alone, all of them.
        level: of the interval.
        ax: draw into these axes, not into a new figure.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(series, CountSeries):
        raise refuse("count_series", "a CountSeries", series)
    if told is not None and not isinstance(told, CountForecast):
        raise refuse("count_series", "a CountForecast beside a CountSeries", told)
    bins = 0 if told is None else len(told.mean)
    week = int(pd.Timedelta(days=7) / series.width)
    shown = series.num_bins if told is None else max(2 * bins, week)
    with style.canvas(height=2.6, ax=ax) as figure:
        axis = style.axes_for(figure, ax)
        at = series.index[-shown:]
        counts = series.counts[-shown:]
        axis.plot(at, counts, color=style.grey(0.35), linewidth=0.9, label="counted")
        if told is not None:
            after = series.after(bins)
            low, high = told.interval(level)
            point = told.mean if told.point is None else told.point
            axis.fill_between(
                after, low, high, step="mid", color=style.colour(0), alpha=0.25, linewidth=0,
                label=f"{100 * level:g} % interval",
            )  # fmt: skip
            axis.plot(after, point, color=style.colour(0), label="forecast")
        axis.set_ylim(bottom=0)
        said = f"the last {shown:,} of {series.num_bins:,} bins" * (series.num_bins > shown)
        seen = counts[np.isfinite(counts)]
        if told is not None and len(seen):
            top = 1.2 * max(np.quantile(seen, 0.98), high.max())
            above = seen[seen > top]
            if seen.max() > DWARFED * top > 0:
                axis.set_ylim(top=top)
                said += f"; {counted(len(above), 'bin')} above, up to {above.max():,.0f}"
        axis.set_ylabel(f"{series.name} per {short_width(series.width).removeprefix('1 ')}")
        axis.set_title(said.removeprefix("; "), loc="right", fontsize=8)
        axis.set_xlabel(date_axis(axis, zone=series.index.tz))
        axis.legend(loc="upper left", ncols=3)
    return figure
