"""Figures of posts and reposts: kernels, forecasts, what drives posts, scores, residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hawkesjax.core.draws import model_of
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.intervals import shape_of_joint
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.tables import QUANTILES
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.rolling import Rolling
from hawkesjax.inputs.arguments import Count, Level, Positive, checked
from hawkesjax.inputs.moments import moments
from hawkesjax.plotting import style
from hawkesjax.plotting.clock import date_axis
from hawkesjax.plotting.door import refuse
from hawkesjax.plotting.parameters import trace
from hawkesjax.plotting.quantiles import EXPECTED, RESCALED, exponential_quantiles
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.forecast import RetweetForecast
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.memory.kernel import memory_kernel
from hawkesjax.retweet.prepared import lengths_of
from hawkesjax.retweet.residuals import residuals
from hawkesjax.retweet.results import RetweetEstimate, RetweetPosterior
from hawkesjax.retweet.swing import outline, wave
from hawkesjax.retweet.values import draws_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST = ("tau", "r0", "phi0", "p0_mean", "p0_shape", "beta")
HATCHES = ("///", "...", "\\\\\\", "xxx", "+++", "ooo")


@checked
def infectivity(
    values: Any,
    data: Cascades | None = None,
    *,
    model: RetweetLaw | None = None,
    sentiment: Sequence[float] | np.ndarray = (1, 3, 5),
    horizon: Positive | None = None,
    draws: Count = 200,
) -> Figure:
    """The memory kernel, and how the chance to be reposted swings and falls, by sentiment.

    The chance is shown against that at the time of a post made at midnight, for levels S, with a
    95 % band at each time: of a posterior that of its draws, around their median; of an estimate
    that of the swings which the data do not exclude (`hawkesjax.retweet.swing.outline`), at the
    estimated decay. A dict has none.

    Args:
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters.
        data: the cascades that were fitted; a posterior that was just sampled has them.
        model: the model, needed beside a dict only.
        sentiment: levels S; those at which r0 S reaches 1 are refused.
        horizon: how long after the post, in the data's unit; three periods by default.
        draws: of a posterior to use.

    Raises:
        ValueError: for a level at which the chance would be negative, values of another model,
            and a dict without its model.
    """
    if not isinstance(values, Estimate | Posterior | Mapping):
        raise refuse("infectivity", "an Estimate, a Posterior or a dict of parameters", values)
    known = model_of(values, model)
    if known is None:
        raise ValueError("A dict of parameters does not name its model: pass model=.")
    if not isinstance(known, RetweetLaw):
        raise refuse("infectivity", "values of a RetweetHawkes", values)
    data = values.sampled(data) if isinstance(values, Posterior) else data
    if data is None:
        raise ValueError("plots.infectivity needs the cascades: give them as data=.")
    known.accept(data)
    params = draws_of(values, known, data, limit=draws)
    around = _swings(values, known, data)
    s0, period = lengths_of(known, data)
    horizon = 3 * period if horizon is None else float(horizon)
    pair = params["swing"].T[:, :, None]
    size = float(np.max(np.hypot(*pair)))
    if size * max(sentiment) >= 1:
        raise ValueError(
            f"At S = {max(sentiment):g} the chance would be negative at times (r0 is up to "
            f"{size:.3g}): draw levels below {1 / size:.3g}."
        )
    ages = np.linspace(0, horizon, 400)
    band = ", 95 % band" if around is not None or isinstance(values, Posterior) else ""
    with style.canvas(height=2.8) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.6))
        grid = np.geomspace(s0 / 30, horizon, 300)
        thetas = params["theta"] if "theta" in params else np.array([known.theta], float)
        curves = [np.asarray(memory_kernel(grid, float(t), s0, known.tail)) for t in thetas[:50]]
        left.loglog(grid, np.median(curves, axis=0), color=style.colour(0))
        left.set_title("memory kernel ψ", loc="left")
        left.set_xlabel(style.time_label(data.unit).replace("time", "time since a repost", 1))
        left.set_ylabel(f"density per {data.unit}" if data.unit else "density")
        for number, level in enumerate(sentiment):
            fall = np.exp(-ages / params["tau"].reshape(-1, 1))
            path = wave(pair, level, ages, period) * fall
            low, middle, high = np.quantile(path, QUANTILES, axis=0)
            if around is not None:  # a chance is linear in the swing: its ends lie on the outline
                path = wave(around.T[:, :, None], level, ages, period) * fall
                low, high = np.maximum(path.min(axis=0), 0), path.max(axis=0)
            options = {"color": style.colour(number)}
            right.fill_between(ages, low, high, alpha=0.2, linewidth=0, **options)
            right.plot(
                ages,
                middle,
                linestyle=style.dashes(number),
                label=f"S = {level:g}{band}",
                **options,
            )
        right.set_title("chance to be reposted, p(t) / p₀", loc="left")
        right.set_xlabel(style.time_label(data.unit).replace("time", "time since the post", 1))
        right.set_xlim(0, horizon)
        right.set_ylim(bottom=0)
        figure.legend(loc="outside upper right", ncols=len(sentiment))
    return figure


def _swings(values: Any, model: RetweetLaw, data: Cascades) -> np.ndarray | None:
    """(directions, 2) the outline of the swings that the data of an estimate do not exclude."""
    if not isinstance(values, Estimate) or "swing" not in values.params:
        return None
    prepared = model.prepare(data)
    slope, curvature = shape_of_joint(model, values.params, prepared)
    if not (np.isfinite(slope).all() and np.isfinite(curvature).all()):
        return None
    pair = np.asarray(values.params["swing"], np.float64)
    return outline(pair, slope, curvature, float(prepared.bound))[0]


@checked
def counts(
    forecast: RetweetForecast,
    *,
    observed: Any = None,
    covariates: Covariates | None = None,
    features: Sequence[str] = (),
    level: Level = 0.8,
    ax: Any = None,
) -> Figure:
    """Posts and reposts forecast by the bin, with the observed counts, and when covariates were on.

    Args:
        forecast: what `hawkesjax.forecast` returned.
        observed: observed counts, posts and reposts together, one per bin.
        covariates: whose `features` are shaded where they are not 0.
        features: their names, such as events.
        level: of the band.
        ax: draw into these axes, not into a new figure.

    Raises:
        ValueError: when the observed counts have another length, or a feature is not there, and
            for anything but a forecast of posts and reposts.
    """
    if not isinstance(forecast, RetweetForecast):
        raise refuse("counts", "what forecast of a RetweetHawkes returned", forecast)
    expected = forecast.counts
    low, high = expected.interval(level)
    starts = forecast.starts()
    if observed is not None and np.shape(observed) != np.shape(expected.mean):
        raise ValueError(
            f"observed has shape {np.shape(observed)}, the bins {expected.mean.shape}."
        )
    dated = forecast.origin is not None
    with style.canvas(height=2.9, ax=ax) as figure:
        axis = style.axes_for(figure, ax)
        axis.fill_between(
            starts, low, high, step="post", color=style.colour(0), alpha=0.2, linewidth=0,
            label=f"{100 * level:g} % interval",
        )  # fmt: skip
        axis.step(starts, expected.mean, where="post", color=style.colour(0), label="mean forecast")
        if forecast.new_posts:
            axis.step(
                starts, forecast.originals, where="post", color=style.colour(2),
                linestyle=style.dashes(1), label="of it new posts",
            )  # fmt: skip
        if observed is not None:
            axis.plot(
                starts, observed, ".", color=style.colour(1), markersize=3.5, label="observed"
            )
        if covariates is not None:
            _shade(axis, forecast, covariates, features, dated)
        axis.set_xlim(starts[0], starts[-1])
        axis.set_ylim(bottom=0)
        width = (forecast.edges[-1] - forecast.edges[0]) / len(expected.mean)
        bin_name = f"{width:g} {forecast.unit}s" if width != 1 else forecast.unit
        axis.set_ylabel(f"posts and reposts per {bin_name or 'bin'}")
        if dated:
            zone = forecast.timezone or starts.tz
            what = "local time" if forecast.timezone else "time"
            axis.set_xlabel(date_axis(axis, zone=zone, what=what))
        else:
            axis.set_xlabel(style.time_label(forecast.unit))
        style.legend(figure, ax, axis, loc="upper center", ncols=5)
    return figure


def _shade(axis, forecast, covariates, features, dated) -> None:
    cut = covariates.between(float(forecast.edges[0]), float(forecast.edges[-1]))
    ends = moments(cut, cut.edges) if dated else np.asarray(cut.edges)
    for number, name in enumerate(features):
        if name not in cut.feature_names:
            raise ValueError(f"No feature {name!r}; there are {', '.join(cut.feature_names)}.")
        on = cut.values[:, cut.feature_names.index(name)] != 0
        label = name
        for cell in np.flatnonzero(on):
            axis.axvspan(
                ends[cell], ends[cell + 1], facecolor=style.grey(0.9),
                edgecolor=style.grey(0.6), linewidth=0, zorder=0, label=label,
                hatch=HATCHES[number % len(HATCHES)],
            )  # fmt: skip
            label = "_"


def drivers(values: Any, *, ax: Any = None) -> Figure:
    """Rate ratios of the covariates as radial bars, with 95 % intervals.

    A bar reaches from the circle of no effect (1) to its ratio, on a logarithmic scale; the
    intercept, a rate and no ratio, is left out.

    Args:
        values: a `Posterior` (of which medians are drawn) or an `Estimate` of a `RetweetHawkes`.
        ax: draw into these polar axes, not into a new figure.

    Raises:
        ValueError: when the intercept is the only feature, for axes that are not polar, and for
            anything else.
    """
    if not isinstance(values, RetweetEstimate | RetweetPosterior):
        raise refuse("drivers", "an Estimate or a Posterior of a RetweetHawkes", values)
    table = values.rate_ratios()
    table = table.loc[table.index != "intercept"]
    if not len(table):
        raise ValueError("The intercept is the only feature: there is nothing to compare.")
    middle = np.log2(table["50%"].to_numpy(float))
    low, high = (np.log2(table[name].to_numpy(float)) for name in ("2.5%", "97.5%"))
    ends = np.concatenate([middle, low, high])
    reach = float(np.clip(np.ceil(np.max(np.abs(ends[np.isfinite(ends)]), initial=0.5)), 1, 6))
    angles = 2 * np.pi * np.arange(len(table)) / len(table)
    wide = min(0.8 * 2 * np.pi / len(table), 0.6)
    with style.canvas(height=5.2, width=5.6, ax=ax) as figure:
        axis: Any = figure.add_subplot(projection="polar") if ax is None else ax
        if axis.name != "polar":
            raise ValueError("ax must be polar: make it with the projection 'polar'.")
        axis.set_theta_zero_location("N")
        axis.set_theta_direction(-1)
        axis.set_ylim(-1.6 * reach, reach)
        for number, name in enumerate(table.index):
            up = middle[number] >= 0
            axis.bar(
                angles[number], middle[number], width=wide, bottom=0,
                color=style.colour(0 if up else 1), alpha=0.75,
                hatch="" if up else "///", edgecolor=style.paper(), linewidth=0.5,
            )  # fmt: skip
            span = np.clip([low[number], high[number]], -1.5 * reach, reach)
            axis.plot([angles[number]] * 2, span, color=style.grey(0.15), linewidth=1.2)
            turn = np.degrees(angles[number]) % 360
            flip = 180 if 90 < turn < 270 else 0
            axis.text(
                angles[number], 1.08 * reach, str(name).split("=")[-1] if "=" in name else name,
                ha="center", va="center", rotation=-(turn + flip) if len(table) > 12 else 0,
                fontsize=7,
            )  # fmt: skip
        axis.plot(
            np.linspace(0, 2 * np.pi, 200), np.zeros(200), color=style.grey(0.2), linewidth=0.8
        )
        ticks = np.arange(-reach, reach + 1)
        axis.set_yticks(
            ticks, [f"×{2.0**tick:g}" for tick in ticks], fontsize=6, color=style.grey(0.3)
        )
        axis.set_rlabel_position(180 / len(table))
        axis.set_xticks([])
        axis.grid(color=style.grey(0.88), linewidth=0.5)
        axis.spines["polar"].set_visible(False)
        middle_of = "estimate" if isinstance(values, Estimate) else "median"
        said = f"rate of posts, times that of the reference; {middle_of} and 95 % interval"
        if ax is None:
            figure.suptitle(said, fontsize=9)
        else:
            axis.set_title(said, fontsize=9)
    return figure


def scores(found: Rolling) -> Figure:
    """MAE and Pearson's correlation in each fold, one row per forecaster; violins of many folds.

    Args:
        found: what `hawkesjax.rolling` returned.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(found, Rolling):
        raise refuse("scores", "what rolling returned", found)
    names = list(dict.fromkeys(found.folds["forecaster"]))
    with style.canvas(height=1.1 + 0.42 * len(names)) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        titles = {"mae": "mean absolute error, counts per bin", "pearson": "Pearson correlation"}
        for axis, (column, title) in zip(axes, titles.items(), strict=True):
            for number, name in enumerate(names):
                values = found.folds.loc[found.folds["forecaster"] == name, column].to_numpy()
                at = len(names) - 1 - number
                if len(values) >= 8 and np.ptp(values) > 0:
                    parts: Any = axis.violinplot(
                        values, [at], orientation="horizontal", widths=0.8, showextrema=False
                    )
                    parts["bodies"][0].set(facecolor=style.colour(0), alpha=0.3)
                axis.plot(
                    values, np.full(len(values), at), "|", color=style.grey(0.35), markersize=9,
                    label="a fold" if number == 0 else "_",
                )  # fmt: skip
                axis.plot(
                    values.mean(), at, "D", markersize=5, markerfacecolor=style.paper(),
                    markeredgecolor=style.colour(1), markeredgewidth=1.4,
                    label="mean over folds" if number == 0 else "_",
                )  # fmt: skip
            axis.set_title(title, loc="left")
            axis.grid(axis="x", color=style.grey(0.92), linewidth=0.6)
            axis.set_axisbelow(True)
        axes[0].set_xlim(left=0)
        axes[0].set_ylim(-0.5, len(names) - 0.5)
        axes[0].set_yticks(range(len(names)), names[::-1])
        axes[0].tick_params(axis="y", length=0)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
    return figure


