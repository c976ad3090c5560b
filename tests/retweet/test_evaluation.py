"""Forecasts of hourly posts and reposts, scored on simulated data whose law is known."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.core.fit import ConvergenceWarning
from hawkesjax.evaluation.forecasters import Constant
from hawkesjax.evaluation.rolling import Past, rolling
from hawkesjax.retweet.evaluation import LogLinearReposts, RetweetForecaster
from hawkesjax.retweet.hourly import counts_between, hourly_counts

ZONE = "Europe/Madrid"
START = pd.Timestamp("2024-03-24", tz=ZONE)
TRUTH = {
    "beta": np.array([0.0, -1.0]),
    "tau": 20.0,
    "r0": 0.1,
    "phi0": 3.0,
    "p0_mean": 1e-3,
    "p0_shape": 2.0,
}
MODEL = hj.RetweetHawkes()


@pytest.fixture(scope="module")
def data():
    """Sixteen days across the night in which clocks go forward."""
    end = START + pd.Timedelta(days=16)
    halves = hj.Covariates.calendar((START, end), unit="hour", timezone=ZONE, features=["halfday"])
    return hj.simulate(
        MODEL, TRUTH, key=jax.random.key(0), covariates=halves,
        followers=[0, 20, 100, 300, 600], post_followers=[500, 2000, 9000], sentiment=[1, 3],
    )  # fmt: skip


def test_hours_hold_every_event_on_the_local_clock(data):
    counts = hourly_counts(data)
    assert counts.index[0] == START and str(counts.index.tz) == ZONE
    assert len(counts) == 16 * 24
    assert counts.sum() == data.num_posts + data.num_reposts and counts.attrs["left out"] == 0
    times = pd.Series(START + pd.to_timedelta(np.concatenate([data.post_times, data.times]), "h"))
    slow = times.dt.tz_convert("UTC").dt.floor("h").value_counts().sort_index()
    found = counts[counts > 0]
    np.testing.assert_array_equal(found.index.tz_convert("UTC"), slow.index)
    np.testing.assert_array_equal(found, slow)


def test_an_evaluation_scores_the_forecast_on_what_came(data):
    cut = START + pd.Timedelta(days=12)
    found = hj.evaluate(MODEL, TRUTH, data, cut=cut, key=jax.random.key(1), draws=60, horizon=72.0)
    counts = hourly_counts(data)
    came = counts[(counts.index >= cut) & (counts.index < cut + pd.Timedelta(hours=72))]
    np.testing.assert_array_equal(found.observed, came)
    assert found.scores["mae"] == pytest.approx(np.mean(np.abs(came - found.forecast.counts.mean)))
    assert 0.7 < found.scores["coverage"] <= 1
    assert "72 bins" in repr(found)
    for bad in (START, START + pd.Timedelta(days=14)):
        with pytest.raises(ValueError, match="does not reach"):
            hj.evaluate(MODEL, TRUTH, data, cut=bad, key=jax.random.key(1), horizon=72.0)


def test_fold_by_fold_the_model_beats_a_constant(data):
    forecasters = {
        "model": RetweetForecaster(MODEL, jax.random.key(2), draws=30),
        "log-linear": LogLinearReposts(),
        "constant": Constant(),
    }
    options = {"covariates": data.covariates, "data": data}
    lengths = {"first": "12D", "step": "3D", "ahead": "3D"}
    found = rolling(hourly_counts(data), forecasters, **options, **lengths)
    table = found.summary()
    assert table.loc["model", ("mae", "mean")] < table.loc["constant", ("mae", "mean")]
    assert table.loc["model", ("pearson", "mean")] > 0
    assert table.loc["model", ("log_score", "mean")] > table.loc["constant", ("log_score", "mean")]
    for name in ("model", "log-linear"):
        with pytest.raises(ValueError, match="rolling"):
            rolling(hourly_counts(data), {name: forecasters[name]}, **lengths)


def test_a_fold_that_cannot_be_fitted_says_so(data):
    """No post before the cut is refused; a search that stops early is told with the cut's time."""
    hours = hourly_counts(data).index
    nothing = np.zeros((len(hours), 0))

    def past(days, source):
        known, ahead = hours[: 24 * days], hours[24 * days : 24 * days + 24]
        cut = source.between(START, ahead[0])
        counts = np.ones(len(known))
        return Past(counts, known, ahead, nothing[: len(known)], nothing[:24], (), cut)

    forecaster = RetweetForecaster(MODEL, jax.random.key(2), draws=2, max_steps=1)
    start = START + pd.to_timedelta([40.0], "h")
    late = hj.Cascades.from_arrays(
        start, [10], start[:0], [], [], window=(START, START + pd.Timedelta(days=3)), unit="hour",
        timezone=ZONE,
    )  # fmt: skip
    with pytest.raises(ValueError, match="No post lies in the window"):
        forecaster(past(1, late))
    with pytest.warns(ConvergenceWarning, match="before 2024-04-05 01:00:00.* did not converge"):
        forecaster(past(12, data))


