"""Figures of a spike: its volume, what a ranking is worth over alpha*, and who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.inputs.clock import UNITS
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.steady.evaluation import KatzEvaluation
from hawkesjax.katz.steady.solve import GRID, attenuation, solve
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import date_axis
from hawkesjax.plotting.door import needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAD = 8  # lengths of the spike that are drawn before it


@checked
def volume(
    activity: Activity,
    *,
    window: tuple[int, int] | None = None,
    responsiveness: bool = True,
    ax: Any = None,
) -> Figure:
    """Posts per bin with the windows marked, and below it how often authors had just been named.

    Gaps of the record are hatched: what was posted in them is unknown.

    Args:
        activity: from a log.
        window: bins to draw; by default business as usual, at most eight lengths of the spike
            before it, to one length after it.
        responsiveness: draw the lower panel: messages that named the author within one bin's
            length before a post, on average over the posts of a stretch of bins.
        ax: draw into these axes, not into a new figure; with `responsiveness=False`.

    Raises:
        ValueError: without a log, or for anything but an activity.
    """
    if not activity.num_bins:
        raise ValueError("This network was given as a matrix: it has no volume to draw.")
    low, high = window or _around(activity)
    bins = np.arange(low, high)
    times, label = _axis(activity, bins, high - low)
    rows = 1 + bool(responsiveness)
    style.one_axes(ax, rows, "rows, without responsiveness")
    with style.canvas(height=0.7 + 1.7 * rows, ax=ax) as figure:
        shape = {"nrows": rows, "sharex": True, "height_ratios": [3, 2][:rows]}
        axes = np.atleast_1d(style.axes_for(figure, ax, **shape))
        shades = {"usual": style.grey(0.9), "spike": style.tint(1, 0.65)}
        axes[0].fill_between(
            times, activity.volume[low:high], step="post", color=style.colour(0), linewidth=0
        )
        axes[0].set_ylabel(f"posts per {_bin(activity)}")
        axes[0].set_ylim(bottom=0)
        if responsiveness:
            middle, value = _smooth(activity, low, high)
            axes[1].plot(_axis(activity, middle, high - low)[0], value, color=style.colour(0))
            axes[1].set_ylabel("messages heard\njust before a post")
            axes[1].set_ylim(bottom=0)
        for axis in axes:
            for name, span in (("usual", activity.network), ("spike", activity.spike)):
                if span is not None and span[0] < high and span[1] > low:
                    edges = _axis(activity, np.clip(np.array(span), low, high), high - low)[0]
                    axis.axvspan(*edges, color=shades[name], zorder=0, linewidth=0)
                    if axis is axes[0]:
                        axis.text(
                            edges[0] + 0.5 * (edges[1] - edges[0]), 1.01,
                            "business as usual" if name == "usual" else name,
                            transform=axis.get_xaxis_transform(), ha="center", va="bottom",
                            fontsize=8,
                        )  # fmt: skip
            said = "gap of the record"
            for first, last in activity.gaps:
                if last > low and first < high:
                    edges = _axis(
                        activity, np.clip(np.array([first, last]), low, high), high - low
                    )[0]
                    axis.axvspan(
                        *edges, facecolor="none", edgecolor=style.grey(0.5), hatch="////",
                        linewidth=0, label=said,
                    )  # fmt: skip
                    said = "_"
            axis.set_xlim(times[0], times[-1])
        if axes[0].get_legend_handles_labels()[0]:
            style.legend(figure, ax, axes[0], loc="lower right")
        if (low, high) != (0, activity.num_bins):
            label += f"; bins {low:,} to {high:,} of {activity.num_bins:,}"
        if activity.origin is not None:
            date_axis(*axes, zone=times.tz)
        axes[-1].set_xlabel(label)
    return figure


def change(
    *evaluations: KatzEvaluation, labels: Sequence[str] | None = None, ax: Any = None
) -> Figure:
    """The change in the activity of the top r over alpha*, with its interval; alpha = 0 dashed.

    Args:
        evaluations: what `katz.evaluate` returned, one panel each, side by side.
        labels: a title for each.
        ax: draw the only evaluation into these axes, not into a new figure.

    Raises:
        ValueError: for no evaluation, labels of another number, and `ax` for several.
    """
    if not evaluations or (labels is not None and len(labels) != len(evaluations)):
        raise ValueError("Give at least one evaluation, and a label for each or none.")
    for one in evaluations:
        needs(one, "katz.change", "KatzEvaluation")
    count = len(evaluations)
    style.one_axes(ax, count, "evaluations")
    with style.canvas(2.9, min(style.WIDTH, 4.4 + 2 * (count - 1)), ax) as figure:
        axes = np.atleast_1d(style.axes_for(figure, ax, ncols=count))
        for place, (one, axis) in enumerate(zip(evaluations, axes, strict=True)):
            table = one.table
            at = table.index.to_numpy(float)
            axis.axhline(
                0, color=style.grey(0.2), linestyle=(0, (5, 3)), linewidth=0.9, label="α = 0"
            )
            known = bool(np.isfinite(table["lower"]).any())  # few blocks have no interval
            axis.fill_between(
                at, table["lower"], table["upper"], color=style.colour(0), alpha=0.18, linewidth=0
            )
            axis.plot(
                at,
                table["change"],
                "o-",
                color=style.colour(0),
                markersize=3,
                label=f"network, {100 * one.level:g} % band" if known else "network",
            )
            if "placebo" in table:
                axis.errorbar(
                    at, table["placebo"], 2 * table["placebo_sd"], color=style.grey(0.55), fmt="s",
                    markersize=2.5, linewidth=0.8, label="permuted network, ± 2 sd",
                )  # fmt: skip
            axis.set_xlabel("α*" if table.index.name == "alpha_star" else "α")
            if labels is not None:
                axis.set_title(labels[place], loc="left")
            base = table["activity"].iloc[0]
            axis.set_ylabel(
                f"change in posts of the top {one.top}" if place == 0 else "change in posts"
            )
            axis.set_title(
                f"{base:,.0f} posts at α = 0", loc="right", fontsize=8, color=style.grey(0.35)
            )
            axis.margins(x=0.03)
        style.legend(figure, ax, axes[0], loc="lower center", ncols=3)
    return figure


def comparison(evaluation: KatzEvaluation) -> Figure:
    """Posts in the spike of the top of each ranking, and by how much the network is ahead of it.

    Args:
        evaluation: what `katz.evaluate` returned.
    """
    needs(evaluation, "katz.comparison", "KatzEvaluation")
    table = evaluation.comparison.iloc[::-1]
    place = np.arange(len(table))
    with style.canvas(height=1.2 + 0.28 * len(table)) as figure:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
        at = evaluation.compared
        best = float(table["activity"].iloc[-1] + table["network"].iloc[-1])
        ranks = np.asarray(table.index != "most possible")
        shades = [style.colour(0) if own else style.grey(0.75) for own in ranks]
        left.barh(place, table["activity"], color=shades, height=0.6)
        name = "α*" if evaluation.table.index.name == "alpha_star" else "α"
        left.axvline(best, color=style.colour(1), label=f"the network at {name} = {at:g}")
        left.set_yticks(place, [str(name) for name in table.index])
        left.tick_params(axis="y", length=0)
        left.set_xlabel(f"posts in the spike of the top {evaluation.top}")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left")
        middle = table["network"].to_numpy(float)
        ends = table[["network_lower", "network_upper"]].to_numpy(float).T
        right.axvline(0, color=style.grey(0.2), linestyle=(0, (5, 3)), linewidth=0.9)
        right.hlines(place[ranks], *ends[:, ranks], color=style.colour(1))
        right.plot(middle[ranks], place[ranks], "o", color=style.colour(1), markersize=4)
        right.set_xlabel(f"posts more by the network,\n{100 * evaluation.level:g} % interval")
        right.tick_params(axis="y", length=0)
    return figure


@checked
def stability(
    activity: Activity,
    *,
    top: Count = 20,
    alpha_star: Sequence[float] | np.ndarray = GRID,
    form: str = "additive",
    ax: Any = None,
) -> Figure:
    """The place of users over alpha*: those in the top at either end of the sweep.

    Args:
        activity: network and baselines.
        top: places drawn.
        alpha_star: grid.
        form: as in `katz.solve`.
        ax: draw into these axes, not into a new figure.
    """
    grid = np.asarray(alpha_star, float)
    alphas, _ = attenuation(activity, grid, None, form)
    scores = solve(activity, alpha=alphas, form=form, backend="scipy")
    top = min(top, activity.num_users)
    orders = [np.argsort(-row, kind="stable") for row in scores]
    places = np.empty(scores.shape, int)
    for row, order in zip(places, orders, strict=True):
        row[order] = np.arange(1, activity.num_users + 1)
    start, end = orders[0][:top], orders[-1][:top]
    with style.canvas(height=1.1 + 0.19 * top, ax=ax) as figure:
        axis = style.axes_for(figure, ax)
        for user in sorted(set(start) | set(end), key=lambda one: places[-1, one]):
            stays = user in start and user in end
            shade = (
                style.colour(0) if stays else style.colour(1) if user in end else style.grey(0.6)
            )
            line = places[:, user].astype(float)
            far = line > top
            line[far] = top + 1
            around = np.concatenate([[True], far, [True]])
            line[far & around[:-2] & around[2:]] = np.nan  # nothing to see between
            axis.plot(
                grid, line, color=shade, linewidth=1.4 if stays else 1.1,
                linestyle="-" if stays else (0, (5, 1.5)) if user in end else (0, (1, 1.2)),
            )  # fmt: skip
        axis.set_ylim(top + 1.2, 0.5)
        axis.set_xlim(grid[0], grid[-1])
        ticks = list(range(1, top + 1))
        axis.set_yticks(ticks, [_name(activity, user) for user in start])
        right = axis.twinx()
        right.set_ylim(axis.get_ylim())
        right.set_yticks(ticks, [_name(activity, user) for user in end])
        right.spines["right"].set_visible(True)
        axis.set_xlabel("α*")
        axis.set_ylabel(f"user at place 1 to {top}, α* = {grid[0]:g}")
        right.set_ylabel(f"user at place 1 to {top}, α* = {grid[-1]:g}")
        for text, shade, dash in (
            ("in the top at both ends", style.colour(0), "-"),
            ("comes in", style.colour(1), (0, (5, 1.5))),
            ("drops out", style.grey(0.6), (0, (1, 1.2))),
        ):
            axis.plot([], [], color=shade, linestyle=dash, label=text)
        style.legend(figure, ax, axis, loc="lower center", ncols=3)
    return figure


@checked
def influence(
    activity: Activity,
    *,
    alpha_star: float | None = None,
    alpha: float | None = None,
    top: Count = 15,
    form: str = "additive",
    ax: Any = None,
) -> Figure:
    """The top users and who of them listens to whom.

    Dots are users on a ring, the highest score on top and on clockwise; their area is the score,
    the dark part the user's own baseline, the rest what the network adds. An arrow runs from a
    sender to its listener.

    Args:
        activity: network and baselines.
        alpha_star, alpha, form: as in `katz.solve`; one number.
        top: users drawn.
        ax: draw into these axes, not into a new figure.
    """
    from matplotlib.patches import FancyArrowPatch

    attenuated, _ = attenuation(activity, alpha_star, alpha, form)
    scores = solve(activity, alpha=attenuated, form=form, backend="scipy")
    top = min(top, activity.num_users)
    users = np.argsort(-scores, kind="stable")[:top]
    part = activity.matrix[users][:, users].tocoo()
    angle = np.pi / 2 - 2 * np.pi * np.arange(top) / top
    at = np.column_stack([np.cos(angle), np.sin(angle)])
    full = 5200 / max(top, 8) * scores[users] / max(scores.max(), 1e-300)
    own = activity.baseline[users] / np.maximum(scores[users], 1e-300)
    rows, columns = part.coords
    with style.canvas(height=5.6, width=5.6, ax=ax) as figure:
        axis = style.axes_for(figure, ax)
        for listener, sender, weight in zip(rows, columns, part.data, strict=True):
            if listener != sender:
                begin, end = np.sqrt(full[[sender, listener]] / np.pi)
                arrow = {
                    "arrowstyle": "-|>", "mutation_scale": 7, "zorder": 2,
                    "color": style.grey(0.45),
                    "linewidth": 0.4 + 0.6 * float(weight) / part.data.max(),
                    "shrinkA": begin + 1, "shrinkB": end + 2, "connectionstyle": "arc3,rad=0.12",
                }  # fmt: skip
                axis.add_patch(FancyArrowPatch(at[sender], at[listener], **arrow))
        axis.scatter(*at.T, s=full, color=style.tint(0, 0.75), edgecolor=style.colour(0), zorder=3)
        axis.scatter(*at.T, s=full * np.clip(own, 0, 1), color=style.colour(0), zorder=4)
        for place, (user, (x, y)) in enumerate(zip(users, at, strict=True)):
            far = 1.0 + 0.045 + 0.0042 * np.sqrt(full[place])
            axis.text(
                far * x, far * y, f"{place + 1}  {_name(activity, user)}", fontsize=7.5,
                ha="left" if x > 0.05 else "right" if x < -0.05 else "center",
                va="bottom" if y > 0.5 else "top" if y < -0.5 else "center",
            )  # fmt: skip
        axis.set_xlim(-1.55, 1.55)
        axis.set_ylim(-1.35, 1.35)
        axis.set_aspect("equal")
        axis.set_axis_off()
        said = (
            f"the top {top} of {activity.num_users:,} users; area: score; full colour: the user's"
        )
        said += "\nown posts; arrow: from a sender to who listens"
        axis.text(0.5, 0, said, ha="center", va="top", fontsize=8, transform=axis.transAxes)
    return figure


def _around(activity: Activity) -> tuple[int, int]:
    low, high = activity.network or (0, activity.num_bins)
    if activity.spike is not None:
        length = activity.spike[1] - activity.spike[0]
        low, high = min(low, activity.spike[0]), max(high, activity.spike[1] + length)
        low = max(low, activity.spike[0] - LEAD * length)
    return low, min(high, activity.num_bins)


def _axis(activity: Activity, bins: np.ndarray, drawn: int) -> tuple[Any, str]:
    """Where bins begin, and the axis' label; so many bins are drawn."""
    if activity.origin is None:
        unit, scale = activity.unit, 1
        if unit in UNITS:  # the longest unit that the picture holds three of
            span = drawn * activity.bin_length * UNITS[unit]
            unit = [name for name in UNITS if 3 * UNITS[name] <= max(span, 3 * UNITS[unit])][-1]
            scale = UNITS[unit] / UNITS[activity.unit]
        return activity.times(bins) / scale, style.time_label(unit)
    times: Any = pd.DatetimeIndex(activity.times(bins))
    return times, "time" if times.tz is None else f"time ({times.tz})"


def _bin(activity: Activity) -> str:
    """The length of a bin in words."""
    if not activity.unit:
        return "bin"
    length, unit = activity.bin_length, activity.unit
    for name, size in UNITS.items():
        if unit in UNITS and length * UNITS[unit] == size:
            return name
    return unit if length == 1 else f"{length:g} {unit}s"


def _smooth(activity: Activity, low: int, high: int, points: int = 150) -> tuple[Any, np.ndarray]:
    """Responsiveness over stretches of bins, each a ratio of sums."""
    width = max(1, (high - low) // points)
    count = (high - low) // width
    cut = slice(low, low + count * width)
    columns = (activity.heard, activity.volume)
    heard, posts = (column[cut].reshape(count, width).sum(1) for column in columns)
    value = np.where(posts > 0, heard / np.maximum(posts, 1), np.nan)
    return low + width * np.arange(count) + width // 2, value


def _name(activity: Activity, user: int | np.integer, most: int = 16) -> str:
    name = activity.user_names[int(user)]
    return name if len(name) <= most else name[: most - 3] + "..."
