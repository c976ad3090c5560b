"""Real posts and reposts, read as their owners hold them, and what can be said of them."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.evaluation import forecasters as baselines
from hawkesjax.evaluation.rolling import rolling
from hawkesjax.retweet.ages import sizes_at
from hawkesjax.retweet.hourly import hourly_counts

ORIGIN = pd.Timestamp("2011-10-07", tz="UTC")  # day 0 of tideh_retweets: see seismic_tweet
POSTED = pd.Timestamp("2011-10-20 12:40:47", tz="UTC")


def tideh(folder, file="sample_10.csv"):
    posts = pd.read_csv(folder / "cascades.csv").set_index("cascade_id")
    start = ORIGIN + pd.to_timedelta((86400 * posts["start_day"]).round(), unit="s")
    return hj.read_cascades(
        folder / file, cascade="cascade_id", time="time_s", followers="followers",
        unit="second", start=start, horizon=7 * 86400,
    )  # fmt: skip


def raw_tweets(real_data):
    return hj.read_cascades(
        real_data("evently_tweets") / "tweets.csv", id="tweet_id", time="created_at",
        followers="followers", repost_of="retweeted_id", unit="hour",
        timezone="Australia/Sydney",
    )  # fmt: skip


def test_a_raw_table_of_tweets(real_data):
    tweets = raw_tweets(real_data)
    assert (tweets.num_posts, tweets.num_reposts, tweets.counts.max()) == (312, 47, 26)
    assert set(tweets.describe()["count"].tail(2)) == {0}  # nobody has zero followers


@pytest.mark.slow
def test_a_raw_table_can_be_fitted(real_data):
    tweets = raw_tweets(real_data)
    mle = hj.fit(hj.RetweetHawkes(), tweets)
    assert mle.converged, mle.message
    rate = tweets.num_posts / (tweets.window[1] - tweets.window[0])
    assert float(np.exp(mle.params["beta"][0])) == pytest.approx(rate, rel=1e-4)
    phase = float(mle.params["phi0"]) / 24 % 1 * 1440
    hour, minute = mle.rhythm().loc["phi0, time of day", "mean"].split(":")
    assert abs(60 * int(hour) + int(minute) - phase) <= 0.5


def small_cascades(real_data):
    return hj.read_cascades(
        real_data("auspol_cascades") / "events.csv", cascade="cascade_id", time="time_s",
        followers="followers", unit="second", horizon=7 * 86400, late="drop", sentiment=0,
    )  # fmt: skip


def test_many_small_cascades_of_unknown_dates(real_data):
    """Late reposts reach years, half have none, and without dates there is no time of day."""
    path = real_data("auspol_cascades") / "events.csv"
    columns = {"cascade": "cascade_id", "time": "time_s", "followers": "followers"}
    with pytest.raises(
        ValueError, match=r"after the end of the observation in lines .*late='drop'"
    ):
        hj.read_cascades(path, **columns, unit="second", horizon=7 * 86400)
    many = small_cascades(real_data)
    assert many.num_posts == 1667
    assert many.describe()["count"]["rows after the end of the observation (drop)"] == 26


@pytest.mark.slow
def test_small_cascades_can_be_fitted(real_data):
    mle = hj.fit(hj.RetweetHawkes(), small_cascades(real_data), errors=False)
    assert mle.converged, mle.message
    assert "r0" not in mle.params
    assert 1 < float(mle.params["tau"]) / 86400 < 7


def test_cascades_without_followers(real_data):
    folder = real_data("weibo_sample")
    posts = pd.read_csv(folder / "cascades.csv").set_index("cascade_id")
    cascades = hj.read_cascades(
        folder / "events.csv", cascade="cascade_id", time="time_s", followers=None,
        unit="second", start=pd.to_datetime(posts["publish_unix_s"], unit="s", utc=True),
        timezone="Asia/Shanghai", horizon=86400,
    )  # fmt: skip
    assert (cascades.num_posts, cascades.num_reposts) == (30, 7117)
    assert set(cascades.followers) == {1.0}
    prepared = hj.RetweetHawkes().prepare(cascades)
    assert np.all(np.isfinite(prepared.log_reach))


def test_a_single_cascade_from_its_first_hour(real_data):
    """15,562 reposts came to one of the largest of its kind; of 905 in the first hour that is in
    the upper tail of what other cascades say, and after six hours a third more than they do."""
    one = hj.read_cascades(
        real_data("seismic_tweet") / "events.csv", time="time_s", followers="followers",
        unit="second", start={"0": POSTED}, horizon=7 * 86400,
    )  # fmt: skip
    assert (one.num_posts, one.num_reposts) == (1, 15562)
    pytest.importorskip("pyarrow")
    folder = real_data("tideh_retweets")
    others = tideh(folder, "events_1.parquet")
    twin = [name for name, count in zip(others.names, others.counts, strict=True) if count == 15562]
    others = others.select([name for name in others.names[:150] if name not in twin])
    population = hj.CascadePopulation.learn(others)
    truth = int(sizes_at(one, 7 * 86400)[0])
    for observed, seen, level, near in ((3600.0, 905, 0.98, 6), (6 * 3600.0, 8329, 0.95, 1.5)):
        told = population.forecast(one, observed=observed, key=jax.random.key(0))
        row = told.table(level).iloc[0]
        assert truth == 15562 and row["seen"] == seen
        assert row["lower"] < truth < row["upper"]
        assert 1 / near < row["median"] / truth < near
        assert told.ignored == ()


def test_dated_cascades_by_the_hour(real_data):
    data = tideh(real_data("tideh_retweets"))
    assert (data.num_posts, data.num_reposts) == (10, 20114)
    counts = hourly_counts(data)
    assert set(counts.index.minute) == {0} == set(counts.index.second)
    times = np.concatenate([data.post_times, data.times]) + float(data.start)
    begin = 3600 * np.ceil(float(data.start) / 3600)
    inside = (times >= begin) & (times < begin + 3600 * len(counts))
    assert counts.sum() == inside.sum()


def test_bursts_of_mentions(real_data):
    """Five-minute counts that do not begin on the hour; windows of bursts raise the rate."""
    folder = real_data("nab_twitter_volume")
    table = pd.read_csv(folder / "counts_5min.csv").query("ticker == 'AAPL'")
    bursts = pd.read_csv(folder / "anomaly_windows.csv").query("ticker == 'AAPL'")
    index = pd.DatetimeIndex(pd.to_datetime(table["time_utc"], utc=True))
    index = index.tz_convert("America/New_York")
    counts = pd.Series(table["mentions"].to_numpy(float), index=index)
    edges = index.append(index[-1:] + pd.Timedelta("5min"))
    window = (edges[0], edges[-1])
    calendar = hj.Covariates.calendar(window, unit="hour", timezone="America/New_York")
    events = hj.Covariates.intervals(
        bursts, start="window_start", end="window_end", window=window, unit="hour", timezone="UTC"
    )
    with pytest.raises(ValueError, match="averaged"):
        rolling(counts, {"one": baselines.Constant()}, covariates=calendar)
    both = calendar.averaged(edges).join(events)
    found = rolling(
        counts,
        {"regression": baselines.PoissonRegression(), "constant": baselines.Constant()},
        covariates=both,
    )
    assert len(found.cuts) == 2
    features = both.at(index)
    beta = baselines.poisson_map(features, counts.to_numpy())
    ratio = np.exp(beta[both.feature_names.index("event")])
    assert ratio > 1.5
