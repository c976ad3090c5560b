"""Forecasts of hourly posts and reposts, scored: one stretch, or fold by fold beside baselines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array

from hawkesjax.core.fit import ConvergenceWarning, maximum
from hawkesjax.core.kept import Kept
from hawkesjax.core.record import recorded
from hawkesjax.core.sample import sample
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.counts import LEVEL, CountForecast, scores
from hawkesjax.evaluation.fitting import poisson_map, size_of
from hawkesjax.evaluation.past import Past
from hawkesjax.inputs.arguments import Count, Key, Level, Positive, checked
from hawkesjax.inputs.moments import moment
from hawkesjax.inputs.warned import warn
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.forecast import RetweetForecast, forecast
from hawkesjax.retweet.hourly import counts_between, hour_of
from hawkesjax.retweet.law import RetweetLaw

MAX_HOURS = 24 * 60  # of a curve of reposts; later ones count in its last hour


@dataclass(frozen=True, eq=False, repr=False)
class RetweetEvaluation(Kept):
    """A forecast beside what was observed.

    Args:
        scores: MAE, Pearson, mean log score per bin and coverage of posts and reposts together.
        forecast: the forecast.
        observed: (B,) posts and reposts observed; NaN in bins that meet a gap of the record, which
            no score knows.
        level: nominal level of the intervals.
        record: of the run (`hawkesjax.core.record`).
    """

    scores: dict[str, float]
    forecast: RetweetForecast
    observed: np.ndarray
    level: float
    record: dict[str, Any] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        scored = pd.DataFrame([self.scores]).assign(level=self.level)
        table = self.forecast.table(self.level)
        table["observed"] = self.observed
        sizes = self.forecast.sizes.table(self.level)
        return {"scores": scored, "forecast": table, "sizes": sizes}

    def __repr__(self) -> str:
        scores, kept = self.scores, ~np.isnan(self.observed)
        lost = f" ({np.sum(~kept):,} more in gaps)" if not kept.all() else ""
        return (
            f"RetweetEvaluation: {np.sum(kept)} bins{lost}, {self.observed[kept].sum():,.0f} "
            f"observed; "
            f"MAE {scores['mae']:.3f}, Pearson {scores['pearson']:.3f}, log score "
            f"{scores['log_score']:.3f} per bin, {100 * self.level:g} % intervals hold "
            f"{100 * scores['coverage']:.1f} %"
        )


@recorded
@checked
def evaluate(
    model: RetweetLaw,
    values: Any,
    data: Cascades,
    *,
    cut: Any,
    key: Key,
    horizon: Positive | None = None,
    bins: Count | None = None,
    level: Level = LEVEL,
    draws: Count = 200,
) -> RetweetEvaluation:
    """Score a fit on what followed it, bin by bin, but in bins that meet a gap of the record.

    Args:
        model: the model.
        values: what was fitted on `data.between(start, cut)`: a `Posterior`, an `Estimate`, or a
            dict of natural parameters.
        data: past and held-out posts and reposts together, with covariates over both.
        cut: where the past ends: absolute time in the data's unit, or a datetime.
        key: PRNG key.
        horizon: length of the held-out stretch; by default to the end of the window.
        bins: as in `forecast`.
        level: of the intervals.
        draws: of the forecast.

    Raises:
        ValueError: for a stretch that the window does not cover or gaps fill, and as `forecast`.
    """
    at = moment(cut, data, "cut")
    start, end = data.window
    until = end if horizon is None else at + horizon
    if not start < at < until <= end * (1 + 1e-12):
        raise ValueError(
            f"The window from {start:.6g} to {end:.6g} does not reach from before the cut at "
            f"{at:.6g} to {until:.6g}: move the cut, or shorten the horizon."
        )
    past, options = data.between(start, at), {"key": key, "bins": bins, "draws": draws}
    ahead = forecast(model, values, past, horizon=until - at, **options)
    since = ahead.edges - start
    slack = 1e-9 * np.diff(since)  # an end of a gap that is a bin's end up to rounding
    lost = data.gaps.meets(since[:-1] + slack, since[1:] - slack)
    if lost.all():
        raise ValueError("Every bin meets a gap of the record: choose another cut, or more bins=.")
    observed = np.where(lost, np.nan, counts_between(data, ahead.edges))
    mean, drawn = ahead.originals + ahead.reposts, ahead.original_draws + ahead.repost_draws
    seen = CountForecast(mean[~lost], draws=drawn[:, ~lost])
    return RetweetEvaluation(scores(observed[~lost], seen, level), ahead, observed, level)


@dataclass(frozen=True, eq=False)
class RetweetForecaster:
    """Fits a `RetweetHawkes` to the past of each cut and forecasts with it; for `rolling`.

    Args:
        model: the model.
        key: PRNG key; each cut has its own.
        covariates: features over the past and what is to be forecast; the data's own by default.
        draws: continuations of each forecast.
        num_samples: 0 forecasts from the maximum of the likelihood; else from so many draws of
            the posterior, after as many of warm-up, in two chains.
        max_steps: of the search for the maximum; a `ConvergenceWarning` names the cut where a
            forecast is made from one that was not reached.
    """

    model: RetweetLaw
    key: Array
    covariates: Covariates | None = None
    draws: int = 200
    num_samples: int = 0
    max_steps: int = 2000
    _sizes: dict[str, int] = field(default_factory=dict, repr=False)

    def __call__(self, past: Past) -> CountForecast:
        if past.data is None:
            raise ValueError("RetweetForecaster needs single events: give rolling(data=cascades).")
        data = past.data
        if self.covariates is not None:
            data = data.with_covariates(self.covariates)
        self.model.check(data)
        keys = jax.random.split(jax.random.fold_in(self.key, len(past.counts)), 2)
        # Data of all cuts are filled up to the largest so far: one compilation serves them.
        free = self.model.p0 == "free"
        prepared = self.model.prepare(data, least=None if free else self._sizes)
        self._sizes.update(prepared.sizes)
        values: Any
        values, converged = maximum(self.model, prepared, max_steps=self.max_steps)
        if not (converged or self.num_samples):
            warn(
                f"The fit before {past.ahead[0]} did not converge; its best values are used. Give "
                f"more training data, or a larger max_steps.",
                ConvergenceWarning,
            )
        if self.num_samples:
            values = sample(
                self.model, data, key=keys[0], init=values, num_warmup=self.num_samples,
                num_samples=self.num_samples, num_chains=2, pointwise=None, progress=False,
            )  # fmt: skip
        bins = len(past.ahead)
        return forecast(
            self.model, values, data, horizon=bins * hour_of(data), key=keys[1], bins=bins,
            draws=self.draws, prepared=prepared,
        ).counts  # fmt: skip


@dataclass(frozen=True)
class LogLinearReposts:
    r"""Posts by Poisson regression, reposts by a log-linear regression on their first hour.

    With R(u) a post's reposts after u hours, over training posts observed for at least u:
    `a_u = mean(log R(u) - log R(1))`, `s_u^2` its variance, and `R(u) = R(1) exp(a_u + s_u^2 / 2)`;
    hourly reposts are differences, at least 0, and `log max(R, 1)` stands for `log R`. A post to
    come, or less than an hour old, has the mean of R(1) over training posts: its own first hour
    would be the future.

    Args:
        shrink: precision of a normal prior on the regression's coefficients.

    Source: Szabo and Huberman (2010), Comm. ACM 53, 80-88, in the form that Pulido and Gomez
    (2024), arXiv 2402.03378, compare with.
    """

    shrink: float = 1e-6

    def __call__(self, past: Past) -> CountForecast:
        data = past.data
        if data is None:
            raise ValueError("LogLinearReposts needs single events: give rolling(data=cascades).")
        hour = hour_of(data)
        bins, num = len(past.ahead), data.num_posts
        ages = (float(data.length) - np.asarray(data.post_times)) / hour
        most = int(min(MAX_HOURS, np.ceil(max(ages.max(initial=0.0), 0)) + bins + 1))
        place = np.minimum((np.asarray(data.ages) / hour).astype(np.int64), most - 1)
        cells = np.asarray(data.post, np.int64) * most + place
        sizes = np.bincount(cells, minlength=num * most).reshape(num, most).cumsum(axis=1)
        growth = _growth(np.log(np.maximum(sizes, 1.0)), ages)
        old = ages >= 1
        first = np.where(old, sizes[:, 0], 0.0)
        mean_first = float(first[old].mean()) if old.any() else 0.0
        curve = np.concatenate([[0.0], growth])  # R(u) / R(1) at u = 0, 1, 2, ...
        steps = np.maximum(np.diff(curve), 0)
        posts = np.bincount(
            np.clip((np.asarray(data.post_times) / hour).astype(np.int64), 0, len(past.counts) - 1),
            np.asarray(data.post_times) >= 0, len(past.counts),
        )  # fmt: skip
        features, ahead = past.features, past.features_ahead
        if not features.shape[1]:
            features, ahead = np.ones((len(past.counts), 1)), np.ones((bins, 1))
        precision = np.full(features.shape[1], self.shrink)
        beta = poisson_map(features, posts, precision=precision)
        coming = np.exp(ahead @ beta)
        reposts = np.zeros(bins)
        begin = np.floor(ages).astype(np.int64)
        start = np.where(old, first, mean_first)
        for b in range(bins):
            reposts[b] = np.sum(start * steps[np.minimum(np.maximum(begin, 0) + b, most - 1)])
        reposts += mean_first * np.convolve(coming, steps[:bins])[:bins]
        mean = coming + reposts
        level = np.full(len(past.counts), past.counts.mean())
        return CountForecast(mean, size_of(past.counts, level, 1))


def _growth(logs: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """`exp(a_u + s_u^2 / 2)` for u = 1, 2, ...; beyond the oldest post, that of the oldest."""
    hours = logs.shape[1]
    out = np.ones(hours)
    for u in range(1, hours):
        seen = ages >= u + 1
        if seen.sum() < 2:
            out[u:] = out[u - 1]
            break
        gain = logs[seen, u] - logs[seen, 0]
        out[u] = np.exp(gain.mean() + gain.var(ddof=1) / 2)
    return out
