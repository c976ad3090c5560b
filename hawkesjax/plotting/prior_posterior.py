"""What the events taught: posteriors over their priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.plotting import style
from hawkesjax.plotting.door import needs
from hawkesjax.plotting.parameters import entries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIOR_DRAWS = 20_000
TIMED = ("gamma", "mu", "mu_median")  # rates: with a unit, on a logarithmic axis
NAMES = ("alpha", "gamma", "mu_median", "mu_spread", "mu", "beta", "split", "theta")


@checked
def prior_posterior(
    posterior: Any,
    data: Any = None,
    *,
    var_names: Sequence[str] | None = None,
    max_rows: Count = 12,
) -> Figure:
    """What the events taught: each parameter's posterior over its prior.

    Where the two are alike, the events say nothing of the parameter (the decay of an effect near
    0, say), and the prior is what you read.

    Args:
        posterior: a `Posterior`.
        data: what was sampled, by which the default priors are scaled; needed after `load` only.
        var_names: which parameters; by default alpha, gamma, the kernel's, and those of the
            baseline that have at most `max_rows` entries.
        max_rows: see `var_names`; of one that was named, the first entries are drawn.

    Raises:
        ValueError: for a parameter that the model does not sample, or whose prior is no density
            of single entries.
    """
    import jax

    needs(posterior, "prior_posterior", "Posterior")
    data, model = posterior.sampled(data), posterior.model
    sites = model.sites(model.prepare(data))
    if var_names is None:
        known = [name for name in NAMES if name in sites] or list(sites)
        sizes = {name: int(np.prod(sites[name].shape())) for name in known}
        chosen = [n for n, size in sizes.items() if size <= max_rows or n in ("alpha", "gamma")]
    else:
        chosen = [var_names] if isinstance(var_names, str) else list(var_names)
    unknown = [name for name in chosen if name not in sites]
    if unknown or not chosen:
        raise ValueError(f"No prior of {unknown or 'anything'}; the model samples {list(sites)}.")
    shown, rest = [], [name for name in sites if name not in chosen]
    priors: dict[str, Any] = {}
    for name, site in sites.items():  # in the order of the table: each given those before it
        given = model.conditioned(name, site, priors)
        priors[name] = given.sample(jax.random.key(0), (PRIOR_DRAWS,) if given is site else ())
    for name in chosen:
        prior = np.asarray(priors[name], float).reshape(PRIOR_DRAWS, -1)
        found = entries(name, posterior[name])
        if len(found) > max_rows:
            rest.append(f"{len(found) - max_rows} entries of {name}")
        for number, (label, draws) in enumerate(found[:max_rows]):
            shown.append((name, label, draws.ravel(), prior[:, number]))
    columns = min(2 if len(shown) < 5 else 3, len(shown))
    lines = -(-len(shown) // columns)
    with style.canvas(height=0.6 + 1.25 * lines) as figure:
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis, (name, label, draws, prior) in zip(axes, shown, strict=False):
            _densities(axis, draws, prior, log=name in TIMED)
            per = f" (per {data.unit})" if data.unit and name in TIMED else ""
            axis.set_title(label + per, loc="left", fontsize=8)
        for axis in axes[len(shown) :]:
            axis.set_visible(False)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
        figure.supylabel("density", fontsize=9)
        if rest and var_names is None:
            figure.supxlabel(f"not drawn: {', '.join(rest)}", fontsize=8, x=0.01, ha="left")
    return figure


def _densities(axis: Any, draws: np.ndarray, prior: np.ndarray, *, log: bool) -> None:
    """Histograms of both over the posterior's range and the bulk of the prior's; of the logarithm
    where the axis is logarithmic, so that areas are probabilities."""
    low, high = np.quantile(draws, (0.0005, 0.9995))
    inner = np.quantile(prior, (0.05, 0.9))
    if log:
        low, high = min(low, inner[0]), max(high, inner[1])
        edges = np.geomspace(low, high, 41)
        width = np.diff(np.log(edges))
        axis.set_xlim(low, high)
        style.log_axis(axis)
    else:
        low, high = min(low, inner[0]), max(high, inner[1])
        edges = np.linspace(low if low < 0 else 0.0, high, 41)
        width = np.diff(edges)
    for values, options in (
        (prior, {"color": style.grey(0.55), "linestyle": style.dashes(1), "label": "prior"}),
        (draws, {"color": style.colour(0), "label": "posterior"}),
    ):
        heights = np.histogram(values, edges)[0] / (len(values) * width)
        heights = np.convolve(heights, [0.25, 0.5, 0.25], "same")
        centres = np.sqrt(edges[1:] * edges[:-1]) if log else 0.5 * (edges[1:] + edges[:-1])
        axis.plot(centres, heights, linewidth=1.3, **options)
        if options["label"] == "posterior":
            axis.fill_between(centres, heights, alpha=0.25, color=options["color"], linewidth=0)
    axis.set_ylim(bottom=0)
    axis.set_yticks([])
    axis.set_xlim(edges[0], edges[-1])