@checked
def rescaled(table: Any, *, points: Count = 1500) -> Figure:
    """Quantiles of residuals of posts and of reposts against the unit exponential, one panel each.

    Points on the line: the model explains the waiting times; the grey band holds each point with
    95 % probability under the truth. Where the largest residual is beyond five times the largest
    to expect, the vertical axis is logarithmic above that.

    Args:
        table: what `hawkesjax.residuals` returned, with one row per event.
        points: draw at most about this many points per panel; the largest ones always.

    Raises:
        ValueError: for a table without residuals, and for anything else.
    """
    if not (isinstance(table, pd.DataFrame) and {"mark", "residual"} <= set(table.columns)):
        raise refuse("rescaled", "the table that residuals of a RetweetHawkes returned", table)
    kinds = [name for name, part in table.groupby("mark", observed=True) if len(part)]
    if not kinds:
        raise ValueError("The table has no residuals.")
    side = 3.2
    with style.canvas(height=side, width=side * len(kinds)) as figure:
        axes = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axis, kind in zip(axes, kinds, strict=True):
            sample = table.loc[table["mark"] == kind, "residual"].dropna().to_numpy(float)
            exponential_quantiles(axis, sample, f"{kind}s", points)
            expected = np.log(2 * max(len(sample), 1))
            if (
                sample.max(initial=0) > 5 * expected
            ):  # a few enormous waits would flatten all others
                axis.set_yscale("symlog", linthresh=expected, linscale=2)
        figure.supxlabel(EXPECTED, fontsize=9)
        figure.supylabel(RESCALED, fontsize=9)
    return figure


def figures(model: RetweetLaw, values: Any, data: Cascades) -> dict[str, Any]:
    """Every figure of a fit, by name; arguments as `Model.figures`."""
    figures = model.common_figures(values, data)
    if isinstance(values, Posterior):
        drawn = [name for name in FIRST if name in values.posterior]
        figures["trace"] = trace(values, var_names=drawn)
    if len(model.coords(data)["feature"]) > 1 and not data.posts_at_once:
        figures["drivers"] = drivers(values)
    table = residuals(model, values, data, join=True)
    figures["infectivity"] = infectivity(values, data, sentiment=(1,))
    return figures | ({"residuals": rescaled(table)} if len(table) else {})
