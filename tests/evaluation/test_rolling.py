"""Evaluation with a rolling origin: nothing of what comes after a cut, and scores by hand."""

import os

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation import forecasters as b
from hawkesjax.evaluation.counts import CountForecast, pearson, scores
from hawkesjax.evaluation.fitting import poisson_map
from hawkesjax.evaluation.rolling import cuts_of, rolling

ALL = {
    "hour of week": b.HourOfWeek(),
    "calendar": b.ShrunkenCalendar(),
    "local": b.LocalCalendar(),
    "regression": b.PoissonRegression(),
    "last": b.LastValue(),
    "constant": b.Constant(),
}


def series(days=60, zone="Europe/Madrid", start="2024-03-01", seed=0):
    """Counts by day and hour, across the night in which clocks go forward."""
    index = pd.date_range(start, periods=24 * days, freq="h", tz=zone)
    rate = 9 + 5 * np.sin(2 * np.pi * (index.hour - 9) / 24) - 3 * (index.day_of_week >= 5)
    return pd.Series(np.random.default_rng(seed).poisson(rate).astype(float), index=index)


def covariates(counts):
    window = (counts.index[0], counts.index[-1] + pd.Timedelta(hours=1))
    zone = str(counts.index.tz)
    return Covariates.calendar(window, unit="day", timezone=zone)


SCHEMES = [
    (411 * 24, "expanding", 25),
    (339 * 24, "expanding", 21),
    (339 * 24, "sliding", 21),
    (38 * 24, "expanding", 1),
]


@pytest.mark.parametrize("bins, scheme, number", SCHEMES)
def test_folds_are_those_of_the_protocol(bins, scheme, number):
    cuts = cuts_of(bins, first=720, step=360, ahead=192, scheme=scheme)
    assert len(cuts) == number
    for k, (start, cut, end) in enumerate(cuts):
        assert (cut, end - cut) == (24 * (30 + 15 * k), 192)
        assert start == (0 if scheme == "expanding" else cut - 720)
    assert cuts[-1][2] <= bins < cuts[-1][2] + 360


def test_nothing_of_the_future_reaches_a_forecaster():
    """Whatever comes after a cut, the forecasts are the same."""
    counts = series()
    features = covariates(counts)
    first = rolling(counts, ALL, covariates=features, step="30D")
    changed = counts.copy()
    changed.iloc[30 * 24 :] = 77.0
    second = rolling(changed, ALL, covariates=features, step="30D")
    for name in ALL:
        before, after = first.forecasts[name, 0], second.forecasts[name, 0]
        np.testing.assert_array_equal(before.mean, after.mean)
        np.testing.assert_array_equal(before.size, after.size)
    assert len(first.cuts) == 1


def test_features_and_data_are_cut_at_the_same_place():
    counts = series()
    seen = []

    class Source:
        def between(self, a, b):
            return (a, b)

    def look(past):
        seen.append(past)
        return CountForecast(np.ones(len(past.ahead)))

    rolling(counts, {"look": look}, covariates=covariates(counts), data=Source(), scheme="sliding")
    seen = seen[::-1]  # the longest training stretch comes first
    assert [past.data for past in seen] == [
        (counts.index[a], counts.index[c]) for a, c in ((0, 720), (360, 1080))
    ]
    for past in seen:
        assert past.index[-1] + pd.Timedelta(hours=1) == past.ahead[0]
        hour = [f"hour={h}" for h in past.ahead.hour]
        for row, name in zip(past.features_ahead, hour, strict=True):
            if name != "hour=0":
                assert row[past.feature_names.index(name)] == 1


def test_scores_by_hand():
    counts = np.array([0.0, 2.0, 5.0, 1.0])
    told = CountForecast(np.array([1.0, 2.0, 3.0, 4.0]), size=2.0)
    found = scores(counts, told)
    assert found["mae"] == pytest.approx((1 + 0 + 2 + 3) / 4)
    assert found["pearson"] == pytest.approx(stats.pearsonr(counts, told.mean).statistic)
    law = stats.nbinom(2, 2 / (2 + told.mean))
    assert found["log_score"] == pytest.approx(law.logpmf(counts).mean())
    inside = (counts >= law.ppf(0.1)) & (counts <= law.ppf(0.9))
    assert found["coverage"] == inside.mean()
    np.testing.assert_allclose(law.var(), told.mean + told.mean**2 / 2)


