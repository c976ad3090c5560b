# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Posts, reposts, and the next days
#
# A newsroom has a table of its posts and of who reposted them. Three questions: what drives
# posting (weekends, protests)? How long do posts live, and when in the day are they reposted?
# How many posts and reposts will the next days bring?
#
# The model is `RetweetHawkes`: posts come at the rate `exp(beta . C(t))` of covariates C; each
# post reaches its author's followers, each repost its reposter's, and those react after a delay
# with a power-law tail, with a chance that swings over the day and decays. Here the data are
# simulated, so that the answers are known; at the end, real data where they are present.

# %% tags=["remove-cell"]
# On a hosted notebook: install hawkesjax, and hold the jax and NumPy that the platform brings.
import importlib.util
import subprocess
import sys
from importlib.metadata import distributions

if importlib.util.find_spec("hawkesjax") is None:
    held = [
        f"{d.name}=={d.version}" for d in distributions() if d.name.startswith(("jax", "numpy"))
    ]
    with open("held.txt", "w") as file:
        file.write("\n".join(held))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", "held.txt"]
    subprocess.run([*pip, "hawkesjax"], check=True)

# %%
import os
from pathlib import Path

import jax
import numpy as np
import pandas as pd
from IPython.display import display

import hawkesjax as hj
from hawkesjax import forecasters as baselines
from hawkesjax import rolling
from hawkesjax.retweet.ages import sizes_at
from hawkesjax.retweet.evaluation import LogLinearReposts, RetweetForecaster
from hawkesjax.retweet.hourly import hourly_counts

jax.config.update("jax_enable_x64", True)
zone = "Europe/Madrid"
start = pd.Timestamp("2024-03-04", tz=zone)
end = start + pd.Timedelta(days=56)  # the clocks go forward on the way
# `HAWKESJAX_QUICK=1` makes everything small: to see that all works.
QUICK = bool(os.environ.get("HAWKESJAX_QUICK"))
WARMUP, DRAWS = (60, 60) if QUICK else (200, 300)

# %% [markdown]
# ## What is known of each hour
#
# The calendar in local time, and two protests. Names of features stay with the numbers.

# %%
calendar = hj.Covariates.calendar(
    (start, end), unit="hour", timezone=zone, features=["weekend", "halfday"]
)
protests = pd.DataFrame(
    {
        "from": pd.to_datetime(["2024-03-16 10:00", "2024-04-13 17:00"]),
        "to": pd.to_datetime(["2024-03-16 22:00", "2024-04-14 02:00"]),
        "kind": "protest",
    }
)
events = hj.Covariates.intervals(
    protests, start="from", end="to", kind="kind", window=(start, end), unit="hour", timezone=zone
)
covariates = calendar.join(events)
print(covariates)

# %% [markdown]
# ## Simulated posts
#
# Sentiment has levels 1, 3 and 5; the daily swing of a post's reposts grows with it.

# %%
rng = np.random.default_rng(0)
truth = {
    "beta": np.array([-0.7, -0.5, -0.3, 1.2]),
    "tau": 30.0,
    "r0": 0.12,
    "phi0": 3.0,
    "p0_mean": 1e-3,
    "p0_shape": 1.5,
}
model = hj.RetweetHawkes()
everything = hj.simulate(
    model,
    truth,
    key=jax.random.key(1),
    covariates=covariates,
    followers=np.round(rng.lognormal(4.0, 1.3, 5000)),
    post_followers=np.round(rng.lognormal(8.5, 1.0, 500)),
    sentiment=[1, 3, 5],
)
cut = pd.Timestamp("2024-04-22", tz=zone)
past = everything.between(start, cut)
print(past)

# %% [markdown]
# ## Fit, and the posterior
#
# The likelihood is exact: each repost names its post, p0 of each post is integrated out. `fit`
# gives the maximum with standard errors, `sample` the posterior by NUTS.

