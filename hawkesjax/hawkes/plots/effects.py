"""Figures of who drives what: the network of effects and the kernels over time."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.core.estimate import Estimate
from hawkesjax.core.tables import QUANTILES
from hawkesjax.hawkes.effect_tests import EFFECT
from hawkesjax.hawkes.intensity import by_pair
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.values import draws_of, law_of, names_of
from hawkesjax.inputs.arguments import AtLeastZero, Positive, checked
from hawkesjax.plotting import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NOTHING = 1e-6  # an alpha that is 0 up to rounding
FAINT = 1e-3  # of the largest: fits on the boundary end at such effects, whose decays mean nothing
LETTERS = 14.5  # of a caption in an inch


@checked
def network(
    values: Any,
    *,
    model: HawkesLaw | None = None,
    least: AtLeastZero = 0.0,
    tests: pd.DataFrame | None = None,
    ax: Any = None,
) -> Figure:
    """The marks as nodes and alpha as arrows from source to target, with 95 % intervals.

    For a posterior it shows medians; where effects differ between events (magnitudes, groups), the
    mean over the events of the window (`alpha_mean`). An arrow's width grows with the size of
    alpha; loops are effects of a mark on itself. An inhibiting effect, below 0, ends in a bar, in
    its own colour.

    Args:
        values: a `Posterior` or an `Estimate`.
        model: the model, needed if the values do not carry it.
        least: leave out arrows whose central value is closer to 0; the caption says how many.
        tests: the table of `hawkesjax.effect_tests`; effects without clear evidence are then drawn
            grey, thin and dashed.
        ax: draw into these axes, not into a new figure.

    Raises:
        ValueError: for values without mark names.
    """
    names = _marks(values)
    low, middle, high = _alpha(values, model)
    count = len(names)
    angles = np.pi - 2 * np.pi * np.arange(count) / count
    radius = (0.0, 1.0, 1.7)[min(count - 1, 2)]
    at = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    size = 5.6 + 1.6 * np.clip(count - 4, 0, 4)  # labels of many arrows need more room
    with style.canvas(height=2.6 if count < 3 else size, width=size, ax=ax) as figure:
        axis = style.axes_for(figure, ax)
        axis.set_axis_off()
        axis.set_aspect("equal")
        axis.set_xlim(-radius - 1.2, radius + 1.2)
        axis.set_ylim(-max(radius, 0.1) - 0.8, max(radius, 0.1) + 0.8)
        if count == 2:
            axis.set_ylim(-0.7, 0.7)
        hidden, untold, widest = 0, 0, max(float(np.abs(middle).max()), 1e-300)
        for i in range(count):
            for j in range(count):
                if abs(middle[i, j]) < max(least, NOTHING):
                    hidden += 1
                    continue
                label = f"{middle[i, j]:.2g}"
                if np.isfinite(low[i, j]):
                    label += f"\n[{low[i, j]:.2g}, {high[i, j]:.2g}]"
                told = tests is None or tests.loc[(names[j], names[i]), "in words"] == EFFECT
                untold += not told
                width = 0.5 + 3.5 * abs(middle[i, j]) / widest if told else 0.8
                below = bool(middle[i, j] < 0)
                _arrow(axis, at, j, i, width, label, len(names[j]), told, below)
        for number, name in enumerate(names):
            axis.text(
                at[number, 0],
                at[number, 1],
                name,
                ha="center",
                va="center",
                fontsize=9,
                color=style.paper(),
                zorder=3,
                bbox={
                    "boxstyle": "round,pad=0.55",
                    "facecolor": style.grey(0.2),
                    "edgecolor": "none",
                },
            )
        middle_of = "estimate" if isinstance(values, Estimate) else "median"
        mean = " (mean over those seen)" if _varies(values) else ""
        caption = f"α: events set off directly per event of the source{mean}, {middle_of} and 95 % "
        caption += "interval"
        caption = textwrap.fill(caption, round(LETTERS * size))
        if hidden:
            arrows = "1 arrow" if hidden == 1 else f"{hidden} arrows"
            caption += f"\n{arrows} {f'below {least:g}' if least > NOTHING else 'of 0'} left out"
        if np.any(middle <= -max(least, NOTHING)):
            caption += "\nending in a bar: inhibition, α below 0"
        if untold:
            caption += "\ngrey and dashed: no clear effect"
        if ax is None:
            figure.supxlabel(caption, fontsize=8)
        else:
            axis.text(0.5, 0, caption, ha="center", va="top", fontsize=8, transform=axis.transAxes)
    return figure


def _arrow(
    axis,
    at,
    source: int,
    target: int,
    width: float,
    label: str,
    letters: int,
    told: bool,
    below: bool,
):
    from matplotlib.patches import FancyArrowPatch

    start, end = at[source], at[target]
    options = {"arrowstyle": "-|>", "mutation_scale": 9 + 2 * width, "color": style.colour(0)}
    if below:
        options |= {"arrowstyle": "-[,widthB=0.4,lengthB=0", "color": style.colour(1)}
    if not told:
        options |= {"color": style.grey(0.6), "linestyle": (0, (4, 3))}
    if source == target:
        outward = start / np.linalg.norm(start) if np.any(start) else np.array([1.0, 0.0])
        side = np.array([-outward[1], outward[0]])
        beside = 0.25 + 0.05 * abs(outward[0]) * max(letters - 5, 0)  # a long name is a wide box
        begin, stop = (start + beside * outward + s * 0.14 * side for s in (1, -1))
        bend = "arc3,rad=-1.9"
        place = start + np.array([0.7 + beside, 0.68]) * outward
    else:
        along = (end - start) / np.linalg.norm(end - start)
        side = np.array([-along[1], along[0]])
        begin, stop = start + 0.36 * along + 0.07 * side, end - 0.36 * along + 0.07 * side
        bend = "arc3,rad=-0.25"
        control = 0.5 * (begin + stop) + 0.25 * np.linalg.norm(stop - begin) * side
        across = np.linalg.norm(end - start) > 1.2 * np.linalg.norm(at[1] - at[0])
        near = 0.5 if len(at) == 2 else 0.8 if across else 0.6  # to the target: fewer cross there
        place = (1 - near) ** 2 * begin + 2 * near * (1 - near) * control + near**2 * stop
    axis.add_patch(
        FancyArrowPatch(begin, stop, connectionstyle=bend, linewidth=width, zorder=2, **options)
    )
    paper = {
        "boxstyle": "round,pad=0.1", "facecolor": style.paper(), "edgecolor": "none", "alpha": 0.85,
    }  # fmt: skip
    axis.text(*place, label, ha="center", va="center", fontsize=7, linespacing=1.1, bbox=paper)


@checked
def kernels(
    values: Any, *, model: HawkesLaw | None = None, unit: str = "", horizon: Positive | None = None
) -> Figure:
    r"""The kernels :math:`\alpha_{ij} \phi_{ij}(s)` (for exponential ones :math:`\alpha_{ij}
    \gamma_{ij} e^{-\gamma_{ij} s}`) over the time s since an event, one panel per target, with 95 %
    bands and half-lives as dots. Both axes are logarithmic: memories of minutes and of weeks fit
    into one figure, exponential kernels bend down, power laws end as straight lines. For an
    inhibiting effect the absolute value is drawn, and the legend says that it inhibits.

    Args:
        values: a `Posterior` or an `Estimate`.
        model: the model, needed for another kernel, or a fixed gamma with a plain dict.
        unit: the time unit's name.
        horizon: longest time; by default four times (for kernels other than the exponential,
            forty times) the longest half-life of a pair whose effect is at least a tenth of the
            largest.
    """
    names = _marks(values)
    found = draws_of(values, model, limit=400)
    law = law_of(values, model)
    alpha, gamma = found["alpha"], by_pair(found["gamma"], len(names))
    ratios, weights = law.kernel.ratios, np.atleast_2d(law.kernel.weights(found))
    halves = np.reshape(law.kernel.half_life(found), (-1, 1, 1)) / gamma
    largest = float(np.abs(np.median(alpha, axis=0)).max())
    if horizon is None:
        strong = np.abs(np.median(alpha, axis=0)) >= 0.1 * largest
        reach = 4 if len(ratios) == 1 else 40
        horizon = float(reach * np.median(halves, axis=0)[strong].max())
    shortest = np.log(2) / (gamma * ratios.max())
    since = np.geomspace(0.05 * float(np.median(shortest, axis=0).min()), horizon, 200)
    with style.canvas(height=0.8 + 1.9 * len(names)) as figure:
        axes = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
        for target, axis in enumerate(axes):
            tops, bottoms = [], []
            for source, name in enumerate(names):
                sign = -1 if np.median(alpha[:, target, source]) < 0 else 1
                if abs(np.median(alpha[:, target, source])) < max(NOTHING, FAINT * largest):
                    axis.plot([], [], color="none", label=f"after {name}: hardly any effect")
                    continue
                a = sign * alpha[:, target, source, None]
                g = gamma[:, target, source, None] * ratios

                def curves(at, a=a, g=g):
                    return a * np.einsum("kr,krs->ks", weights * g, np.exp(-g[:, :, None] * at))

                low, middle, high = np.quantile(curves(since), QUANTILES, axis=0)
                half = np.median(halves[:, target, source])
                does = "inhibits, " if sign < 0 else ""
                length = f"{half:.2g}" if half < 100 else f"{half:,.0f}"
                label = f"after {name}: {does}half-life {length}" + (f" {unit}s" if unit else "")
                options = {"color": style.colour(source)}
                axis.fill_between(since, low, high, alpha=0.2, linewidth=0, **options)
                axis.plot(since, middle, linestyle=style.dashes(source), label=label, **options)
                at_half = np.median(curves(np.array([half])))
                axis.plot(half, at_half, "o", markersize=4.5, **options)
                tops.append(high.max())
                bottoms.append(at_half)
            if tops:
                depth = 20 if len(ratios) == 1 else 1000
                axis.set_ylim(max(min(bottoms) / depth, max(tops) / 1e5), 1.5 * max(tops))
                style.log_axis(axis, "y")
            else:  # nothing is drawn: numbers would mean nothing
                axis.set_yticks([])
            axis.set_title(f"rate of {names[target]}, {style.per(unit)}", loc="left")
            axis.set_xlim(since[0], horizon)
            axis.legend(loc="lower left")
        style.log_axis(axes[-1])
        label = style.time_label(unit).replace("time", "time since the event", 1)
        middle_of = "" if isinstance(values, Estimate) else "; median and 95 % band"
        axes[-1].set_xlabel(f"{label}; dots: half-lives{middle_of}")
    return figure


def _marks(values: Any) -> list[str]:
    """Names of the marks of a posterior or an estimate."""
    law_of(values, None)
    names = names_of(values)
    if "mark" not in names:
        raise ValueError("This figure needs a Posterior or an Estimate.")
    return names["mark"]


def _alpha(values: Any, model: HawkesLaw | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(values, Estimate):
        name = "alpha_mean" if _varies(values) else "alpha"
        return values.lower[name], values.params[name], values.upper[name]
    known = values.draws()["alpha_mean"] if _varies(values) else draws_of(values, model)["alpha"]
    low, middle, high = np.quantile(known, QUANTILES, axis=0)
    return low, middle, high


def _varies(values: Any) -> bool:
    """Whether effects differ between events of one mark."""
    return "alpha_mean" in (values.params if isinstance(values, Estimate) else values.posterior)