def test_a_large_size_is_poisson_and_draws_have_their_own_quantiles():
    mean = np.array([0.5, 30.0])
    found = CountForecast(mean).log_density(np.array([1.0, 25.0]))
    np.testing.assert_allclose(found, stats.poisson(mean).logpmf([1, 25]), rtol=1e-5)
    draws = stats.nbinom(3, 3 / (3 + mean)).rvs((20_000, 2), random_state=1)
    told = CountForecast(draws.mean(axis=0), draws=draws)
    exact = stats.nbinom(3, 3 / (3 + mean)).logpmf([1, 25])
    np.testing.assert_allclose(told.log_density(np.array([1, 25])), exact, atol=0.05)
    low, high = told.interval(0.8)
    assert np.all(np.mean((draws >= low) & (draws <= high), axis=0) >= 0.8)
    nothing = CountForecast(np.zeros(2), draws=np.zeros((50, 2)))
    assert np.all(np.isfinite(nothing.log_density(np.array([0, 3]))))


@pytest.mark.parametrize("constant", [np.zeros(4), np.full(4, 0.1), np.full(4, 1e9)])
def test_a_constant_forecast_has_no_correlation(constant):
    assert pearson(np.arange(4.0), constant) == 0.0
    assert pearson(constant, np.arange(4.0)) == 0.0


def test_the_regression_is_at_the_maximum():
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(200), rng.standard_normal((200, 3))])
    y = rng.poisson(np.exp(0.5 + 0.4 * x[:, 1]))
    weights, exposure = rng.uniform(0.2, 1, 200), rng.uniform(0.5, 2, 200)
    precision = np.array([0.0, 1.0, 4.0, 25.0])

    def loss(beta):
        eta = x @ beta
        fit = weights @ (y * eta - exposure * np.exp(eta))
        return -fit + 0.5 * precision @ beta**2

    found = poisson_map(x, y, precision=precision, weights=weights, exposure=exposure)
    best = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(found, best.x, atol=1e-6)


def test_what_cannot_be_learned_has_no_effect():
    """A feature that is 0 throughout training, and two that are the same."""
    x = np.ones((50, 4))
    x[:, 1] = 0
    x[:, 2] = x[:, 3] = np.arange(50) % 2
    y = 3.0 + 3 * x[:, 2]
    found = poisson_map(x, y)
    np.testing.assert_allclose(found, [np.log(3), 0, np.log(2) / 2, np.log(2) / 2], atol=1e-6)
    with pytest.raises(ValueError, match="All training counts are 0"):
        poisson_map(x, np.zeros(50))


def test_hour_of_week_is_on_the_local_clock():
    counts = series(days=40, start="2024-03-10")  # clocks go forward on the 31st
    marked = pd.Series(np.where(counts.index.hour == 9, 50.0, 1.0), index=counts.index)
    found = rolling(marked, {"hours": b.HourOfWeek()}, first="14D", ahead="14D")
    assert found.folds["mae"].max() == 0.0


def test_shrinking_lies_between_the_sum_of_effects_and_the_hour_of_week():
    counts = series(days=60)
    cut = {"first": "50D", "step": "50D", "ahead": "8D"}
    told = {
        sd: rolling(counts, {"c": b.ShrunkenCalendar(np.inf, 50, 50, sd)}, **cut)
        for sd in (1e-4, 0.1, 1e3)
    }
    mean = {sd: found.forecasts["c", 0].mean for sd, found in told.items()}
    hours = rolling(counts, {"h": b.HourOfWeek()}, **cut).forecasts["h", 0].mean
    onehot = rolling(counts, {"r": b.PoissonRegression()}, covariates=covariates(counts), **cut)
    np.testing.assert_allclose(mean[1e3], hours, rtol=1e-3)
    np.testing.assert_allclose(mean[1e-4], onehot.forecasts["r", 0].mean, rtol=1e-2)
    apart = [np.abs(mean[sd] - hours).mean() for sd in (1e-4, 0.1, 1e3)]
    assert apart[0] > apart[1] > apart[2]


def test_intervals_hold_what_they_say():
    rng = np.random.default_rng(3)
    counts = series(days=250)
    spread = rng.gamma(5, 1 / 5, len(counts))
    counts[:] = rng.poisson(counts.to_numpy() * spread)
    found = rolling(counts, {"c": b.ShrunkenCalendar(half_life=np.inf)}, step="45D").summary()
    assert 0.77 <= found.loc["c", ("coverage", "mean")] <= 0.83


BAD = [
    ("gap", lambda c: c.drop(c.index[5]), "another spacing"),
    ("negative", lambda c: c.where(c.index != c.index[3], -1), "no count"),
    ("missing", lambda c: c.where(c.index != c.index[3], np.nan), "no count"),
    ("half", lambda c: c + 0.5, "no count"),
    ("numbers", lambda c: c.reset_index(drop=True), "datetimes"),
    ("short", lambda c: c.iloc[:800], "the first fold needs"),
    ("one", lambda c: c.iloc[:1], "at least two"),
]


