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

# %%
import os
from pathlib import Path

import jax
import numpy as np
import pandas as pd

import hawkesjax as hj
from hawkesjax.criticism import baselines, rolling
from hawkesjax.criticism.retweet_evaluation import (
    LogLinearReposts,
    RetweetForecaster,
    hourly_counts,
)
from hawkesjax.models.retweet_ages import sizes_at
from hawkesjax.models.retweet_population import CascadePopulation

jax.config.update("jax_enable_x64", True)
zone = "Europe/Madrid"
start = pd.Timestamp("2024-03-04", tz=zone)
end = start + pd.Timedelta(days=56)  # the clocks go forward on the way

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
    model, past, key=jax.random.key(2), init=estimate, num_warmup=200, num_samples=300,
    num_chains=2, pointwise=None, progress=False,
)  # fmt: skip
print("\n".join(posterior.diagnose()))
print(posterior.drivers().round(3))
print(posterior.lifetime().round(2))
print(posterior.rhythm())

# %%
hj.plots.drivers(posterior).savefig("drivers.png")
hj.plots.infectivity(posterior, model, past).savefig("infectivity.png")

# %% [markdown]
# ## Does it fit?
#
# Residuals by time rescaling, for posts and for reposts: unit exponential if the model is right.

# %%
residuals = hj.residuals(model, posterior, past, join=True)
print(hj.residual_tests(residuals).loc["all"])
hj.plots.rescaled(residuals).savefig("residuals.png")

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
picture = hj.plots.counts(
    told, observed=found.observed, covariates=covariates, features=["weekend"]
)
picture.savefig("forecast.png")

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
hj.plots.scores(folds).savefig("scores.png")

# %% [markdown]
# ## Real data: hourly posts of news accounts
#
# The same protocol on 339 days of counts (Yu 2020, arXiv 2004.01791). `ShrunkenCalendar` lets
# each hour of the week leave the sum of its day and hour only as far as the data insist, and
# forgets what is long ago.

# %%
data = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))
news = data / "news_tweet_counts" / "hourly_ES.csv"
if news.exists():
    table = pd.read_csv(news)
    hours = pd.DatetimeIndex(pd.to_datetime(table["hour_utc"], utc=True)).tz_convert(zone)
    counts = pd.Series(table["total"].to_numpy(float), index=hours)
    real = rolling(
        counts,
        {
            "shrunken calendar": baselines.ShrunkenCalendar(),
            "hour-of-week mean": baselines.HourOfWeek(),
        },
        step="60D",
    )
    print(real)
else:
    print("The news counts are not here; set HAWKESJAX_DATA.")

# %% [markdown]
# ## Real data: how large will a cascade become?
#
# A population of cascades teaches how infectivity falls with age and how much cascades differ.
# From the first six hours of others, their size after a week, with 80 % intervals.

# %%
tideh = data / "tideh_retweets"
if tideh.exists():
    posts = pd.read_csv(tideh / "cascades.csv")
    rows = pd.read_parquet(tideh / "events_1.parquet")
    posts = posts[posts["cascade_id"].isin(rows["cascade_id"].unique()[:120])]
    rows = rows[rows["cascade_id"].isin(posts["cascade_id"])]
    cascades = hj.Cascades.from_cascades(
        rows.assign(hours=rows["time_s"] / 3600),
        cascade="cascade_id",
        time="hours",
        followers="followers",
        start=pd.Series(24 * posts["start_day"].to_numpy(), index=posts["cascade_id"]),
        window=(0, 600),
        horizon=168.0,
        unit="hour",
    )
    population = CascadePopulation.learn(cascades.select(range(0, cascades.num_posts, 2)))
    print(population)
    others = cascades.select(range(1, cascades.num_posts, 2))
    sizes = population.forecast(others, observed=6.0, key=jax.random.key(5), draws=50)
    print(sizes.table().head().round(0))
    print(sizes.score(sizes_at(others, 168.0)))
else:
    print("The cascades are not here; set HAWKESJAX_DATA.")
