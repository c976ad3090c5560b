"""Evaluation with a rolling origin: train before a cut, forecast beyond it, score, move on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from hawkesjax.core.kept import Kept
from hawkesjax.core.record import recorded
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.bins import bins_of
from hawkesjax.evaluation.counts import LEVEL, CountForecast, scores
from hawkesjax.evaluation.forecasters import HourOfWeek, LastValue
from hawkesjax.evaluation.past import Forecaster, Past, features_of
from hawkesjax.evaluation.series import CountSeries
from hawkesjax.inputs.arguments import Level, checked
from hawkesjax.inputs.checks import refuse

SIMPLE = {"last value": LastValue(), "hour-of-week mean": HourOfWeek()}
SCORES = ("mae", "pearson", "log_score", "crps", "coverage")


@dataclass(frozen=True, eq=False, repr=False)
class Rolling(Kept):
    """Scores of several forecasters over the folds.

    Args:
        folds: one row per forecaster and fold: cut, MAE, Pearson, log score, CRPS, coverage; NaN
            where the whole stretch lies in gaps.
        forecasts: (forecaster, fold number) -> its forecast.
        counts: the series.
        cuts: (first training bin, cut, end of the scored bins) of each fold.
        level: nominal level of the intervals.
        simple: (folds,) MAE of what any forecaster should beat: the last count before each cut,
            everywhere, and the mean of the same hour of the week.
        record: of the run (`hawkesjax.core.record`).
    """

    drawn_by: ClassVar[str] = "plots.scores"

    folds: pd.DataFrame
    forecasts: dict[tuple[str, int], CountForecast]
    counts: pd.Series
    cuts: list[tuple[int, int, int]]
    level: float
    simple: dict[str, np.ndarray]
    record: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> pd.DataFrame:
        """One row per forecaster: mean and sd over folds of each score, and the mean MAE over that
        of each simple forecast: above 1, the forecaster loses to it."""
        groups: Any = self.folds.groupby("forecaster", sort=False)[list(SCORES)]
        table = groups.agg(["mean", "std"]).rename(columns={"std": "sd"}, level=1)
        for place, (name, errors) in enumerate(self.simple.items()):
            mean = float(np.nanmean(errors))
            ratio = table[("mae", "mean")] / mean if mean > 0 else np.nan
            table.insert(2 + place, ("mae", f"of {name}"), ratio)
        return table

    def remarks(self) -> list[str]:
        """Forecasters that a simple forecast beats, in words."""
        lines = []
        for name, error in self.summary()[("mae", "mean")].to_dict().items():
            means = {simple: float(np.nanmean(x)) for simple, x in self.simple.items()}
            better = [
                f"the {simple} ({mean:.4g})"
                for simple, mean in means.items()
                if error > mean * (1 + 1e-9)
            ]
            if better:
                lines.append(
                    f"{name} loses to {' and '.join(better)}: its mean absolute error is "
                    f"{error:.4g}."
                )
        return lines

    def __repr__(self) -> str:
        table = self.summary().to_string(float_format=lambda x: f"{x:.3f}")
        head = (
            f"Rolling: {len(self.cuts)} folds, {100 * self.level:g} % intervals, log score and "
            f"CRPS per bin"
        )
        return "\n".join([head, table, *self.remarks()])


def cuts_of(
    bins: int,
    *,
    first: int,
    step: int,
    ahead: int,
    scheme: Literal["expanding", "sliding"] = "expanding",
) -> list[tuple[int, int, int]]:
    """Folds of a series of so many bins as positions (first training bin, cut, end of the scored
    bins): cuts at `first + k step`, while `ahead` bins more fit; arguments as in `rolling`."""
    if scheme not in ("expanding", "sliding"):
        raise ValueError(f"scheme is {scheme!r}; it must be 'expanding' or 'sliding'.")
    for name, value in (("first", first), ("step", step), ("ahead", ahead)):
        if value < 1:
            raise ValueError(f"{name} is {value}; at least one bin is needed.")
    cuts = range(first, bins - ahead + 1, step)
    if not cuts:
        raise ValueError(
            f"The series has {bins:,} bins; the first fold needs {first} + {ahead}. Shorten "
            f"first= or ahead=."
        )
    return [(0 if scheme == "expanding" else cut - first, cut, cut + ahead) for cut in cuts]


@recorded
@checked
def rolling(
    counts: pd.Series | CountSeries,
    forecasters: Mapping[str, Forecaster],
    *,
    covariates: Covariates | None = None,
    data: Any = None,
    first: pd.Timedelta | str = "30D",
    step: pd.Timedelta | str = "15D",
    ahead: pd.Timedelta | str = "8D",
    scheme: Literal["expanding", "sliding"] = "expanding",
    level: Level = LEVEL,
) -> Rolling:
    """Score forecasters of counts as they would have been used.

    At each cut a forecaster sees the counts before it and the features of both stretches (the
    calendar and what is announced), and nothing else of what comes after.

    Args:
        counts: a `CountSeries`, whose gaps no forecaster sees and no score counts; or a pandas
            Series without gaps, whose index holds the bins' starts, evenly spaced in absolute time
            on the local clock.
        forecasters: name -> function from `Past` to `CountForecast`.
        covariates: features over the whole series, constant within each bin; by default those of
            a `CountSeries`.
        data: what the counts were counted from, with a method `between`: forecasters that need
            single events find its part before the cut in `past.data`.
        first, step, ahead: length of the first (with "sliding", of every) training stretch, from
            cut to cut, and of the scored stretch.
        scheme: "expanding" trains on everything before the cut, "sliding" on the last `first`.
        level: of the intervals.

    Raises:
        ValueError: for counts that are negative, fractional or missing, a gap between bins of a
            Series, features that change within a bin, a training stretch without a count, or a
            forecast that is negative or not finite; names the fold.

    Source: the protocol (30 days, then 15 more, 8 scored, by the hour) is that of Pulido and
    Gomez (2024), arXiv 2402.03378.
    """
    if not forecasters:
        raise ValueError("No forecaster was given.")
    series = counts if isinstance(counts, CountSeries) else _checked(counts)
    width, values, index = series.width, series.counts, series.index
    sizes = {
        name: bins_of(value, width, name)
        for name, value in (("first", first), ("step", step), ("ahead", ahead))
    }
    cuts = cuts_of(len(values), scheme=scheme, **sizes)
    covariates = series.covariates if covariates is None else covariates
    features, names = features_of(covariates, index, width)
    rows: list[list[dict[str, Any]]] = [[] for _ in cuts]
    forecasts, simple = {}, {name: np.full(len(cuts), np.nan) for name in SIMPLE}
    # The longest training stretch first: what is compiled for it serves the shorter ones.
    for number, (start, cut, end) in reversed(list(enumerate(cuts))):
        own = start + np.flatnonzero(np.isfinite(values[start:cut]))
        if not len(own):
            raise ValueError(f"Cut at {index[cut]}: all bins before it are gaps. Raise first=.")
        kept = np.isfinite(values[cut:end])
        past = Past(
            counts=values[own],
            index=index[own],
            ahead=index[cut:end],
            features=features[own],
            features_ahead=features[cut:end],
            feature_names=names,
            data=None if data is None else data.between(index[start], index[cut]),
        )
        seen = values[cut:end][kept]
        for name, forecaster in SIMPLE.items() if kept.any() else ():
            simple[name][number] = np.mean(np.abs(seen - forecaster(past).mean[kept]))
        for name, forecaster in forecasters.items():
            forecast = forecasts[name, number] = forecaster(past)
            try:
                told = forecast if kept.all() else forecast.at(kept)
                scored = scores(seen, told, level) if kept.any() else dict.fromkeys(SCORES, np.nan)
            except ValueError as error:
                raise ValueError(f"{name}, cut at {index[cut]}: {error}") from error
            where = {"forecaster": name, "fold": number, "cut": index[cut]}
            rows[number].append(where | scored)
    folds = pd.DataFrame([row for fold in rows for row in fold])
    return Rolling(folds, forecasts, series.to_series(), cuts, level, simple)


def _checked(counts: Any) -> CountSeries:
    """A pandas Series as it must be where no gap is declared."""
    if not isinstance(counts, pd.Series) or not isinstance(counts.index, pd.DatetimeIndex):
        raise ValueError(
            "counts must be a CountSeries, or a pandas Series whose index holds datetimes."
        )
    if len(counts) < 2:
        raise ValueError(f"counts has {len(counts)} bins; at least two are needed.")
    values = np.asarray(pd.to_numeric(counts, errors="coerce"), np.float64)
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.rint(values)))
    show = lambda row: f"{counts.index[row]}: {counts.iloc[row]}"  # noqa: E731
    remedy = (
        "Give whole numbers of at least 0; bins that were not watched are gaps of a CountSeries "
        "(hj.CountSeries.from_series)."
    )
    refuse(wrong, "counts", "no count", remedy, show)
    index: Any = counts.index
    if index.tz is not None:
        index = index.tz_convert("UTC")
    gaps = index[1:] - index[:-1]
    uneven = np.r_[False, gaps != gaps[0]]
    remedy = (
        "Give one row per bin, in order, zero where there was nothing; or declare bins without a "
        "row as gaps (hj.CountSeries.from_series)."
    )
    refuse(uneven, "counts", "another spacing", remedy, lambda row: str(counts.index[row]))
    name = "count" if counts.name is None else str(counts.name)
    return CountSeries(values, pd.DatetimeIndex(counts.index), gaps[0], name=name)
