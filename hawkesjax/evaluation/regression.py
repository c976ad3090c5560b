"""Negative binomial regression of counts on covariates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy
from jaxtyping import Float
from scipy import special

from hawkesjax.core.kept import Kept
from hawkesjax.core.record import recorded
from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.evaluation.fitting import poisson_map
from hawkesjax.evaluation.local import likely_size
from hawkesjax.evaluation.past import features_of
from hawkesjax.evaluation.series import CountSeries
from hawkesjax.inputs.arguments import Level, Whole, checked
from hawkesjax.inputs.checks import listed
from hawkesjax.inputs.clock import SECONDS

DISPERSION = "dispersion"
LARGEST = 0.9e5  # sizes from here on are no different from Poisson


@dataclass(frozen=True, eq=False, repr=False)
class CountRegression(Kept):
    """A negative binomial regression at its maximum.

    Args:
        feature_names: F names.
        beta: (F,) log effects; of the intercept the log rate per `unit`.
        size: of the negative binomial, whose variance is `mean + mean**2 / size`.
        covariance: (F + 1, F + 1) of beta and log size, where neighbouring bins may depend on
            each other.
        independent: the same if they did not: the inverse of the observed information.
        log_likelihood: at the maximum, nats.
        bins: bins with a count.
        lags: bins over which dependence is counted.
        unit: of the rate.
        record: of the run (`hawkesjax.core.record`).
    """

    feature_names: tuple[str, ...]
    beta: Float[np.ndarray, " features"]
    size: float
    covariance: Float[np.ndarray, "coefficients coefficients"]
    independent: Float[np.ndarray, "coefficients coefficients"]
    log_likelihood: float
    bins: int
    lags: int
    unit: str
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def dispersion(self) -> float:
        """1 / size: by how much of the squared mean the variance exceeds the mean."""
        return 1 / self.size

    def means(self, series: CountSeries) -> Float[np.ndarray, " bins"]:
        """(B,) mean count of each bin of a series with these covariates, those in gaps included."""
        x, names = design_of(series)
        if names != self.feature_names:
            raise ValueError(
                f"The series has the features {listed(names, 5)}, the regression "
                f"{listed(self.feature_names, 5)}. Give the same, in the same order."
            )
        return series.width.total_seconds() / SECONDS[series.unit] * np.exp(x @ self.beta)

    @checked
    def summary(self, level: Level = 0.95) -> pd.DataFrame:
        """One row per feature, and one of the dispersion.

        Args:
            level: of the intervals.

        Returns:
            `estimate` and its `standard_error`, `independent` (the standard error if bins did not
            depend on each other), `ratio` exp(estimate) with the ends of its interval. The row of
            the dispersion has the estimate of log(1 / size), and the dispersion as its ratio.
        """
        value = np.append(self.beta, -np.log(self.size))
        error, alone = (np.sqrt(np.diag(c)) for c in (self.covariance, self.independent))
        z = scipy.stats.norm.ppf((1 + level) / 2)
        with np.errstate(over="ignore"):
            ends = np.exp([value - z * error, value, value + z * error])
        names = pd.Index([*self.feature_names, DISPERSION], name="feature")
        columns = ("estimate", "standard_error", "independent", "ratio", "low", "high")
        rows = (value, error, alone, ends[1], ends[0], ends[2])
        return pd.DataFrame(dict(zip(columns, rows, strict=True)), index=names)

    def __repr__(self) -> str:
        head = (
            f"CountRegression: {self.bins:,} bins, log-likelihood {self.log_likelihood:,.2f}, "
            f"dispersion {self.dispersion:.4g}; standard errors over {self.lags} lags, 95 % "
            f"intervals"
        )
        lines = [head, self.summary().to_string(float_format=lambda x: f"{x:.4g}")]
        if self.size > LARGEST:
            lines.append("The counts vary no more than those of a Poisson process.")
        return "\n".join(lines)


@recorded
@checked
def count_regression(series: CountSeries, *, lags: Whole | None = None) -> CountRegression:
    r"""Counts as a negative binomial whose mean depends on covariates, by maximum likelihood.

    .. math:: y_h \sim NB(m_h, \mathrm{size}), \quad \log m_h = \log w + \beta \cdot C_h, \quad
              \mathrm{Var}\, y_h = m_h + m_h^2 / \mathrm{size}

    with w the length of a bin. Standard errors are those of the sandwich `A^-1 B A^-1`: A the
    observed information of beta and log size together, B the sum of products of the scores of bins
    up to `lags` apart with weights `1 - k / (lags + 1)`. Hours that resemble their neighbours make
    the usual errors too small; so does a Poisson regression of counts that vary more.

    Args:
        series: the counts with their covariates; without any, an intercept alone. Bins in gaps are
            left out.
        lags: bins over which counts depend on each other; 0: none. By default those of a day.

    Raises:
        ValueError: for features that cannot be told apart, and without a count above 0.

    Example:
        >>> hours = pd.date_range("2024-03-04", periods=24 * 28, freq="h", tz="UTC")
        >>> counts = pd.Series(np.random.default_rng(0).poisson(9, len(hours)), index=hours)
        >>> fit = hj.count_regression(hj.CountSeries.from_series(counts))
        >>> bool(8 < fit.summary().loc["intercept", "ratio"] < 10)
        True

    Source: Lawless (1987), Canadian J. Statist. 15, 209-225; Newey and West (1987), Econometrica
    55, 703-708.
    """
    if not isinstance(series, CountSeries):
        raise ValueError(f"series is a {type(series).__name__}; give a CountSeries.")
    kept = series.observed
    x, names = design_of(series)
    own, y = x[kept], series.counts[kept]
    _refuse_collinear(own, names)
    width = series.width.total_seconds() / SECONDS[series.unit]
    beta, size = _maximum(own, y, width)
    mean = width * np.exp(own @ beta)
    scores, information = _derivatives(own, y, mean, size)
    full = np.zeros((series.num_bins, scores.shape[1]))  # gaps keep their length
    full[kept] = scores
    if lags is None:
        lags = max(1, round(pd.Timedelta(days=1) / series.width))
    middle = full.T @ full
    for k in range(1, min(lags, len(full) - 1) + 1):
        product = full[k:].T @ full[:-k]
        middle += (1 - k / (lags + 1)) * (product + product.T)
    independent = np.linalg.pinv(information, hermitian=True)
    law: Any = scipy.stats.nbinom(size, size / (size + mean))
    return CountRegression(
        feature_names=tuple(names),
        beta=beta,
        size=size,
        covariance=independent @ middle @ independent,
        independent=independent,
        log_likelihood=float(law.logpmf(y).sum()),
        bins=int(kept.sum()),
        lags=int(lags),
        unit=series.unit,
    )


def design_of(series: CountSeries) -> tuple[Float[np.ndarray, "bins features"], tuple[str, ...]]:
    """Features of each bin and their names, the intercept among them."""
    if series.covariates is None:
        return np.ones((series.num_bins, 1)), (INTERCEPT,)
    x, names = features_of(series.covariates, series.index, series.width)
    if INTERCEPT in names:
        return np.asarray(x), tuple(names)
    return np.c_[np.ones(len(x)), x], (INTERCEPT, *names)


def _refuse_collinear(x: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse features that are sums of those before them."""
    scale = np.maximum(np.linalg.norm(x, axis=0), 1e-300)
    corner = np.abs(np.diag(np.linalg.qr(x / scale, mode="r")))
    rest = np.zeros(x.shape[1])
    rest[: len(corner)] = corner
    bad = [name for name, part in zip(names, rest, strict=True) if part < 1e-9]
    if bad:
        raise ValueError(
            f"The features {listed(bad, 5)} are determined by the others in the bins that were "
            f"watched, so their effects cannot be told apart. Leave them out."
        )


