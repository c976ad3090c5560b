# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Spillover between online and offline events
#
# Some people post online, some of them act offline, and each may set off more of both. How much?
# This notebook goes through the whole job: a panel of events, maximum likelihood, a posterior,
# what the diagnostics say, and what the numbers mean. First on simulated events, where the truth
# is known; then on real replies to rumours.
#
# The model is the multivariate Hawkes process. The rate of events of kind $i$ by user $m$ is
#
# $$\lambda_{mi}(t) = \mu_{mi} + \sum_j \alpha_{ij} \sum_{k:\, j,\, t_k < t}
#   \gamma_{ij} e^{-\gamma_{ij} (t - t_k)}$$
#
# - $\mu_{mi}$: events that happen of their own accord, per day;
# - $\alpha_{ij}$: expected direct children of kind $i$ of one event of kind $j$;
# - $\log 2 / \gamma_{ij}$: the half-life of that effect.

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
import pandas as pd

import hawkesjax as hj

jax.config.update("jax_enable_x64", True)  # precision is the user's choice, not the library's
pd.set_option("display.precision", 3)
keys = jax.random.split(jax.random.key(2024), 4)
# `HAWKESJAX_QUICK=1` makes everything small: to see that all works.
QUICK = bool(os.environ.get("HAWKESJAX_QUICK"))
WARMUP, DRAWS = (60, 60) if QUICK else (200, 300)

# %% [markdown]
# ## Events
#
# `spillover` simulates users who act online and offline and returns the panel with the parameters
# that made it. Events of your own come in through `hj.read_events("events.csv", ...)` or
# `hj.EventPanel.from_dataframe(df, time=..., mark=..., sequence=..., window=...)`.

# %%
panel, truth = hj.datasets.spillover(key=keys[0], users=6, days=150)
print(panel)

# %%
panel.to_dataframe().head()

# %% [markdown]
# ## Maximum likelihood
#
# The estimate says in words why the search stopped. Intervals are 95 % and stay positive.

# %%
model = hj.Hawkes()
mle = hj.fit(model, panel)
print(mle.message)
mle.summary(["alpha", "gamma"])

# %% [markdown]
# ## The posterior
#
# NUTS, started from the maximum. `diagnose` puts divergences, R-hat, effective sample sizes and
# tree depth into plain words.

# %%
post = hj.sample(
    model, panel, key=keys[1], init=mle, num_warmup=WARMUP, num_samples=DRAWS, num_chains=2,
    progress=False,
)  # fmt: skip
print("\n".join(post.diagnose()))
post.summary().head(8)

# %% [markdown]
# Beside the truth: an interval that misses it now and then is as it should be, one in twenty.

# %%
hj.plots.parameters(post, truth=truth, unit="day")

# %% [markdown]
# ## What it means
#
# Effects and their half-lives, in days:

# %%
post.spillover()

# %%
hj.plots.network(post)

# %%
hj.plots.kernels(post, unit="day")

# %% [markdown]
# Which share of the offline events would not have happened without the effect of online ones?
# `attribution` asks each event where it came from; what is lost without a link includes all
# descendants. The intervals hold what the parameters leave open.

# %%
causes = hj.attribution(post, panel)
causes.shares().loc["all"]

# %% [markdown]
# The offline events that most likely owe themselves to online ones:

# %%
events = causes.events()
offline = events[events["event", "mark"] == "offline"]
offline.sort_values(("direct from online", "mean"), ascending=False).head()

# %% [markdown]
# The intensity over time, with a 95 % band, above the events of each user:

# %%
hj.plots.intensity(post, panel, sequences=["user 1", "user 2"], window=(0, 60))

# %% [markdown]
# ## Does the model hold?
#
# Rescaled by the fitted intensity, waiting times are unit exponential when it does. Here it does:
# the events came from it.

# %%
hj.plots.residuals(post, panel)

# %% [markdown]
# ## What comes next
#
# Fitted on the first 120 days, the model forecasts the rest from whole draws of the posterior, and
# is scored on it.

# %%
early = panel.between(0, 120)
first = hj.fit(model, early)
scored = hj.evaluate(model, first, panel, cut=120, key=keys[2])
print(scored)

# %%
told = hj.forecast(model, first, early, horizon=30, key=keys[2], bins=30)
came = panel.between(120, 150)
hj.plots.forecast(told, observed=came.counts)

# %%
hj.plots.fan(told, observed=came)

# %% [markdown]
# ## Keep it
#
# A result is a NetCDF file; ArviZ reads it too.

# %%
saved = Path("spillover.nc")
post.save(saved, force=True)
again = hj.load(saved)
assert again.summary().equals(post.summary())

# %% [markdown]
# ## Replies to rumours
#
# Real events: the replies to twelve tweets that carried rumours in early 2020, each labelled as a
# comment, a denial, a query or support (Cheng et al. 2021, MIT licence). `hj.datasets.rumours`
# fetches them once, 0.6 MB, and checks what came; a sequence is a rumour, from its first reply to
# two days later. Does a denial bring more denials? Without a network the section is left out.

# %%
try:
    rumours = hj.datasets.rumours()
    print(rumours)
except (ImportError, OSError) as error:
    rumours = None
    print(f"This section is left out. {error}")

# %% [markdown]
# Rumours differ in how many replies they draw: the baseline is one per rumour and stance, and
# rumours tell of each other. One decay rate by source keeps the table small.

# %%
if rumours is not None:
    by_stance = hj.Hawkes(decay="source", baseline="hierarchical")
    fitted = hj.fit(by_stance, rumours)
    print(fitted.message)
    print(fitted.summary(["alpha", "gamma"]).round(3))

# %%
hj.plots.network(fitted) if rumours is not None else None

# %% [markdown]
# On the diagonal: a reply of each stance brings more of its own. That is what imitation looks like,
# and also what a quarrel of two people does, and what a wave of readers with one opinion leaves
# when the baseline is constant; the data cannot tell them apart.
#
# The residuals say whether to believe it: points far off the line are waiting times that this
# model does not explain.

# %%
hj.plots.residuals(fitted, rumours) if rumours is not None else None

# %%
if rumours is not None:
    told = hj.residual_tests(hj.residuals(by_stance, fitted, rumours)).loc["all", "in words"]
    print("\n".join(f"{stance}: {words}" for stance, words in told.items()))