# %%
estimate = hj.fit(model, past)
print(estimate.message)
print(estimate.summary().round(4))

# %%
posterior = hj.sample(
    model, past, key=jax.random.key(2), init=estimate, num_warmup=WARMUP, num_samples=DRAWS,
    num_chains=2, pointwise=None, progress=False,
)  # fmt: skip
print("\n".join(posterior.diagnose()))
print(posterior.rate_ratios().round(3))
print(posterior.lifetime().round(2))
print(posterior.rhythm())

# %%
hj.plots.drivers(posterior)

# %%
hj.plots.infectivity(posterior)

# %% [markdown]
# ## Does it fit?
#
# Residuals by time rescaling, for posts and for reposts: unit exponential if the model is right.

# %%
residuals = hj.residuals(model, posterior, past, join=True)
print(hj.residual_tests(residuals).loc["all"])
hj.plots.rescaled(residuals)

# %% [markdown]
# ## The next days
#
# Known posts go on from what was seen of them, new posts come with reposts of their own. Bands
# come from whole draws of the posterior. What came is scored.

# %%
told = hj.forecast(model, posterior, past, horizon=120.0, key=jax.random.key(3), draws=100)
print(told)
print(told.table().head(3).round(1))
found = hj.evaluate(
    model, posterior, everything, cut=cut, horizon=120.0, key=jax.random.key(3), draws=100
)
print(found)
hj.plots.counts(told, observed=found.observed, covariates=covariates, features=["weekend"])

# %% [markdown]
# ## Against simple forecasts, fold by fold
#
# At each cut all are trained on what came before it, and score the days after it. A constant
# forecast has a correlation of 0.

# %%
folds = rolling(
    hourly_counts(everything),
    {
        "RetweetHawkes": RetweetForecaster(model, jax.random.key(4), draws=50),
        "log-linear reposts": LogLinearReposts(),
        "Poisson regression": baselines.PoissonRegression(),
        "hour-of-week mean": baselines.HourOfWeek(),
        "last value": baselines.LastValue(),
        "constant": baselines.Constant(),
    },
    covariates=covariates,
    data=everything,
    first="30D",
    step="18D",
    ahead="8D",
)
print(folds)
hj.plots.scores(folds)

# %% [markdown]
# ## Real data: hourly posts of news accounts
#
# The same protocol on 339 days of counts (Yu 2020, arXiv 2004.01791), with every fourth fold.
# `ShrunkenCalendar` lets each hour of the week leave the sum of its day and hour only as far as
# the data insist, and forgets what is long ago. The paper's coding has the day of the week as one
# number, mornings, and public events.

# %%
data = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))
news = data / "news_tweet_counts"
if news.exists():
    table = pd.read_csv(news / "hourly_ES.csv")
    hours = pd.DatetimeIndex(pd.to_datetime(table["hour_utc"], utc=True)).tz_convert(zone)
    counts = pd.Series(table["total"].to_numpy(float), index=hours)
    window = (hours[0], hours[-1] + pd.Timedelta(hours=1))
    listed = pd.read_csv(news / "events.csv").query("country == 'ES'")
    listed = listed.assign(
        start=pd.to_datetime(listed["first_day"]),
        end=pd.to_datetime(listed["last_day"]) + pd.Timedelta(days=1),
    )
    public = hj.Covariates.intervals(
        listed, start="start", end="end", kind="kind", window=window, unit="hour", timezone=zone
    )
    coding = hj.Covariates.calendar(
        window, unit="hour", timezone=zone, features=["day", "halfday"], coding="numeric"
    ).join(public)
    real = rolling(
        counts,
        {
            "shrunken calendar": baselines.ShrunkenCalendar(),
            "hour-of-week mean": baselines.HourOfWeek(),
            "paper's coding": baselines.PoissonRegression(),
            "last value": baselines.LastValue(),
            "constant": baselines.Constant(),
        },
        covariates=coding,
        step="60D",
    )
    print(real)
    display(hj.plots.scores(real))
