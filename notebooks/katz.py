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
# # Who will be active in a spike?
#
# On a social network, volume sometimes leaps within minutes: a goal, a scandal, a discovery. Who
# will post most once that happens, and does it help to know who listens to whom? This notebook
# takes a log of messages through the whole job: network, steady state, ranking, and an honest
# look at what the network is worth. On the Higgs boson log where the data are present, on a
# simulated log otherwise.
#
# With $A_{ij} = 1$ when user $i$ listens to user $j$, and $b_i$ the posts of $i$ in quiet times,
# activity in a spike settles at
#
# $$s^* = (I - \alpha A)^{-1} b = b + \alpha A b + \alpha^2 A^2 b + \dots$$
#
# $\alpha^* = \alpha\, \rho(A)$ lies between 0 (everyone as usual) and 1 (activity feeds itself
# without end).

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
import warnings
from pathlib import Path

import jax
import numpy as np
import pandas as pd

import hawkesjax as hj

jax.config.update("jax_enable_x64", True)  # precision is the user's choice, not the library's
pd.set_option("display.precision", 3)
keys = jax.random.split(jax.random.key(2012), 8)
DATA = Path(os.environ.get("HAWKESJAX_DATA", "../shared/data"))

# %% [markdown]
# ## The log
#
# One row a message: when, who, whom, and of what kind. `edges="reposts"` says what a row means for
# attention: whoever reposts somebody listens to them. Edges and baselines come from a window of
# business as usual; the spike is found from the volume, from its peak to a quarter of it.


# %%
def simulated_log(seed=0, users=400, quiet=2000, minutes=90):
    """Heavy-tailed users who repost whom they listen to, and then a spike."""
    rng = np.random.default_rng(seed)
    weight = rng.pareto(1.3, users) + 0.05
    listens = [rng.choice(users, 6, p=weight / weight.sum()) for _ in range(users)]

    def messages(begin, end, count, share):
        author = rng.choice(users, count, p=share / share.sum())
        target = np.array([rng.choice(listens[i]) for i in author])
        return pd.DataFrame(
            {
                "time": rng.integers(begin, end, count),
                "source": author,
                "target": target,
                "kind": "RT",
            }
        )

    heard = np.array([weight[row].sum() for row in listens])
    spike = weight + 0.15 * heard
    return pd.concat(
        [messages(0, quiet * 60, 6000, weight)]
        + [messages((quiet + k) * 60, (quiet + k + 1) * 60, int(120 * 0.97**k) + 1, spike)
           for k in range(minutes)]
    )  # fmt: skip


higgs = DATA / "higgs2012" / "events.csv.gz"
options = {"kind": "kind", "edges": "reposts", "unit": "second", "bin": 60, "spike": "detect"}
if higgs.exists():
    activity = hj.read_messages(higgs, usual=(0, 4320 * 60), **options)
    TOP = 100
else:
    log = simulated_log()
    names = {"time": "time", "source": "source", "target": "target"}
    activity = hj.Activity.from_messages(log, usual=(0, 1990 * 60), **names, **options)
    TOP = 30
print(activity)

# %%
activity.describe()

# %% [markdown]
# Most posts of a real spike come from accounts that nobody saw before it. No ranking of known
# users can name those, and the table says how many they are. Below the volume: how often the
# author of a post had just been named by somebody.

# %%
hj.plots.katz.volume(activity)

# %% [markdown]
# ## The steady state
#
# The spectral radius comes with proven bounds. All $\alpha^*$ share one Krylov basis, so that a
# whole sweep costs little more than its hardest point.

# %%
print(hj.katz.radius(activity))
scores = hj.katz.solve(activity, alpha_star=[0.0, 0.4, 0.8])
pd.DataFrame(scores.T, columns=["0", "0.4", "0.8"]).describe()

# %% [markdown]
# ## The ranking
#
# The computation stops when nobody else can belong to the top, and says so.

# %%
ranking = hj.katz.rank(activity, alpha_star=0.4, top=TOP)
print(ranking)

# %%
hj.plots.katz.influence(activity, alpha_star=0.4)

# %% [markdown]
# How firm is it? Users enter and leave as attention counts for more.

# %%
hj.plots.katz.stability(activity)

# %% [markdown]
# ## Does the network help?
#
# Rank by business as usual ($\alpha = 0$), rank with the network, and count the posts that each
# top makes in the spike. Users who tie at the cut count in expectation. The interval resamples
# blocks of five minutes; the placebo keeps the network's shape and permutes its users.

