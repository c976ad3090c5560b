"""Negative binomial regression: its maximum, its errors, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import hawkesjax as hj

TRUTH = np.array([np.log(6.0), -0.5, 0.4])


def made(days=40, size=2.0, seed=0, memory=0.0):
    """Counts with two features; `memory` is the correlation of the hidden factor of neighbours."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-04-01", periods=24 * days, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {
            "time": index,
            "weekend": (index.day_of_week >= 5).astype(float),
            "heat": np.sin(2 * np.pi * index.hour / 24),
        }
    )
    noise = rng.standard_normal(len(index))
    for k in range(1, len(noise)):
        noise[k] = memory * noise[k - 1] + np.sqrt(1 - memory**2) * noise[k]
    factor = stats.gamma(size, scale=1 / size).ppf(stats.norm.cdf(noise))
    mean = np.exp(np.c_[np.ones(len(index)), frame[["weekend", "heat"]]] @ TRUTH)
    counts = pd.Series(rng.poisson(mean * factor), index=index)
    features = hj.Covariates.from_dataframe(
        frame, time="time", until=index[-1] + pd.Timedelta("1h"), unit="hour"
    )
    return hj.CountSeries.from_series(counts, covariates=features)


def test_it_is_at_the_maximum_and_its_information_is_that_of_differences():
    series = made(days=20)
    found = hj.count_regression(series, lags=0)
    x = np.c_[
        np.ones(series.num_bins), series.covariates.select(["weekend", "heat"]).at(series.index)
    ]

    def loss(theta):
        mean, size = np.exp(x @ theta[:3]), np.exp(theta[3])
        return -stats.nbinom(size, size / (size + mean)).logpmf(series.counts).sum()

    best = optimize.minimize(loss, np.r_[TRUTH, 0.5], method="BFGS").x
    theta = np.append(found.beta, np.log(found.size))
    np.testing.assert_allclose(theta, best, atol=2e-3)
    assert found.log_likelihood == pytest.approx(-loss(theta))
    h, curvature = 1e-3, np.zeros((4, 4))
    for i, j in np.ndindex(4, 4):
        a, b = np.eye(4)[i] * h, np.eye(4)[j] * h
        corners = loss(theta + a + b) - loss(theta + a - b) - loss(theta - a + b)
        curvature[i, j] = (corners + loss(theta - a - b)) / (4 * h * h)
    np.testing.assert_allclose(found.independent, np.linalg.inv(curvature), rtol=0.01, atol=1e-6)


@pytest.mark.parametrize("memory, lags", [(0.0, 0), (0.8, 24)])
def test_intervals_hold_the_truth(memory, lags):
    """Where neighbours resemble each other, errors that ignore it are too small."""
    held, alone, number = 0, 0, 40
    for seed in range(number):
        found = hj.count_regression(made(days=30, seed=seed, memory=memory), lags=lags)
        apart = np.abs(found.beta - TRUTH)
        held += np.mean(apart < 1.96 * np.sqrt(np.diag(found.covariance))[:3])
        alone += np.mean(apart < 1.96 * np.sqrt(np.diag(found.independent))[:3])
    assert held / number > 0.87
    if memory:
        assert alone / number < held / number - 0.05


def test_gaps_units_and_poisson_counts():
    series = made(days=20)
    whole = hj.count_regression(series)
    lost = series.to_series()
    lost.iloc[50:70] = np.nan
    part = hj.count_regression(
        hj.CountSeries.from_series(lost, covariates=series.covariates), lags=24
    )
    assert part.bins == series.num_bins - 20 and whole.lags == part.lags == 24
    daily = hj.CountSeries.from_series(series.to_series(), unit="day")
    rate = hj.count_regression(daily).summary().loc["intercept", "ratio"]
    assert rate == pytest.approx(24 * series.counts.mean(), rel=1e-6)
    index = series.index
    even = pd.Series(np.resize([4, 5], len(index)), index=index)
    found = hj.count_regression(hj.CountSeries.from_series(even))
    assert "no more than those of a Poisson" in repr(found)


def test_what_cannot_be_told_apart_is_refused():
    series = made(days=20)
    weekend = series.covariates.select(["weekend"])
    twice = hj.Covariates(
        weekend.edges, 2 * weekend.values, ("again",), weekend.unit, weekend.origin
    )
    with pytest.raises(ValueError, match="'again' are determined by the others"):
        hj.count_regression(series.with_covariates(twice))
    with pytest.raises(ValueError, match="counts are 0"):
        hj.count_regression(hj.CountSeries.from_series(0 * series.to_series()))
    with pytest.raises(ValueError, match="CountSeries"):
        hj.count_regression(series.to_series())
