"""Figures of a fit and its events: intensities and residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.evaluation.residual_tests import groups
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.intensity import by_pair, intensity_at, mean_intensity
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.offspring import Offspring, pools_of
from hawkesjax.hawkes.residuals import residuals as residual_table
from hawkesjax.hawkes.values import draws_of, law_of, one_of
from hawkesjax.hawkes.watched import with_history
from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import TimeAxis
from hawkesjax.plotting.quantiles import EXPECTED, RESCALED, exponential_quantiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FINE = 8


@checked
def intensity(
    values: Any,
    panel: EventPanel,
    *,
    model: HawkesLaw | None = None,
    sequences: Sequence[str | int] | str | int | None = None,
    marks: Sequence[str | int] | str | int | None = None,
    window: tuple[float, float] | None = None,
    points: Count = 600,
    draws: Count = 200,
    ax: Any = None,
) -> Figure:
    """The intensity of each mark over time, one panel per sequence, with a rug of the events.

    A posterior gives the pointwise median and a 95 % band over its draws. Of many events, more
    than four to a point, means over stretches of time are drawn, so that no peak is missed by
    chance; the label then says how long they are.

    Gaps of the record are shaded: events within them are unknown.

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior`.
        panel: the events.
        model: the model; required with a dict of parameters of anything but a plain `Hawkes()`.
        sequences: names or indices; by default the four with most events, in the panel's order; the
            figure says so where there are more.
        marks: names or indices; all by default.
        window: (start, end) to draw, on the panel's clock; the sequence's window by default.
        points: grid points, or stretches; with few events the jumps at events are drawn, too.
        draws: how many posterior draws to use.
        ax: draw into these axes, not into a new figure; of one sequence, by default the one with
            most events.

    Raises:
        ValueError: for a name that is not in the panel, and `ax` for several sequences.
    """
    found = draws_of(values, model, limit=draws, panel=panel)
    model = law_of(values, model)
    totals = np.asarray(panel.counts).sum(axis=1)
    busiest = np.sort(np.argsort(-totals, kind="stable")[: 4 if ax is None else 1])
    chosen = style.pick(sequences, panel.sequence_names, busiest, "sequence")
    kinds = style.pick(marks, panel.mark_names, range(panel.num_marks), "mark")

    windows = {(float(panel.start[m]), float(panel.duration[m])) for m in chosen}
    clock = TimeAxis(panel.unit, panel.origin)
    style.one_axes(ax, len(chosen), "sequences")
    with style.canvas(height=0.55 + 1.5 * len(chosen), ax=ax) as figure:
        share = window is not None or len(windows) == 1
        axes = np.atleast_1d(style.axes_for(figure, ax, nrows=len(chosen), sharex=share))
        lines, widths = [], set()
        for axis, sequence in zip(axes, chosen, strict=True):
            made, width = _one_sequence(
                axis, found, model, panel, sequence, kinds, window, points, clock
            )
            lines += made
            widths |= {width} if width else set()
            axis.set_title(str(panel.sequence_names[sequence]), loc="left")
        if max(shown for shown, _, _ in lines) <= 150:  # dashes need room
            for _, order, line in lines:
                line.set(linestyle=style.dashes(order), linewidth=1.1)
        label = clock.label(*axes)
        if len(next(iter(found.values()))) > 1:
            label += "; median and 95 % band"
        if widths:
            label += f"; means over {max(widths):.2g}{f' {panel.unit}s' if panel.unit else ''}"
        if len(chosen) < panel.num_sequences:
            busy = ", those with most events" if sequences is None else ""
            label += f"\n{len(chosen)} of {panel.num_sequences:,} sequences{busy}"
        axes[-1].set_xlabel(label)
        said = f"expected {style.per(panel.unit)}"
        if ax is None:
            figure.supylabel(said, fontsize=9)
        else:
            axes[0].set_ylabel(said)
        style.legend(figure, ax, axes[0], loc="upper right", ncols=min(len(kinds), 4))
    return figure


def _one_sequence(
    axis, found, model, panel, sequence, kinds, window, points, clock
) -> tuple[list, float]:
    """The lines drawn, and the length of the stretches whose means they are, or 0."""
    origin, length = float(panel.start[sequence]), float(panel.duration[sequence])
    given = panel
    panel, _ = with_history(panel)
    own = np.asarray(panel.sequence) == sequence
    times, marks = np.asarray(panel.times)[own] + model.strength.lag, np.asarray(panel.marks)[own]
    low, high = (0.0, length) if window is None else np.asarray(window, float) - origin
    low, high = max(low, 0.0), min(high, length)

    gamma, ratios = _decays(found, model, given, sequence), model.kernel.ratios
    slowest = by_pair(gamma, panel.num_marks).min() * ratios.min()
    reach = 40.0 / slowest  # e^-40 is negligible
    recent = (times >= low - reach) & (times <= high)
    shown = times[recent & (times >= low)]
    many = len(shown) > 4 * points
    # FINE points to a stretch serve its baseline, which is smooth, and rates under other links.
    grid = np.linspace(low, high, FINE * points + 1 if many else points)
    if not many:
        grid = np.sort(np.concatenate([grid, shown, np.nextafter(shown, np.inf)]))
        grid = np.minimum(grid, high)
    if len(panel.exposure) and not many:
        edges = np.asarray(panel.exposure.start)[np.asarray(panel.exposure.sequence) == sequence]
        edges = edges[(edges > low) & (edges < high)]
        if len(edges) <= points:  # steps, not slopes
            grid = np.sort(np.concatenate([grid, edges, np.nextafter(edges, -np.inf)]))
    owner = np.full(len(grid), sequence)
    mu = model.background.along(found, owner, origin + grid, panel)
    if len(panel.exposure):
        mu = mu * panel.exposure.at(grid, owner)[None, :, None]
    weights = np.atleast_2d(model.kernel.weights(found))
    effects = (found["alpha"], gamma, ratios, weights)
    factors = None
    if model.strength.scales:
        draws = range(max(map(len, found.values())))
        factors = np.stack([_factors(model, one_of(found, k), given)[own][recent] for k in draws])
    given_events = (times[recent], marks[recent])
    if many and model.link == "identity":
        each = mu[:, :-1] if mu.shape[1] > 1 else np.repeat(mu, FINE * points, axis=1)
        each = each.reshape(len(each), points, FINE, -1).mean(axis=2)
        curves = mean_intensity(grid[::FINE], *given_events, each, *effects, factors)
    else:
        curves = intensity_at(grid, *given_events, mu, *effects, factors, model.link)
        if many:
            curves = curves[:, :-1].reshape(len(curves), points, FINE, -1).mean(axis=2)
    if many:
        curves = np.concatenate([curves, curves[:, -1:]], axis=1)
        grid = grid[::FINE]
    place = clock.at(origin + grid)
    how: dict[str, Any] = {"drawstyle": "steps-post"} if many else {}
    times = times - model.strength.lag
    for gap in np.flatnonzero(np.asarray(panel.gaps.sequence) == sequence):
        ends = np.array([float(panel.gaps.start[gap]), float(panel.gaps.end[gap])])
        axis.axvspan(
            *clock.at(origin + ends), facecolor=style.grey(0.93), edgecolor="none", zorder=0
        )

    middle = np.median(curves, axis=0)[:, kinds]
    top = middle.max(initial=0.0)
    lines = []
    for order, kind in enumerate(kinds):
        style_of = {"color": style.colour(order)}
        if len(curves) > 1:
            edges = np.quantile(curves[:, :, kind], [0.025, 0.975], axis=0)
            top = max(top, edges[1].max())
            step = "post" if many else None
            axis.fill_between(place, *edges, step=step, alpha=0.28, linewidth=0, **style_of)
        label = str(panel.mark_names[kind])
        (line,) = axis.plot(place, middle[:, order], linewidth=0.8, label=label, **how, **style_of)
        lines.append((len(shown), order, line))
    top = top or 1.0
    row = 0.11 * top
    for order, kind in enumerate(kinds):
        at = clock.at(times[(marks == kind) & (times >= low) & (times <= high)] + origin)
        bottom = -row * (order + 1.15)
        axis.vlines(
            at, bottom, bottom + 0.8 * row, color=style.colour(order), linewidth=0.5,
            alpha=min(1.0, max(0.05, 3 * points / max(len(at), 1))),
        )  # fmt: skip
    axis.set_ylim(-row * (len(kinds) + 0.5), 1.06 * top)
    axis.set_xlim(*clock.at(origin + np.array([low, high if high > low else low + 1])))
    axis.axhline(0, color=style.grey(0.6), linewidth=0.5)
    ticks = axis.get_yticks()
    axis.set_yticks([tick for tick in ticks if 0 <= tick <= 1.06 * top])
    return lines, (high - low) / points if many else 0.0


def _decays(found, model, panel, sequence) -> np.ndarray:
    """Draws of a sequence's decay rates."""
    known = model.strength.modifiers
    if model.strength.decays is None:
        return found["gamma"]
    row = known.of_sequences(panel)[sequence]
    paces = np.asarray(model.strength.paces(found, known.rows))[:, row]
    return by_pair(found["gamma"], panel.num_marks) * paces


def _factors(model, params, panel) -> np.ndarray:
    """Factors of the events' effects, the history's first."""
    found = Offspring.of(model, params, panel, pools_of(panel), panel.start)
    assert found is not None
    return found.of_past(panel)


@checked
def residuals(
    values: Any, panel: EventPanel, *, model: HawkesLaw | None = None, points: Count = 1500
) -> Figure:
    """Quantiles of the time-rescaled residuals against the unit exponential, one panel per mark.

    Points on the line: the model explains the waiting times. The grey band contains each point with
    95 % probability under the true model (order statistics of n exponentials). Sequences are laid
    end to end (`join=True` of `hawkesjax.residuals`).

    Args:
        values: dict of natural parameters, `Estimate`, or `Posterior` (its mean).
        panel: the events.
        model: the model; required with a dict of parameters of anything but a plain `Hawkes()`.
        points: draw at most about this many points per mark; the largest ones always.
    """
    table = residual_table(law_of(values, model), values, panel, join=True)
    columns = 2 if panel.num_marks in (2, 4) else min(3, panel.num_marks)
    rows = -(-panel.num_marks // columns)
    side = min(3.2, style.WIDTH / columns)
    with style.canvas(height=side * rows, width=side * columns) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, name in zip(axes, panel.mark_names, strict=False):
            sample = groups(table)["all", name]
            exponential_quantiles(axis, sample, name, points)
        for axis in axes[panel.num_marks :]:
            axis.set_visible(False)
        figure.supxlabel(EXPECTED, fontsize=9)
        figure.supylabel(RESCALED, fontsize=9)
    return figure