# %%
evaluation = hj.katz.evaluate(activity, key=keys[0], top=TOP)
print(evaluation)

# %%
evaluation.table.round(3)

# %%
hj.plots.katz.change(evaluation)

# %% [markdown]
# ## Or does it help that the posts are fresh?
#
# Business as usual may end long before the spike, and who was loud then need not be loud now. So
# let it reach up to ten bins before the spike, and weigh each post by $2^{-\text{age}/h}$, with a
# half-life $h$ learned on the bins before. Is there still something for the network to add?

# %%
first, last = activity.spike
now = activity.slide(
    bins=(0, first - 10), spike=(activity.times(first), activity.times(last))
).recent(lead=10)
fresh = hj.katz.evaluate(now, key=keys[4], top=TOP, alpha_star=[0.1, 0.4], placebos=0)
print(fresh)

# %% [markdown]
# The past can be asked the same: loud stretches before the spike, each ranked from what came before
# it. And how much of what comes will be posted by users whom nobody has seen?

# %%
print(hj.katz.backtest(activity, key=keys[5], top=TOP, length=min(last - first, first // 20)))

# %%
print(hj.katz.newcomers(activity, length=min(last - first, first // 20)))

# %% [markdown]
# The best point of a sweep, on the very spike that it is scored on, flatters itself: choose
# $\alpha^*$ on one spike and use it on the next. And the direction of the edges decides the sign.
# Where the log has kinds, read it the other way round, as messages that the target received:

# %%
if higgs.exists():
    literal = hj.read_messages(higgs, usual=(0, 4320 * 60), **options | {"edges": "messages"})
    print(hj.katz.evaluate(literal, key=keys[1], top=TOP, placebos=0).table["change"].round(1))

# %% [markdown]
# In `form="multiplicative"`, attention scales a user's own baseline instead of adding to it
# ($A$ becomes $\mathrm{diag}(b) A$), which is steadier for large $\alpha^*$:

# %%
scaled = hj.katz.evaluate(activity, key=keys[2], top=TOP, form="multiplicative", placebos=0)
pd.DataFrame({"additive": evaluation.table["change"], "multiplicative": scaled.table["change"]})

# %% [markdown]
# ## How long will it last?
#
# A decay to a quarter within the spike's length implies an $\alpha^*$ near 1, far from the one
# that ranks best: the two are different quantities. The half-life is asymptotic; in finite time the
# network forgets faster or slower.

# %%
length = activity.spike[1] - 1 - activity.spike[0]
implied = hj.katz.implied_alpha_star(length)
print(
    f"quarter after {length} bins: alpha* = {implied:.4f}, "
    f"half-life {hj.katz.half_life(implied):.1f} bins"
)
hj.katz.decay(activity, alpha_star=implied, bins=length).iloc[[0, 1, 2, 5, 10, length // 2, -1]]

# %% [markdown]
# ## Other networks
#
# Three logs of another kind, for the same question: private messages, e-mail, answers and
# comments. Their spikes are small or slow, and at $\alpha^* = 0.4$ the network's ranking is worse
# than posts alone on the first two, and no better on the third. The Higgs result is no law.

# %%
others = {
    "collegemsg": {"edges": "messages", "bin": 1, "usual": (0, 20 * 24)},
    "email_eu": {"edges": "messages", "bin": 6, "usual": (0, 100 * 24)},
    "sx_mathoverflow": {
        "edges": {"a2q": "reposts", "c2q": "reposts", "c2a": "reposts"},
        "kind": "kind",
        "bin": 24,
        "usual": (0, 365 * 24),
    },
}
rows = {}
for name, chosen in others.items():
    path = DATA / name / "events.csv.gz"
    if not path.exists():
        continue
    table = pd.read_csv(path)
    table["time"] /= 3600
    one = hj.Activity.from_messages(
        table, time="time", source="source", target="target", unit="hour", spike="detect", **chosen
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.katz.KatzWarning)  # few blocks; the table counts them
        found = hj.katz.evaluate(one, key=keys[3], top=20, block=1)
    row = found.table.loc[0.4]
    rows[name] = {
        "users": one.num_users,
        "edges": one.num_edges,
        "radius": found.radius,
        "spike: bins": one.spike[1] - one.spike[0],
        "unseen": found.unseen_share,
        "alpha = 0": found.table["activity"].iloc[0],
        "change at 0.4": row["change"],
        "lower": row["lower"],
        "upper": row["upper"],
        "placebo sd": row["placebo_sd"],
        "oracle": found.oracle,
    }
print(pd.DataFrame(rows).T.to_string() if rows else "no other logs here")