else:
    print("The news counts are not here; set HAWKESJAX_DATA.")

# %% [markdown]
# ## Real data: files as people hold them
#
# A raw table of tweets; many small cascades without dates (so no time of day: `sentiment=0` takes
# the swing out); cascades of a day without followers (everyone counts as one).

# %%
files = {
    "evently_tweets/tweets.csv": {
        "id": "tweet_id", "time": "created_at", "followers": "followers",
        "repost_of": "retweeted_id", "unit": "hour", "timezone": "Australia/Sydney",
    },
    "auspol_cascades/events.csv": {
        "cascade": "cascade_id", "time": "time_s", "followers": "followers", "unit": "second",
        "horizon": 7 * 86400, "late": "drop", "sentiment": 0,
    },
    "weibo_sample/events.csv": {
        "cascade": "cascade_id", "time": "time_s", "followers": None, "unit": "second",
        "horizon": 86400, "sentiment": 0,
    },
}  # fmt: skip
for name, options in list(files.items())[: 1 if QUICK else None]:
    if (data / name).exists():
        some = hj.read_cascades(data / name, **options)
        found = hj.fit(model, some)
        print(name, some, found.message, found.lifetime().round(2), sep="\n", end="\n\n")

# %% [markdown]
# Five-minute counts of mentions that begin at 21:42:53: calendar features are averaged over the
# bins. Windows of bursts, drawn after the fact, say how much higher the rate is in them.

# %%
mentions = data / "nab_twitter_volume"
if mentions.exists():
    table = pd.read_csv(mentions / "counts_5min.csv").query("ticker == 'AAPL'")
    bursts = pd.read_csv(mentions / "anomaly_windows.csv").query("ticker == 'AAPL'")
    new_york = "America/New_York"
    bins = pd.DatetimeIndex(pd.to_datetime(table["time_utc"], utc=True)).tz_convert(new_york)
    edges = bins.append(bins[-1:] + pd.Timedelta("5min"))
    window = (edges[0], edges[-1])
    clock = hj.Covariates.calendar(window, unit="hour", timezone=new_york).averaged(edges)
    burst = hj.Covariates.intervals(
        bursts, start="window_start", end="window_end", window=window, unit="hour", timezone="UTC"
    )
    series = pd.Series(table["mentions"].to_numpy(float), index=bins)
    both = clock.join(burst)
    beta = baselines.poisson_map(both.at(bins), series.to_numpy())
    print(f"in bursts {np.exp(beta[both.feature_names.index('event')]):.2f} times the mentions")
    with_bursts, without = (
        rolling(series, {title: baselines.PoissonRegression()}, covariates=known)
        for title, known in (("calendar and bursts", both), ("calendar", clock))
    )
    print(with_bursts, without, sep="\n")

# %% [markdown]
# ## Real data: cascades of two weeks in October 2011
#
# 119 cascades of the TiDeH collection, dated: what drives posting, how long posts live, the next
# two days, and the folds. Their sentiment is not known, so S is 1 for all. Each has more than
# 2,000 reposts: how many the next two days bring hangs on two dozen new posts, and a mean over
# them is rough.

