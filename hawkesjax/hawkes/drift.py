"""Whether events keep to the model up to the windows' end, or the baseline changes under them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.special import gammaincc

from hawkesjax.core.fit import fit
from hawkesjax.core.kept import Kept
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.values import point_of
from hawkesjax.inputs.arguments import AtLeastZero, Share, checked
from hawkesjax.inputs.warned import warn

LAST = 0.2  # of each window: half of it would hide what sets in late, a twentieth holds few events
# |z| of the residual counts from which a trend is fitted, to see. Where immigrants fell to a
# seventh, effects had taken up so much of it (alpha 0.8 for 0.5) that z was -2.0 +- 0.3; without a
# trend its standard deviation is 0.97.
LOOK = 1.5
AGAIN = 2.0  # |z| from which effects that wane are looked for where the baseline does not
# p below which a forecast says so. Of 300 stationary panels of some 300 events 2.7 % have a p below
# 1 % and 7 % one below 5 % (`python -m benchmarks.records --cases drift`): the chi-squared
# distribution is a little short for clusters. The limit was set on these panels.
DOUBT = 0.003


class DriftWarning(UserWarning):
    """The baseline changed before a forecast that takes it as constant."""


@dataclass(frozen=True)
class Drift(Kept):
    """A test of a baseline that changes with time.

    Args:
        observed: events of the last part of all windows.
        expected: the integrated intensity there.
        z: their difference in standard deviations; negative where events fall off.
        ratio: of the baseline at the windows' end to that at their begin, with a trend, by mark; or
            of all effects.
        p: of the likelihood ratio of a trend.
        last: the part of each window.
        of: what may change, "baseline" or "effects".
    """

    observed: int
    expected: float
    z: float
    ratio: tuple[float, ...]
    p: float
    last: float
    of: str = "baseline"

    def __str__(self) -> str:
        changes = "baseline changes" if self.of == "baseline" else "effects change"
        ratios = ", ".join(f"{one:.2g}" for one in self.ratio)
        return (
            f"{self.observed:,} in the last {100 * self.last:g} % of the windows, where the model "
            f"expects {self.expected:,.0f}; with a trend the {changes} {ratios}-fold from "
            f"begin to end (p = {self.p:.2g})"
        )


@checked
def with_trend(
    model: HawkesLaw,
    data: EventPanel,
    shape: Literal["exponential", "power"] = "exponential",
    ahead: AtLeastZero = 0.0,
) -> Any:
    """The model with a trend of its baseline, beside the covariates that it has.

    Args:
        model: a `Hawkes` model.
        data: the panel whose windows the trend runs over.
        shape, ahead: as in `Covariates.trend`; covariates that the model has must reach as far, and
            the trend reaches as far as they.

    Raises:
        ValueError: for a model that has a trend, or covariates that do not reach as far.

    Example:
        >>> panel = hj.EventPanel.from_lists(
        ...     [([1.0, 2.0, 9.0],)], window=(0, 10), mark_names=["post"])
        >>> hj.with_trend(hj.Hawkes(), panel, ahead=5.0).covariates.feature_names
        ('trend',)
    """
    panel, known = data, model.background.covariates
    low, high = float(panel.window[:, 0].min()), float(panel.window[:, 1].max())
    if known is not None and "trend" in known.feature_names:
        raise ValueError("This model has a trend: give the one without.")
    if known is not None:
        known = known.aligned(panel)
        known.require(low, high + ahead)
        ahead = known.window[1] - high
    trend = Covariates.trend(panel, shape=shape, ahead=ahead)
    trend = trend if known is None else _beside(known, trend)
    if isinstance(model.baseline, Covariates):
        return replace(model, baseline=trend)
    if model.baseline == "shared":  # its level is the covariates' own
        return replace(model, baseline=_levelled(trend))
    return replace(model, covariates=trend)


@functools.lru_cache(maxsize=64)  # the same object again, for the same programs, as of the trend
def _beside(known: Covariates, trend: Covariates) -> Covariates:
    return known.between(*trend.window).join(trend)


def may_wane(model: HawkesLaw) -> bool:
    """Whether effects of this model may get a trend."""
    plain = model.form in ("auto", "scan") and model.compensator == "exact"
    return plain and not model.strength and model.link == "identity"


def with_waning(model: HawkesLaw, data: EventPanel, ahead: float = 0.0) -> Any:
    """The model with effects that all grow or wane alike, exponentially."""
    if not may_wane(model):
        raise ValueError(
            "Effects of this model cannot get a trend: it has magnitudes, alpha_effects, a lag, a "
            "link or a form of its own."
        )
    trend = Covariates.trend(data, ahead=ahead)
    tied = dict(model.tied or {}) | {"alpha_effect": "all"}
    return replace(model, alpha_effects=trend, tied=tied)


@functools.lru_cache(maxsize=64)
def _levelled(trend: Covariates) -> Covariates:
    level = np.ones((trend.num_cells, 1))
    values = np.concatenate([level, np.asarray(trend.values)], axis=1)
    return replace(trend, values=values, feature_names=(INTERCEPT, *trend.feature_names))


def last_counts(
    model: HawkesLaw, values: Any, panel: EventPanel, last: float
) -> tuple[int, float, float]:
    r"""Events O of the last part of each window, from its first event there on, the integrated
    intensity E, and :math:`z = (O - E) / \sqrt{E (1 - E / N)}`, N all events: parameters that were
    fitted to them make a bridge of the compensated process."""
    point = point_of(values, model, panel)
    if model.gamma is not None:
        point.pop("gamma")
    inside, tails = (
        np.asarray(part, np.float64).sum(axis=1)
        for part in model.compensator_increments(point, panel)
    )
    owner, times = np.asarray(panel.sequence), np.asarray(panel.times)
    begin = (1 - last) * np.asarray(panel.duration)
    first = np.full(panel.num_sequences, np.inf)
    late = times >= begin[owner]
    np.minimum.at(first, owner[late], times[late])
    after = times > first[owner]
    # A sequence without an event there: the part of its last silence that lies there.
    final = np.zeros(panel.num_sequences)
    np.maximum.at(final, owner, times)
    rest = np.asarray(panel.duration) - final
    share = np.where(np.isfinite(first), 1, (panel.duration - begin) / np.where(rest > 0, rest, 1))
    observed = int(np.count_nonzero(after))
    expected = float(inside[after].sum() + (tails * np.minimum(share, 1)).sum())
    whole = float(inside.sum() + tails.sum())
    spread = np.sqrt(max(expected * (1 - expected / whole), 0.0)) if whole > 0 else 0.0
    return observed, expected, float((observed - expected) / spread) if spread > 0 else 0.0


@checked
def drift(
    model: HawkesLaw,
    values: Any,
    data: EventPanel,
    *,
    last: Share = LAST,
    of: Literal["baseline", "effects"] = "baseline",
) -> Drift:
    r"""Test whether the baseline changes with time, or how strong effects are.

    The model is fitted again with a trend, :math:`\mu_i e^{\beta_i x}`, x from 0 to 1 over the
    windows, and twice the gain in log-likelihood is compared with a chi-squared distribution of as
    many degrees of freedom as marks. The counts of the windows' last part, beside what the
    intensity makes them, say where it leads; alone they see little, since effects take up what a
    falling baseline leaves.

    Args:
        model: the model, without a trend.
        values: an `Estimate` of it for these data; a `Posterior` or a dict is where the search for
            the maximum begins.
        data: the events.
        last: part of each window that is counted.
        of: `"baseline"`, or `"effects"`: those of all pairs then change alike, as
            :math:`\alpha_{ij} e^{\beta x}`, with one degree of freedom.

    Returns:
        `observed`, `expected`, `z`, `ratio` and `p`.

    Example:
        >>> times = np.cumsum(np.linspace(0.1, 1.9, 60))  # ever more seldom
        >>> panel = hj.EventPanel.from_lists(
        ...     [(times,)], window=(0, 60), mark_names=["post"])
        >>> model = hj.Hawkes()
        >>> found = hj.drift(model, hj.fit(model, panel, errors=False), panel)
        >>> found.p < 0.01 and found.ratio[0] < 1
        True
    """
    changing = with_trend(model, data) if of == "baseline" else with_waning(model, data)
    null = values
    if not hasattr(values, "log_likelihood"):
        null = fit(model, data, errors=False)
    other = fit(changing, data, errors=False)
    gain = max(float(other.log_likelihood) - float(null.log_likelihood), 0.0)
    if of == "baseline":
        slope = np.asarray(other.params["beta"])[:, -1]
    else:
        slope = np.ravel(other.params["alpha_effect"])[:1]
    counts = last_counts(model, null, data, last)
    p = float(gammaincc(len(slope) / 2, gain))  # chi-squared
    return Drift(*counts, tuple(np.exp(slope).tolist()), p, float(last), of)


def warn_of_drift(model: HawkesLaw, values: Any, panel: EventPanel) -> None:
    """Say that the baseline changes before a forecast takes it as constant; nothing of values that
    were not fitted, or of a model that has a trend."""
    if isinstance(values, Mapping) or panel.num_events == 0 or model.pooled:
        return
    if "trend" in model.background.features:
        return
    if abs(last_counts(model, values, panel, LAST)[2]) < LOOK:
        return
    found = drift(model, values, panel)
    if found.p >= DOUBT and may_wane(model) and abs(found.z) >= AGAIN:
        found = drift(model, values, panel, of="effects")
    if found.p >= DOUBT:
        return
    fewer = found.observed < found.expected
    warn(
        f"Events {'fall off' if fewer else 'rise'} before the forecast: {found}. What goes on at "
        f"its mean will forecast too {'many' if fewer else 'few'}, if this lasts. Let it change: "
        f"choose a trend (hj.choose_trend).",
        DriftWarning,
    )
