"""Figures of parameters: intervals beside the truth, and traces of chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.plotting import style
from hawkesjax.plotting.door import needs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "mu": "μ, baseline ({per})",
    "alpha": "α, effect of source → target (direct children per event)",
    "alpha_mean": "α at the mean size of the events, source → target",
    "alpha_group": "α by group, source → target",
    "alpha_effect": "log of the ratio of α, per unit of the feature",
    "kappa": "κ, growth of α with an event's size",
    "gamma": "γ, decay rate ({inverse})",
    "gamma_group": "γ by group ({inverse})",
    "gamma_effect": "log of the ratio of γ, per unit of the feature",
    "half_life": "half-life of an effect",
    "beta": "β, logs of ratios of rates; of an intercept, log of the rate ({inverse})",
}
USUAL = ("mu", "alpha", "gamma")
FIRST = (
    "mu", "alpha", "alpha_mean", "alpha_group", "alpha_effect", "kappa", "gamma", "gamma_group",
    "gamma_effect", "half_life",
)  # fmt: skip


@checked
def parameters(
    values: Any,
    *,
    truth: Mapping[str, Any] | None = None,
    var_names: Sequence[str] | None = None,
    unit: str = "",
    max_rows: Count = 60,
) -> Figure:
    """Estimates (of draws, medians) with 95 % intervals, one panel per parameter, beside the truth
    where it is known.

    Args:
        values: an `Estimate` or a `Posterior`.
        truth: true values by name, in the shapes of the estimates.
        var_names: which parameters; by default mu, alpha, gamma and what scales alpha (of a model
            without them all), leaving out any with more than `max_rows` entries; the figure names
            those that it leaves out.
        unit: the time unit's name for the labels.
        max_rows: see `var_names`.

    Raises:
        ValueError: when nothing is left to draw, or the truth has another shape.
    """
    needs(values, "parameters", "Estimate", "Posterior")
    table = values.summary()
    centre, called = ("50%", "median") if "50%" in table.columns else ("estimate",) * 2
    owners = np.array([str(label).split("[")[0] for label in table.index])
    if var_names is None:
        sizes = {name: int(np.sum(owners == name)) for name in dict.fromkeys(owners)}
        fitting = [name for name, size in sizes.items() if size <= max_rows]
        names = [name for name in FIRST if name in fitting]
        names = names if set(USUAL) & set(sizes) else fitting
    else:
        names = list(var_names)
    if not names or not all(np.any(owners == name) for name in names):
        raise ValueError(
            f"Nothing to draw under {names or 'mu, alpha and gamma'}: there are "
            f"{', '.join(dict.fromkeys(owners))}; name them in var_names or raise max_rows."
        )
    counts = [int(np.sum(owners == name)) for name in names]
    heights = [0.5 + 0.17 * count for count in counts]
    with style.canvas(height=0.3 + sum(heights), width=6.0) as figure:
        axes = figure.subplots(len(names), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, name in zip(axes, names, strict=True):
            rows = table[owners == name]
            middle = rows[centre].to_numpy(float)
            low, high = rows["2.5%"].to_numpy(float), rows["97.5%"].to_numpy(float)
            at = np.arange(len(rows))[::-1]
            axis.hlines(at, low, high, color=style.colour(0), linewidth=1.4)
            axis.plot(middle, at, "o", color=style.colour(0), markersize=4, label=f"{called}, 95 %")
            if truth is not None and name in truth:
                true = np.asarray(truth[name], float).ravel()
                if true.size != len(rows):
                    raise ValueError(
                        f"truth[{name!r}] has {true.size} values for {len(rows)} rows."
                    )
                axis.plot(
                    true, at, "D", markerfacecolor=style.paper(), markeredgecolor=style.colour(1),
                    markeredgewidth=1.3, markersize=4.5, label="truth",
                )  # fmt: skip
            axis.set_yticks(at, [_row_name(label) for label in rows.index])
            axis.set_ylim(-0.7, len(rows) - 0.3)
            axis.tick_params(axis="y", length=0)
            axis.grid(axis="y", color=style.grey(0.92), linewidth=0.6)
            axis.set_axisbelow(True)
            ends = np.concatenate([low, high])
            ends = ends[np.isfinite(ends)]
            wide = ends.size and ends.min() > 0 and ends.max() > 30 * ends.min()
            if wide and name != "alpha":
                style.log_axis(axis)
            elif ends.size and ends.min() >= 0:
                axis.set_xlim(left=0)
            inverse = f"per {unit}" if unit else "per unit of time"
            title = TITLES.get(name, style.SYMBOLS.get(name, name))
            axis.set_title(title.format(per=style.per(unit), inverse=inverse), loc="left")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
        rest = [name for name in dict.fromkeys(owners) if name not in names]
        if rest and var_names is None:
            figure.supxlabel(f"not drawn: {', '.join(rest)}", fontsize=8, x=0.01, ha="left")
    return figure


@checked
def trace(
    posterior: Any, *, var_names: Sequence[str] | None = None, max_rows: Count = 12
) -> Figure:
    """Each parameter's draws: the density of every chain, and its path.

    Chains that agree lie on top of each other; paths that wander or stick have not converged.

    Args:
        posterior: a `Posterior`.
        var_names: which parameters; by default alpha and gamma, of a model without them all.
        max_rows: draw at most this many entries, the first ones.
    """
    needs(posterior, "trace", "Posterior")
    known = list(posterior.posterior)
    usual = [name for name in ("alpha", "gamma") if name in known] or known
    series = []
    for name in var_names or usual:
        if name not in known:
            raise ValueError(f"The posterior has no parameter {name!r}.")
        series += entries(name, posterior[name])
    if not series:
        raise ValueError("Nothing to draw: name parameters in var_names.")
    shown = series[:max_rows]
    with style.canvas(height=0.4 + 0.85 * len(shown)) as figure:
        axes = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1, 2.2))
        for row, (left, right), (label, draws) in zip(range(len(shown)), axes, shown, strict=True):
            low, high = np.quantile(draws, [0.001, 0.999])
            bins = np.linspace(low, high if high > low else low + 1e-9, 40)
            for chain, path in enumerate(draws):
                options = {"color": style.colour(chain), "label": f"chain {chain + 1}"}
                heights, edges = np.histogram(path, bins, density=True)
                smooth = np.convolve(heights, [0.25, 0.5, 0.25], "same")
                centres = 0.5 * (edges[1:] + edges[:-1])
                left.plot(centres, smooth, linestyle=style.dashes(chain), **options)
                right.plot(path, linewidth=0.4, alpha=0.8, **options)
            left.set_yticks([])
            left.spines["left"].set_visible(False)
            left.set_title(label, loc="left")
            right.set_xlim(0, max(draws.shape[1] - 1, 1))
            if row < len(shown) - 1:
                right.set_xticklabels([])
        axes[-1, 1].set_xlabel("draw")
        if len(shown) < len(series):
            figure.supxlabel(f"{len(shown)} of {len(series):,} entries", fontsize=8)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        if len(handles) > 1:
            figure.legend(handles, labels, loc="outside lower left", ncols=min(len(handles), 4))
    return figure


def entries(name, values) -> list[tuple[str, np.ndarray]]:
    """(label, (chains, draws)) of every entry of an array with named dimensions."""
    array = np.asarray(values)
    flat = array.reshape(*array.shape[:2], -1)
    dims: tuple[str, ...] = tuple(getattr(values, "dims", ()))[2:]
    coords = [np.asarray(values.coords[dim]).astype(str) for dim in dims] if dims else []
    out = []
    for index in range(flat.shape[2]):
        place: Any = np.unravel_index(index, array.shape[2:]) if array.ndim > 2 else ()
        parts: Any = [coord[at] for coord, at in zip(coords, place, strict=True)] if dims else place
        if dims == ("target", "source"):
            inside = f"{parts[1]} → {parts[0]}"
        else:
            inside = ", ".join(map(str, parts))
        symbol = style.SYMBOLS.get(name, name)
        out.append((f"{symbol}  {inside}" if inside else symbol, flat[:, :, index]))
    return out


def _row_name(label: str) -> str:
    inside = label.split("[", 1)[1].rstrip("]") if "[" in label else "all"
    return inside.replace(" -> ", " → ")