# %%
tideh = data / "tideh_retweets"
if tideh.exists():
    origin = pd.Timestamp("2011-10-07", tz="UTC")
    posts = pd.read_csv(tideh / "cascades.csv").set_index("cascade_id")
    rows = pd.concat([pd.read_parquet(tideh / f"events_{part}.parquet") for part in (1, 2)])
    rows["hours"] = rows["time_s"] / 3600
    starts = origin + pd.to_timedelta((86400 * posts["start_day"]).round(), unit="s")

    def cascades_of(names):
        window = (origin, origin + pd.Timedelta(days=15))
        found = hj.Cascades.from_cascades(
            rows[rows["cascade_id"].isin(names)], cascade="cascade_id", time="hours",
            followers="followers", start=starts[names], window=window, horizon=168.0, unit="hour",
            timezone="America/New_York", late="drop",
        )  # fmt: skip
        calendar = hj.Covariates.calendar(
            window, unit="hour", timezone="America/New_York",
            features=["weekend", "halfday"],
        )  # fmt: skip
        return found.with_covariates(calendar)

    weeks = cascades_of(posts.index[::5])
    print(weeks)
    cut = origin + pd.Timedelta(days=10)
    known = weeks.between(origin, cut)
    found = hj.fit(model, known)
    print(found.message)
    print(found.rate_ratios().round(3), found.lifetime().round(1), found.rhythm(), sep="\n")
    display(hj.plots.drivers(found), hj.plots.infectivity(found, known, sentiment=(1,)))
    residuals = hj.residuals(model, found, known, join=True)
    display(hj.plots.rescaled(residuals))
    scored = hj.evaluate(
        model, found, weeks, cut=cut, horizon=48.0, key=jax.random.key(6), draws=200
    )
    print(scored)
    known = weeks.covariates
    display(
        hj.plots.counts(
            scored.forecast, observed=scored.observed, covariates=known, features=["weekend"]
        )
    )

# %%
if tideh.exists():
    by_day = rolling(
        hourly_counts(weeks),
        {
            "RetweetHawkes": RetweetForecaster(model, jax.random.key(7), draws=100),
            "log-linear reposts": LogLinearReposts(),
            "Poisson regression": baselines.PoissonRegression(),
            "hour-of-week mean": baselines.HourOfWeek(),
            "last value": baselines.LastValue(),
            "mean of the last day": baselines.LastValue(24),
            "constant": baselines.Constant(),
        },
        covariates=weeks.covariates,
        data=weeks,
        first="5D",
        step="4D" if QUICK else "1D",
        ahead="2D",
    )
    print(by_day)

# %% [markdown]
# ## Real data: how large will a cascade become?
#
# A population of past cascades teaches how many reposts are to come, given what the first hours
# show. From the first six hours of others, their size after a week, with 80 % intervals; and from
# the first hour of one tweet, of which 15,562 reposts came.

# %%
if tideh.exists():
    whole = hj.Cascades.from_cascades(
        rows, cascade="cascade_id", time="hours", followers="followers", start=starts,
        horizon=168.0, unit="hour", timezone="UTC",
    )  # fmt: skip
    others = whole.select([name for name in whole.names if name != "1978"][:120])
    population = hj.CascadePopulation.learn(others.select(range(0, others.num_posts, 2)))
    print(population)
    held = others.select(range(1, others.num_posts, 2))
    sizes = population.forecast(held, observed=6.0, key=jax.random.key(5), draws=50)
    print(sizes.table().head().round(0))
    print(sizes.score(sizes_at(held, 168.0)))
    print(population.evaluate(6.0, folds=5, key=jax.random.key(6)).round(3))
    single = data / "seismic_tweet" / "events.csv"
    if single.exists():
        tweet = hj.Cascades.from_cascades(
            pd.read_csv(single).assign(hours=lambda table: table["time_s"] / 3600), cascade=None,
            time="hours", followers="followers", start={"0": "2011-10-20T12:40:47Z"},
            horizon=168.0, unit="hour",
        )  # fmt: skip
        for age in (1.0, 6.0, 24.0):
            told = hj.CascadePopulation.learn(others).forecast(
                tweet, observed=age, key=jax.random.key(8), draws=200
            )
            row = told.table().iloc[0]
            print(
                f"after {age:g} h and {row['seen']:,.0f} reposts: {row['median']:,.0f} "
                f"({row['lower']:,.0f} to {row['upper']:,.0f}); {sizes_at(tweet, 168.0)[0]:,} came"
            )
else:
    print("The cascades are not here; set HAWKESJAX_DATA.")