def test_the_log_linear_forecast_by_hand():
    """Two old posts of the same course, one young one, none to come."""
    start = pd.Timestamp("2024-01-01", tz="UTC")
    hours = [0.5, 0.6, 1.5, 1.6, 2.5]  # 2, 4, 5, 5, ... reposts
    times = np.concatenate([np.array(hours), 1 + np.array(hours), [9.9]])
    data = hj.Cascades.from_arrays(
        start + pd.to_timedelta([0.0, 1.0, 9.5], "h"), [10, 10, 10],
        start + pd.to_timedelta(times, "h"), np.ones(11), np.repeat([0, 1, 2], [5, 5, 1]),
        window=(start, start + pd.Timedelta(hours=10)), unit="hour",
    )  # fmt: skip
    index = pd.date_range(start, periods=10, freq="h")
    nothing = np.zeros((10, 0))
    past = Past(
        np.ones(10), index, index[:4] + pd.Timedelta(hours=10), nothing, nothing[:4], (), data
    )
    told = LogLinearReposts()(past)
    posts = 0.3  # three posts in ten hours
    growth = np.diff([0.0, 1.0, 2.0, 2.5, 2.5])  # of R(u) / R(1)
    young = 2 * np.array([1.0, 1.0, 0.5, 0.0])  # not yet an hour old: the mean first hour
    new = posts * 2 * np.convolve(np.ones(4), growth)[:4]
    np.testing.assert_allclose(told.mean, posts + young + new, rtol=1e-4)


def test_counts_need_dates_and_hours():
    plain = hj.Cascades.from_arrays([1.0], [10], [2.0], [1], [0], window=(0, 5), unit="hour")
    with pytest.raises(ValueError, match="no dates"):
        hourly_counts(plain)
    np.testing.assert_array_equal(counts_between(plain, np.array([0.0, 1, 2, 3])), [0, 1, 1])


def test_events_of_broken_hours_are_counted_as_left_out():
    """Half an hour at each end; a post before the window is no event of it."""
    start = pd.Timestamp("2024-01-01 00:30", tz="UTC")
    data = hj.Cascades.from_arrays(
        start + pd.to_timedelta([-1.0, 0.25, 1.0], "h"), [10, 10, 10],
        start + pd.to_timedelta([0.4, 0.5, 1.5, 2.75, 2.9], "h"), np.ones(5), [0, 1, 1, 2, 2],
        window=(start, start + pd.Timedelta(hours=3)), unit="hour",
    )  # fmt: skip
    counts = hourly_counts(data)
    assert counts.tolist() == [2, 1] and counts.attrs["left out"] == 4


def test_an_hour_that_comes_twice_is_counted_twice():
    start = pd.Timestamp("2024-10-26", tz="Europe/Madrid")
    times = start.tz_convert("UTC") + pd.to_timedelta(np.arange(49) + 0.5, unit="h")
    data = hj.Cascades.from_arrays(
        times.tz_convert("Europe/Madrid"), np.ones(49), times[:0].tz_convert("Europe/Madrid"),
        [], [], window=(start, start + pd.Timedelta(days=2) + pd.Timedelta(hours=1)),
        unit="hour", timezone="Europe/Madrid",
    )  # fmt: skip
    counts = hourly_counts(data)
    assert counts.tolist() == [1] * 49
    assert (counts.index.hour == 2).sum() == 3