def _maximum(x: np.ndarray, y: np.ndarray, width: float) -> tuple[np.ndarray, float]:
    """Coefficients and size: each in turn at its maximum given the other, until both stay."""
    size, each = np.inf, np.ones(len(y))
    beta = poisson_map(x, y, exposure=width * each)
    for _ in range(100):
        mean = width * np.exp(x @ beta)
        size = likely_size(y, np.arange(len(y)), mean, each)
        before = beta
        for _ in range(50):
            mean = width * np.exp(x @ beta)
            weight = mean / (1 + mean / size)
            slope = x.T @ ((y - mean) / (1 + mean / size))
            step = np.linalg.solve((x * weight[:, None]).T @ x, slope)
            beta = beta + step * min(1.0, 2 / max(np.abs(x @ step).max(), 1e-300))
            if np.abs(x @ step).max() < 1e-10:
                break
        if np.abs(x @ (beta - before)).max() < 1e-7:
            break
    return beta, size


def _derivatives(
    x: np.ndarray, y: np.ndarray, mean: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of each bin by beta and log size, and the observed information."""

    def by_size(log_size: float) -> np.ndarray:
        s = np.exp(log_size)
        parts = special.digamma(y + s) - special.digamma(s) - np.log1p(mean / s)
        return s * (parts + (mean - y) / (s + mean))

    share = size / (size + mean)
    scores = np.c_[x * ((y - mean) * share)[:, None], by_size(np.log(size))]
    weight = mean * (1 + y / size) * share**2
    cross = x.T @ ((y - mean) * share * (1 - share))
    h = 1e-4
    last = (by_size(np.log(size) + h).sum() - by_size(np.log(size) - h).sum()) / (2 * h)
    top = np.c_[(x * weight[:, None]).T @ x, -cross]
    return scores, np.r_[top, [np.append(-cross, max(-last, 1e-12))]]