@pytest.mark.parametrize("change, match", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_series_are_refused(change, match):
    with pytest.raises(ValueError, match=match):
        rolling(change(series(days=40)), ALL)


def test_bad_calls_are_refused():
    counts = series(days=40)
    for options, match in (
        ({"step": "90min"}, "whole number of bins"),
        ({"level": 1.0}, "level"),
        ({"scheme": "growing"}, "scheme"),
    ):
        with pytest.raises(ValueError, match=match):
            rolling(counts, ALL, **options)
    with pytest.raises(ValueError, match="forecaster"):
        rolling(counts, {})
    half = pd.DataFrame({"at": [counts.index[0], counts.index[9] + pd.Timedelta("30min")], "x": 0})
    half.loc[1, "x"] = 1
    uneven = Covariates.from_dataframe(
        half, time="at", until=counts.index[-1] + pd.Timedelta("1h"), unit="day"
    )
    with pytest.raises(ValueError, match="change within the bin"):
        rolling(counts, ALL, covariates=uneven)
    with pytest.raises(ValueError, match=r"cut at 2024-03-31.*negative or not finite"):
        rolling(counts, {"bad": lambda past: CountForecast(np.full(len(past.ahead), np.nan))})


def events_of(folder, country, counts):
    """The country's listed events, whole local days."""
    table = pd.read_csv(os.path.join(folder, "events.csv")).query("country == @country")
    last = pd.to_datetime(table["last_day"]) + pd.Timedelta(days=1)
    return Covariates.intervals(
        table.assign(start=pd.to_datetime(table["first_day"]), end=last), start="start", end="end",
        kind="kind", window=(counts.index[0], counts.index[-1] + pd.Timedelta(hours=1)),
        unit="day", timezone=str(counts.index.tz),
    )  # fmt: skip


TARGETS = {  # MAE and Pearson: hour-of-week mean, numeric coding with events; fixed offsets
    "ES": ("Europe/Madrid", "Etc/GMT-1", (8.07, 0.885), (15.23, 0.41)),
    "UK": ("Europe/London", "UTC", (3.95, 0.80), (6.26, 0.42)),
    "US": ("America/New_York", "Etc/GMT+5", (5.08, 0.82), (7.91, 0.51)),
}


@pytest.mark.slow
@pytest.mark.parametrize("country", list(TARGETS))
def test_counts_of_news_accounts(real_data, country):
    """The hour-of-week mean and the paper's coding, with the country's events, are where they were
    measured; the shrunken calendar beats both, on local clocks and on fixed offsets."""
    folder = real_data("news_tweet_counts")
    table = pd.read_csv(os.path.join(folder, f"hourly_{country}.csv"))
    utc = pd.DatetimeIndex(pd.to_datetime(table["hour_utc"], utc=True))
    local, fixed, hours, numeric = TARGETS[country]
    for zone in (fixed, local):
        counts = pd.Series(table["total"].to_numpy(float), index=utc.tz_convert(zone))
        window = (counts.index[0], counts.index[-1] + pd.Timedelta(hours=1))
        coding = Covariates.calendar(
            window, unit="day", timezone=zone, features=["day", "halfday"], coding="numeric"
        )
        coding = coding.join(events_of(folder, country, counts))
        names = ("hour of week", "calendar", "regression")
        found = rolling(counts, {name: ALL[name] for name in names}, covariates=coding).summary()
        mae, correlation = found[("mae", "mean")], found[("pearson", "mean")]
        if zone == fixed:
            np.testing.assert_allclose(mae["hour of week"], hours[0], atol=0.006)
            np.testing.assert_allclose(correlation["hour of week"], hours[1], atol=0.006)
            np.testing.assert_allclose(mae["regression"], numeric[0], atol=0.006)
            np.testing.assert_allclose(correlation["regression"], numeric[1], atol=0.006)
        assert mae["calendar"] < mae["hour of week"]
        assert correlation["calendar"] > correlation["hour of week"]


@pytest.mark.slow
@pytest.mark.parametrize("country, code", [("ES", "ES"), ("UK", "GB"), ("US", "US")])
def test_the_local_calendar_beats_the_hour_of_week(real_data, country, code):
    """By five per cent and more, with the country's holidays, and with intervals that hold."""
    pytest.importorskip("holidays")
    table = pd.read_csv(os.path.join(real_data("news_tweet_counts"), f"hourly_{country}.csv"))
    zone = TARGETS[country][0]
    utc = pd.DatetimeIndex(pd.to_datetime(table["hour_utc"], utc=True))
    counts = pd.Series(table["total"].to_numpy(float), index=utc.tz_convert(zone))
    window = (counts.index[0], counts.index[-1] + pd.Timedelta(hours=1))
    days = Covariates.calendar(window, unit="day", timezone=zone, features=[], holidays=code)
    names = ("hour of week", "local")
    found = rolling(counts, {name: ALL[name] for name in names}, covariates=days).summary()
    mae, crps = found[("mae", "mean")], found[("crps", "mean")]
    assert mae["local"] < 0.95 * mae["hour of week"] and crps["local"] < crps["hour of week"]
    assert 0.77 <= found.loc["local", ("coverage", "mean")] <= 0.83
