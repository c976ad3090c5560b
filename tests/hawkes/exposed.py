"""Panels with a known exposure: data, models, and their likelihood by double sums."""

import itertools

import jax.numpy as jnp
import numpy as np
import pandas as pd

import hawkesjax as hj
from tests.hawkes import reference

PIECES = [[(4.0, 10.0)], [(2.0, 5.0), (6.5, 10.0)], [(0.0, 10.0)], [(9.0, 10.0)]]
STEPS = {  # edges and factors, some beyond the windows
    "0": ([-1.0, 4.5, 6.0, 10.0], [0.5, 2.0, 0.7]),
    "1": ([2.0, 3.0, 4.0, 5.25, 7.0, 12.0], [1.5, 0.0, 1.5, 3.0, 0.25]),
    "2": ([0.0, 2.0, 3.5, 7.0, 8.0, 15.0], [1.0, 0.3, 0.0, 5.0, 1.0]),
    "3": ([8.0, 11.0], [2.5]),
}
EDGES, FEATURE = np.array([0.0, 2.5, 5.0, 8.5, 11.0]), np.array([0.3, -0.8, 0.5, 1.2])
COVARIATES = hj.Covariates(
    EDGES, np.stack([np.ones(4), FEATURE], axis=1), ("intercept", "warmth"), "", None, None
)
BETA = np.array([[-0.4, 0.9], [0.3, -0.6]])
GAMMA = np.array([[0.7, 1.3], [2.1, 0.4]])
MODELS = {
    "by pair": hj.Hawkes(),
    "pairs": hj.Hawkes(form="pairs"),
    "fixed": hj.Hawkes(gamma=tuple(map(tuple, GAMMA))),
    "covariates": hj.Hawkes(covariates=COVARIATES),
    "sum, and an intercept": hj.Hawkes(baseline=COVARIATES, kernel=hj.SumOfExponentials(2, 5.0)),
}
SINGLE = jnp.zeros(()).dtype == np.float32
TOLERANCE = 2e-4 if SINGLE else 1e-10


def table(steps):
    edges, factors = steps
    return pd.DataFrame({"start": edges[:-1], "end": edges[1:], "factor": factors})


def events():
    times, marks, sequence = reference.random_events(np.random.default_rng(5), 2, [25, 30, 9, 12])
    kept = ~((sequence == 1) & (times > 5) & (times < 6.5))
    return times[kept], marks[kept], sequence[kept]


def panel_of(exposure, data=None):
    times, marks, sequence = events() if data is None else data
    return hj.EventPanel.from_arrays(
        times, marks, sequence=sequence, window=PIECES, mark_names=range(2), keep_history=True,
        exposure=exposure,
    )  # fmt: skip


EXPOSURE = {name: table(steps) for name, steps in STEPS.items()}


def values(model):
    """Parameters, and the terms (share, decays) of their kernel."""
    rng = np.random.default_rng(1)
    known = {"mu": rng.uniform(0.2, 1, (4, 2)), "alpha": rng.uniform(0.1, 0.6, (2, 2))}
    known |= {"gamma": GAMMA, "split": np.array([0.3]), "beta": BETA}
    if model.covariates is not None:
        known["beta"] = BETA[:, 1:]
    names = [name for name in model.natural if name != "gamma" or model.gamma is None]
    alone = model.kernel == hj.Hawkes().kernel
    terms = [(1.0, GAMMA)] if alone else [(0.3, GAMMA), (0.7, GAMMA / 5)]
    return {name: known[name] for name in names}, terms


def baseline(model, params, m, time):
    """E mu of both marks at a time: pieces hold from their start until the next."""
    edges, factors = STEPS[str(m)]
    level = np.asarray(params["mu"][m] if "mu" in params else np.ones(2))
    if "beta" in params:
        row = np.array([1.0, FEATURE[np.searchsorted(EDGES, time, side="right") - 1]])
        level = level * np.exp(params["beta"] @ row[-params["beta"].shape[1] :])
    piece = np.searchsorted(edges[:-1], time, side="right") - 1  # the last one has its end, too
    return factors[piece] * level


def expected(model, params, terms, data, m, low, high):
    """Of each mark within [low, high], piece by piece and event by event."""
    inner = [edge for edge in (*STEPS[str(m)][0], *EDGES) if low < edge < high]
    total = np.zeros(2)
    for a, b in itertools.pairwise([low, *sorted(inner), high]):
        total += baseline(model, params, m, (a + b) / 2) * (b - a)
    effects = {"mu": np.zeros((4, 2)), "alpha": params["alpha"]}
    return total + reference.expected_within(*data, effects, terms, low, high, m)


def log_likelihood(model, params, terms, data):
    """By double sums; events before a sequence's first piece are given, and excite."""
    times, marks, sequence = data
    total = 0.0
    for n in np.flatnonzero(times >= np.array([PIECES[m][0][0] for m in sequence])):
        m, i = sequence[n], marks[n]
        rate = baseline(model, params, m, times[n])[i]
        for k in np.flatnonzero((sequence == m) & (times < times[n])):
            lag, alpha = times[n] - times[k], params["alpha"][i, marks[k]]
            rate += sum(
                share * alpha * decays[i, marks[k]] * np.exp(-decays[i, marks[k]] * lag)
                for share, decays in terms
            )
        total += np.log(rate)
    pieces = [(m, *piece) for m in range(4) for piece in PIECES[m]]
    return total - sum(expected(model, params, terms, data, *one).sum() for one in pieces)
