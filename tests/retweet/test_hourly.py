"""Counts by the hour as the background of posts, and posts as counts by the hour."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj

ZONE = "Europe/Madrid"
START = pd.Timestamp("2024-03-30", tz=ZONE)  # clocks go forward in the next night
HOURS = 48


def rated():
    """Counts of two days, and what is expected of the next five hours."""
    index = pd.date_range(START, periods=HOURS, freq="h")
    counts = 5 + np.arange(HOURS) % 7
    return hj.CountSeries.from_series(pd.Series(counts, index=index)), np.arange(1.0, 6)


def posts(size=120, seed=0, gaps=None):
    """Posts and a few reposts in these two days."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, HOURS, size))
    times = times[(times < 10) | (times > 12.5)]
    stamps = START + pd.to_timedelta(np.r_[times, times[:30] + 0.3], "h")
    frame = pd.DataFrame({"time": stamps, "id": range(len(stamps)), "followers": 50})
    frame["of"] = pd.array([None] * len(times) + list(range(30)), dtype="Int64")
    data = hj.Cascades.from_dataframe(
        frame, id="id", time="time", followers="followers", repost_of="of", unit="hour",
        window=(START, START + pd.Timedelta(hours=HOURS)), timezone=ZONE, gaps=gaps,
    )  # fmt: skip
    return data, times


def test_a_background_of_counts_is_theirs():
    """The log-likelihood of posts, and the posts that are forecast, by hand."""
    series, ahead = rated()
    known = hj.Covariates.from_counts(series, ahead=ahead)
    data, times = posts()
    with_rate = data.with_covariates(known)
    rest = {"tau": 9.0, "swing": [0.0, 0.0], "p0_mean": 1e-4, "p0_shape": 2.0}
    model = hj.RetweetHawkes()
    found = [model.log_likelihood(rest | {"beta": [b, 1.0]}, with_rate) for b in (0.0, np.log(0.3))]
    total = series.counts.sum()
    slow = [len(times) * b - total * np.exp(b) for b in (0.0, np.log(0.3))]
    np.testing.assert_allclose(found[1] - found[0], slow[1] - slow[0], rtol=1e-9)
    plain = model.log_likelihood(rest | {"beta": [0.0]}, data)
    rate = np.log(series.counts[times.astype(int)]).sum() - total
    np.testing.assert_allclose(found[0] - plain, rate + HOURS, rtol=1e-9)
    told = hj.forecast(
        model, rest | {"beta": [0.0, 1.0]}, with_rate, horizon=5.0, key=jax.random.key(0), draws=2
    )
    np.testing.assert_allclose(told.originals, ahead)


def test_posts_are_counted_by_the_hour_and_gaps_stay_gaps():
    gap = (START + pd.Timedelta(hours=10), START + pd.Timedelta(hours=12.5))
    data, times = posts(gaps=gap)
    found = hj.hourly_posts(data)
    slow = np.bincount(times.astype(int), minlength=HOURS).astype(float)
    slow[10:13] = np.nan
    np.testing.assert_array_equal(found.counts, slow)
    assert found.index[0] == START and found.timezone == ZONE
    end = START + pd.Timedelta(hours=HOURS)
    halves = hj.Covariates.calendar((START, end), unit="hour", timezone=ZONE, features=["halfday"])
    named = hj.hourly_posts(data.with_covariates(halves))
    fit = hj.count_regression(named)
    assert fit.feature_names == named.covariates.feature_names
    means = fit.means(named)
    assert np.isfinite(means).all() and means.shape == (HOURS,)
    seen = np.isfinite(slow)
    np.testing.assert_allclose(means[seen].sum(), slow[seen].sum(), rtol=1e-6)
    known = hj.Covariates.from_counts(named, means=means)
    np.testing.assert_allclose(known.values[:, 1], np.log(means))
    with pytest.raises(ValueError, match="Give the same"):
        fit.means(found)


def test_what_has_no_rate_is_refused():
    series, ahead = rated()
    zero = hj.CountSeries.from_series(series.to_series().where(series.index != START, 0))
    with pytest.raises(
        ValueError, match=r"no rate above 0 in row 0 \(2024-03-30.*count_regression"
    ):
        hj.Covariates.from_counts(zero)
    with pytest.raises(ValueError, match="no rate above 0 in row 50"):
        hj.Covariates.from_counts(series, ahead=[1.0, 2.0, 0.0])
    for given, match in (
        ({"means": ahead}, "the series has 48 bins"),
        ({"ahead": 3.0}, "one mean"),
    ):
        with pytest.raises(ValueError, match=match):
            hj.Covariates.from_counts(series, **given)
    rows = pd.DataFrame({"c": [1, 1], "hours": [0.0, 1.0]})
    apart = hj.Cascades.from_cascades(
        rows, cascade="c", time="hours", followers=None, window=(0, 5), unit="hour"
    )
    with pytest.raises(ValueError, match="they have no hours"):
        hj.hourly_posts(apart)
