"""Events that carry sizes, traits and a lag: data, models, and their likelihood by double sums."""

import jax.numpy as jnp
import numpy as np
import pandas as pd

import hawkesjax as hj
from tests.hawkes import reference

SINGLE = jnp.zeros(()).dtype == np.float32
TOLERANCE = 2e-4 if SINGLE else 1e-10
WINDOWS = [[(4.0, 10.0)], [(2.0, 5.0), (6.5, 10.0)], [(0.0, 10.0)], [(9.0, 10.0)]]
USERS = ["u0", "u1", "u2", "u3"]
TRAITS = pd.DataFrame({"gang": ["x", "y", "z", "y"], "age": [1.0, 2.0, 0.5, 3.0]}, index=USERS)
TEAMS = TRAITS[["gang"]]
CALENDAR = pd.DataFrame({"from": [3.0], "to": [7.0], "what": ["campaign"]})
PERIODS = hj.Covariates.intervals(CALENDAR, start="from", end="to", kind="what", window=(-20, 20))
RNG = np.random.default_rng(2)
SIZES = RNG.gamma(2.0, 1.0, 76)
OWN = {
    "mu": RNG.uniform(0.2, 1, (4, 2)),
    "alpha": RNG.uniform(0.1, 0.6, (2, 2)),
    "gamma": np.array([[0.7, 1.3], [2.1, 0.4]]),
    "split": np.array([0.3]),
    "kappa": np.array([0.4, -0.3]),
    "alpha_spread": RNG.uniform(0.2, 0.8, (2, 2)),
}
SUM = hj.SumOfExponentials(2, 5.0)
MODELS = {
    "a size": hj.Hawkes(magnitude="exponential"),
    "a power of a size": hj.Hawkes(magnitude="power", decay="source"),
    "traits of users": hj.Hawkes(alpha_effects=TRAITS),
    "paces of users": hj.Hawkes(alpha_effects=TRAITS, gamma_effects=True),
    "paces by source": hj.Hawkes(
        alpha_effects=TRAITS, gamma_effects=True, decay="source", lag=0.3137, kernel=SUM
    ),
    "one pace for all": hj.Hawkes(alpha_effects=TRAITS, gamma_effects=True, decay="shared"),
    "periods": hj.Hawkes(alpha_effects=PERIODS, decay="shared"),
    "groups drawn together": hj.Hawkes(alpha_effects=TEAMS, pooled=True),
    "users drawn together": hj.Hawkes(alpha_effects="sequence", pooled=True),
    "a lag": hj.Hawkes(lag=0.8137),
    "a lag and a sum": hj.Hawkes(lag=0.8137, kernel=SUM),
    "all of it": hj.Hawkes(lag=0.3137, magnitude="power", alpha_effects=TRAITS, kernel=SUM),
    "a rise": hj.Hawkes(lag=0.8137, magnitude="power", kernel=hj.RisingExponential(3.0)),
    "known decays": hj.Hawkes(magnitude="exponential", gamma=0.7),
}


def events(grid=None):
    times, marks, sequence = reference.random_events(np.random.default_rng(5), 2, [25, 30, 9, 12])
    times = times if grid is None else np.round(times / grid) * grid
    kept = ~((sequence == 1) & (times > 5) & (times < 6.5))
    return times[kept], marks[kept], sequence[kept], SIZES[: len(times)][kept]


def panel_of(times, marks, sequence, sizes):
    names = {"mark_names": range(2), "sequence_names": USERS}
    given = {"sequence": np.array(USERS)[sequence], "magnitude": sizes, "keep_history": True}
    return hj.EventPanel.from_arrays(times, marks, window=WINDOWS, **given, **names)


def values(model):
    """Parameters of a model."""
    rng = np.random.default_rng(4)
    own = dict(OWN)
    own["gamma"] = {"pair": OWN["gamma"], "source": np.array([0.7, 1.3]), "shared": 0.9}[
        model.decay
    ]
    known = model.alpha_effects
    if known is not None:
        count = len(known.features) or 4
        own["alpha_effect"] = own["alpha_offset"] = rng.normal(size=(2, 2, count))
        shape = {"pair": (2, 2), "source": (2,), "shared": ()}[model.decay]
        own["gamma_effect"] = 0.3 * rng.normal(size=(*shape, count))
    names = [one.name for one in model.parameters]
    return {name: own[name] for name in names}


def factor(model, params, data, k, i):
    """By how much event k's effect on mark i is larger, from its definition."""
    times, marks, sequence, sizes = data
    j, found = marks[k], 1.0
    if model.magnitude == "exponential":
        found *= np.exp(params["kappa"][j] * sizes[k])
    if model.magnitude == "power":
        found *= sizes[k] ** params["kappa"][j]
    if model.alpha_effects is None:
        return found
    user = USERS[sequence[k]]
    if model.pooled:
        place = sequence[k] if model.alpha_effects.by_sequence else "xyz".index(TEAMS.gang[user])
        return found * np.exp(params["alpha_spread"][i, j] * params["alpha_offset"][i, j, place])
    if model.alpha_effects.time is not None:
        return found * np.exp(params["alpha_effect"][i, j, 0] * (3 <= times[k] < 7))
    return found * np.exp(np.dot(row_of(user), params["alpha_effect"][i, j]))


def row_of(user):
    return np.array([TRAITS.gang[user] == "y", TRAITS.gang[user] == "z", TRAITS.age[user]], float)


def pace(model, params, m):
    """By how much effects decay faster in a sequence, by target and source."""
    if not model.gamma_effects:
        return np.ones((2, 2))
    logs = params["gamma_effect"] @ row_of(USERS[m])
    return np.exp(np.broadcast_to(logs, (2, 2)))


def terms_of(model, params):
    gamma = np.broadcast_to(params.get("gamma", model.gamma), (2, 2))
    if model.kernel == SUM:
        return [(0.3, gamma), (0.7, gamma / 5)]
    if isinstance(model.kernel, hj.RisingExponential):
        return [(1.5, gamma), (-0.5, 3 * gamma)]
    return [(1.0, gamma)]


def want(model, params, data):
    """The log-likelihood by double sums over events, pieces and terms."""
    times, marks, sequence, _ = data
    terms, alpha, total = terms_of(model, params), params["alpha"], 0.0
    start = times + model.lag  # of effects
    for n in range(len(times)):
        m, i = sequence[n], marks[n]
        if times[n] < WINDOWS[m][0][0]:
            continue
        rate = params["mu"][m, i]
        for k in np.flatnonzero((sequence == m) & (start < times[n])):
            g = factor(model, params, data, k, i) * alpha[i, marks[k]]
            for share, gamma in terms:
                decay = (gamma * pace(model, params, m))[i, marks[k]]
                rate += g * share * decay * np.exp(-decay * (times[n] - start[k]))
        total += np.log(rate)
    for m, watched in enumerate(WINDOWS):
        for low, high in watched:
            total -= params["mu"][m].sum() * (high - low)
            for k in np.flatnonzero((sequence == m) & (start < high)):
                for i in range(2):
                    since = max(low - start[k], 0)
                    g = factor(model, params, data, k, i) * alpha[i, marks[k]]
                    for share, gamma in terms:
                        d = (gamma * pace(model, params, m))[i, marks[k]]
                        within = np.exp(-d * since) - np.exp(-d * (high - start[k]))
                        total -= g * share * within
    return total
