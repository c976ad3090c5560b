"""Pictures of who drives what: the network of effects, the kernels over time, forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.criticism.forecast import Forecast
from hawkesjax.criticism.intensity import by_pair
from hawkesjax.inference.values import draws_of
from hawkesjax.models import Hawkes
from hawkesjax.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTILES = (0.025, 0.5, 0.975)


def network(values: Any, *, model: Any = None, least: float = 0.0) -> Figure:
    """The marks as nodes and alpha as arrows from source to target, with 95 % intervals.

    An arrow's width grows with alpha; loops are effects of a mark on itself.

    Args:
        values: a `Posterior` or an `Estimate`.
        model: the model, only for what a dict lacks.
        least: leave out arrows whose middle value is below this; the caption says how many.

    Raises:
        ValueError: for values without names of marks.
    """
    names = _marks(values)
    low, middle, high = _alpha(values, model)
    count = len(names)
    angles = np.pi - 2 * np.pi * np.arange(count) / count
    radius = (0.0, 1.0, 1.7)[min(count - 1, 2)]
    at = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    with style.canvas(height=2.6 if count < 3 else 5.6, width=5.6) as figure:
        axis = figure.subplots()
        axis.set_axis_off()
        axis.set_aspect("equal")
        axis.set_xlim(-radius - 1.2, radius + 1.2)
        axis.set_ylim(-max(radius, 0.1) - 0.8, max(radius, 0.1) + 0.8)
        if count == 2:
            axis.set_ylim(-0.7, 0.7)
        hidden, widest = 0, max(float(middle.max()), 1e-300)
        for i in range(count):
            for j in range(count):
                if middle[i, j] < least:
                    hidden += 1
                    continue
                said = f"{middle[i, j]:.2g}\n[{low[i, j]:.2g}, {high[i, j]:.2g}]"
                _arrow(axis, at, j, i, 0.5 + 3.5 * middle[i, j] / widest, said)
        for number, name in enumerate(names):
            axis.text(
                at[number, 0],
                at[number, 1],
                name,
                ha="center",
                va="center",
                fontsize=9,
                color="white",
                zorder=3,
                bbox={"boxstyle": "round,pad=0.55", "facecolor": "0.2", "edgecolor": "none"},
            )
        caption = "α: direct children per event of the source, and its 95 % interval"
        if hidden:
            caption += f"; {hidden} arrows below {least:g} left out"
        figure.supxlabel(caption, fontsize=8)
    return figure


def _arrow(axis: Any, at: np.ndarray, source: int, target: int, width: float, said: str) -> None:
    from matplotlib.patches import FancyArrowPatch

    start, end = at[source], at[target]
    options = {"arrowstyle": "-|>", "mutation_scale": 9 + 2 * width, "color": style.colour(0)}
    if source == target:
        outward = start / np.linalg.norm(start) if np.any(start) else np.array([1.0, 0.0])
        side = np.array([-outward[1], outward[0]])
        begin, stop = (start + 0.25 * outward + s * 0.14 * side for s in (1, -1))
        bend = "arc3,rad=-1.9"
        place = start + np.array([0.95, 0.68]) * outward
    else:
        along = (end - start) / np.linalg.norm(end - start)
        side = np.array([-along[1], along[0]])
        begin, stop = start + 0.36 * along + 0.07 * side, end - 0.36 * along + 0.07 * side
        bend = "arc3,rad=-0.25"
        control = 0.5 * (begin + stop) + 0.25 * np.linalg.norm(stop - begin) * side
        near = 0.5 if len(at) == 2 else 0.66  # nearer to the target, where arrows cross less
        place = (1 - near) ** 2 * begin + 2 * near * (1 - near) * control + near**2 * stop
    axis.add_patch(
        FancyArrowPatch(begin, stop, connectionstyle=bend, linewidth=width, zorder=2, **options)
    )
    paper = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axis.text(*place, said, ha="center", va="center", fontsize=7, linespacing=1.1, bbox=paper)


def kernels(
    values: Any, *, model: Any = None, unit: str = "", horizon: float | None = None
) -> Figure:
    r"""The kernels :math:`\alpha_{ij} \phi_{ij}(s)` (of exponential ones :math:`\alpha_{ij}
    \gamma_{ij} e^{-\gamma_{ij} s}`) over the time s since an event, a panel a target, with 95 %
    bands and half-lives.

    Args:
        values: a `Posterior` or an `Estimate`.
        model: the model, for another kernel, or a fixed gamma in a plain dict.
        unit: the time unit's name.
        horizon: longest time; by default four times the longest half-life of a pair whose effect
            is at least a tenth of the largest.
    """
    names = _marks(values)
    found = draws_of(values, model, limit=400)
    model = Hawkes() if model is None else model
    alpha, gamma = found["alpha"], by_pair(found["gamma"], len(names))
    ratios, weights = model.kernel.ratios, np.atleast_2d(model.kernel.weights(found))
    halves = np.reshape(model.kernel.half_life(found), (-1, 1, 1)) / gamma
    if horizon is None:
        strong = np.median(alpha, axis=0)
        strong = strong >= 0.1 * strong.max()
        horizon = float(4 * np.median(halves, axis=0)[strong].max())
    since = np.linspace(0, horizon, 200)
    with style.canvas(height=0.8 + 1.7 * len(names)) as figure:
        axes = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
        for target, axis in enumerate(axes):
            for source, name in enumerate(names):
                a = alpha[:, target, source, None]
                g = gamma[:, target, source, None] * ratios
                curves = a * np.einsum("kr,krs->ks", weights * g, np.exp(-g[:, :, None] * since))
                low, middle, high = np.quantile(curves, QUANTILES, axis=0)
                half = np.median(halves[:, target, source])
                label = f"after {name}: half-life {half:.2g}" + (f" {unit}s" if unit else "")
                options = {"color": style.colour(source)}
                axis.fill_between(since, low, high, alpha=0.2, linewidth=0, **options)
                axis.plot(since, middle, linestyle=style.dashes(source), label=label, **options)
            axis.set_title(f"rate of {names[target]}, {style.per(unit)}", loc="left")
            axis.set_xlim(0, horizon)
            axis.set_ylim(bottom=0)
            axis.legend(loc="upper right")
        axes[-1].set_xlabel(style.time_label(unit).replace("time", "time since the event", 1))
    return figure


def forecast(told: Forecast, *, observed: Any = None, max_rows: int = 40) -> Figure:
    """Counts forecast for each sequence and mark: median and 95 % interval.

    Args:
        told: what `hawkesjax.forecast` returned.
        observed: counts that came, (sequences, marks), drawn beside.
        max_rows: draw at most this many sequences, those with the largest forecasts.

    Raises:
        ValueError: when the observed counts have another shape.
    """
    low, middle, high = np.quantile(told.counts, QUANTILES, axis=0)
    if observed is not None:
        observed = np.asarray(observed)
        if observed.shape != middle.shape:
            raise ValueError(f"observed has shape {observed.shape}, the forecast {middle.shape}.")
    totals = told.counts.mean(axis=0).sum(axis=1)
    chosen = np.sort(np.argsort(-totals, kind="stable")[:max_rows])[::-1]
    rows = np.arange(len(chosen))
    with style.canvas(height=1.0 + 0.2 * len(chosen)) as figure:
        marks = len(told.mark_names)
        axes = figure.subplots(1, marks, squeeze=False, sharey=True)[0]
        for mark, axis in enumerate(axes):
            axis.hlines(rows, low[chosen, mark], high[chosen, mark], color=style.colour(0))
            axis.plot(
                middle[chosen, mark], rows, "o", color=style.colour(0), markersize=4,
                label="forecast, 95 %",
            )  # fmt: skip
            if observed is not None:
                axis.plot(
                    observed[chosen, mark], rows, "D", markersize=4.5, markerfacecolor="white",
                    markeredgecolor=style.colour(1), markeredgewidth=1.3, label="came",
                )  # fmt: skip
            axis.set_title(told.mark_names[mark], loc="left")
            axis.set_yticks(rows, [told.sequence_names[m] for m in chosen])
            axis.set_xlim(left=0)
            axis.grid(axis="y", color="0.92", linewidth=0.6)
            axis.set_axisbelow(True)
            unit = f" {told.unit}s" if told.unit else ""
            axis.set_xlabel(f"events in {told.horizon:g}{unit}")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
    return figure


def _marks(values: Any) -> list[str]:
    """Names of the marks of a posterior or an estimate."""
    if hasattr(values, "coords"):
        return [str(name) for name in values.coords["source"]]
    try:
        return [str(name) for name in values["alpha"].coords["source"].values]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("This picture needs a Posterior or an Estimate.") from error


def _alpha(values: Any, model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if hasattr(values, "lower"):
        return values.lower["alpha"], values.params["alpha"], values.upper["alpha"]
    low, middle, high = np.quantile(draws_of(values, model)["alpha"], QUANTILES, axis=0)
    return low, middle, high
