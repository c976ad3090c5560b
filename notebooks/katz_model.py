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
# # How strongly does a network spread a spike?
#
# A ranking needs one number, $\alpha$: how much a message heard raises a user's activity in the
# next bin. This notebook estimates it from a log. First on simulated activity, where the truth is
# known; then, where the data are present, on the retweets around the Higgs boson's announcement.
#
# User $i$ is active in the next bin with probability $1 - e^{-\eta_i}$,
#
# $$\eta_i = b_i + \alpha \sum_j A_{ij} s_j, \qquad b_i \sim \mathrm{Gamma}$$
#
# - $A_{ij} = 1$ when $i$ listens to $j$, $s_j$ whether $j$ was active in this bin;
# - $\alpha^* = \alpha \rho(A)$, below 1 where activity dies out by itself.

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
from scipy import sparse

import hawkesjax as hj

jax.config.update("jax_enable_x64", True)  # precision is the user's choice, not the library's
pd.set_option("display.precision", 3)
keys = jax.random.split(jax.random.key(2024), 5)
# `HAWKESJAX_QUICK=1` makes everything small: to see that all works.
QUICK = bool(os.environ.get("HAWKESJAX_QUICK"))
WARMUP, DRAWS = (60, 60) if QUICK else (200, 200)

# %% [markdown]
# ## Simulated activity
#
# A sparse network of 300 users whose baselines differ a lot, and $\alpha^* = 0.5$: about half of
# all activity is set off by others.

# %%
rng = np.random.default_rng(0)
matrix = sparse.random_array((300, 300), density=0.012, rng=rng, format="csr")
matrix.data[:] = 1
network = hj.Activity.from_matrix(matrix, np.ones(300))
truth = {"alpha": 0.5 / hj.katz.radius(network).value, "shape": 0.5, "mean": 0.01}
model = hj.KatzSpike()
activity = hj.simulate(model, truth, network, bins=300, key=keys[0])
print(activity)

# %%
hj.plots.katz.volume(activity, responsiveness=False)

# %% [markdown]
# ## Maximum likelihood
#
# The users' baselines are integrated out, so three parameters are left, whatever the number of
# users.

# %%
estimate = hj.fit(model, activity)
print(estimate.message)
estimate.summary().assign(truth=pd.Series(truth | {"alpha_star": 0.5}))

# %% [markdown]
# ## The posterior, and how sure a ranking is

# %%
posterior = hj.sample(
    model,
    activity,
    key=keys[1],
    init=estimate,
    num_warmup=WARMUP,
    num_samples=DRAWS,
    num_chains=2,
    progress=False,
)
posterior.influence()

# %%
hj.plots.parameters(posterior, truth=truth, var_names=list(truth))

# %% [markdown]
# What the events taught beyond the prior:

# %%
hj.plots.prior_posterior(posterior, activity, var_names=list(truth))

# %%
ranking = posterior.ranking(key=keys[2], top=10, draws=50)
ranking.head(12)

# %% [markdown]
# Does the model fit? Quantile residuals are standard normal where it does.

# %%
pd.DataFrame(
    {
        by: hj.residual_tests(hj.residuals(model, posterior, activity, by=by, key=keys[3]))
        for by in ("bin", "user")
    }
)

# %% [markdown]
# How loud will the next bins be?

# %%
future = hj.forecast(model, posterior, activity, horizon=20, key=keys[4], draws=100)
print(future)
future.decay().head(6)

# %% [markdown]
# ## Retweets around an announcement
#
# The network comes from three days of business as usual, the fit from the hours after them. A
# network made from the window it is fitted on explains itself: every repost is its own edge.

# %%
path = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data")) / "higgs2012" / "events.csv.gz"
if path.exists():
    minute = 60
    retweets = hj.read_messages(
        path,
        time="time",
        source="source",
        target="target",
        kind="kind",
        edges="reposts",
        bin=minute,
        usual=(0, 4320 * minute),
        spike=(4672 * minute, 4921 * minute),
        fit=(4672 * minute, 4921 * minute),
    )
    print(retweets)
    fits = {
        (form, factor or "none"): hj.fit(hj.KatzSpike(form=form, common_factor=factor), retweets)
        for form, factor in (
            ("additive", None),
            ("additive", "volume"),
            ("multiplicative", "volume"),
        )[: 2 if QUICK else None]
    }
    print(
        pd.DataFrame(
            {
                name: {
                    "alpha": float(found.params["alpha"]),
                    "2.5%": float(found.lower["alpha"]),
                    "97.5%": float(found.upper["alpha"]),
                    "log_likelihood": found.log_likelihood,
                }
                for name, found in fits.items()
            }
        )
        .T.rename_axis(["form", "factor"])
        .to_string(formatters={"log_likelihood": "{:,.1f}".format}, float_format="{:.3g}".format)
    )

# %% [markdown]
# A bin's own volume explains far more than the network does: the log-likelihood says by how much,
# and the additive alpha halves once volume is held. What is left is small, but there. Four posts in
# five are by users whom the network does not know; about them the model says nothing.
