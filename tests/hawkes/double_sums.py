"""Baselines with covariates and kernels that are sums, event by event and cell by cell."""

import itertools
import math

import numpy as np

import hawkesjax as hj
from tests.hawkes.reference import random_events

WINDOWS = np.array([(0.0, 10.0), (-3.0, 10.0), (2.0, 10.0), (0.0, 12.5)])
EDGES = np.array([-5.0, -1, 0, 1, 2.5, 4, 7, 10.25, 13])
RNG = np.random.default_rng(3)
COVARIATES = hj.Covariates(
    EDGES,
    np.column_stack([np.ones(8), [0, 1, 0, 1, 1, 0, 1, 0], RNG.normal(size=8)]),
    ("intercept", "on", "warmth"),
)
EVENTS = random_events(np.random.default_rng(0), 2, [12, 0, 1, 15])
RISING = hj.RisingExponential(2.5)
SUM, LAW = hj.SumOfExponentials(3, ratio=5.0), hj.PowerLaw(span=50.0, error=1e-6)
OWN = {
    "beta": np.array([[-0.5, 0.8, 0.3], [0.2, -0.7, 0.1]]),
    "split": np.array([0.4, 0.7]),
    "theta": 0.3,
    "mu": np.random.default_rng(1).uniform(0.2, 1, (4, 2)),
    "alpha": np.array([[0.5, 0.2], [0.3, 0.1]]),
    "gamma": np.array([[1.0, 3.0], [0.5, 2.0]]),
}
MODELS = {
    "intercept": hj.Hawkes(baseline=COVARIATES),
    "by sequence": hj.Hawkes(covariates=COVARIATES, form="pairs"),
    "approximate": hj.Hawkes(baseline=COVARIATES, compensator="schoenberg", form="scan"),
    "sum": hj.Hawkes(kernel=SUM),
    "sum, pairs": hj.Hawkes(kernel=SUM, form="pairs"),
    "sum, gamma by source is known": hj.Hawkes(kernel=SUM, gamma=OWN["gamma"][0]),
    "power law": hj.Hawkes(kernel=LAW),
    "power law, all is known": hj.Hawkes(kernel=hj.PowerLaw(0.3, span=50.0, error=1e-6), gamma=2.0),
    "rising": hj.Hawkes(kernel=RISING),
    "rising, pairs": hj.Hawkes(kernel=RISING, form="pairs", covariates=COVARIATES),
    "both": hj.Hawkes(covariates=COVARIATES, kernel=SUM),
}


def panel_of(shift=0.0):
    times, marks, sequence = EVENTS
    windows = WINDOWS + shift
    return hj.EventPanel.from_arrays(
        times + shift, marks, sequence=sequence, window=windows, mark_names=["a", "b"]
    )


def params_of(model):
    gamma = OWN["gamma"] if model.gamma is None else np.asarray(model.gamma)
    values = OWN | {"gamma": gamma}
    if model.covariates is not None:
        values["beta"] = OWN["beta"][:, 1:]
    params = {name: values[name] for name in model.natural}
    return params if model.gamma is None else {n: v for n, v in params.items() if n != "gamma"}


def features_at(time):
    """The row of the cell, by looking at each; the last cell includes its end."""
    pairs = zip(EDGES[:-1], COVARIATES.values, strict=True)
    return [row for low, row in pairs if low <= time][-1]


def background(model, sequence, mark, time):
    level = 1.0 if model.background.levels is None else OWN["mu"][sequence, mark]
    if model.background.covariates is None:
        return level
    beta, features = OWN["beta"][mark], features_at(time)
    first = 0 if model.background.levels is None else 1
    return level * math.exp(sum(beta[f] * features[f] for f in range(first, 3)))


def kernel(model, target, source, time):
    """phi and its integral from 0, from the formulas of the papers."""
    gamma = np.broadcast_to(OWN["gamma"] if model.gamma is None else model.gamma, (2, 2))
    rate = gamma[target, source]
    if isinstance(model.kernel, hj.PowerLaw):
        theta, scaled = OWN["theta"], 1 + rate * time
        return theta * rate * scaled ** -(1 + theta), 1 - scaled**-theta
    if isinstance(model.kernel, hj.RisingExponential):
        fast = 2.5 * rate  # of the second of two waits
        density = rate * fast / (fast - rate) * (math.exp(-rate * time) - math.exp(-fast * time))
        left = (fast * math.exp(-rate * time) - rate * math.exp(-fast * time)) / (fast - rate)
        return density, 1 - left
    if isinstance(model.kernel, hj.SumOfExponentials):
        first, second = OWN["split"]
        weights = (first, (1 - first) * second, (1 - first) * (1 - second))
        rates = [rate / 5**k for k in range(3)]
    else:
        weights, rates = (1.0,), [rate]
    density = sum(w * r * math.exp(-r * time) for w, r in zip(weights, rates, strict=True))
    return density, sum(w * -math.expm1(-r * time) for w, r in zip(weights, rates, strict=True))


def expected(model, low, high, sequence, mark):
    """Integral of the intensity over [low, high], cell by cell and event by event."""
    total = 0.0
    cuts = [low, *[edge for edge in EDGES if low < edge < high], high]
    for a, b in itertools.pairwise(cuts):
        total += background(model, sequence, mark, (a + b) / 2) * (b - a)
    for time, source, owner in zip(*EVENTS, strict=True):
        if owner == sequence and time < high:
            whole = kernel(model, mark, source, high - time)[1]
            done = kernel(model, mark, source, low - time)[1] if time < low else 0.0
            total += OWN["alpha"][mark, source] * (whole - done)
    return total


def log_intensities(model):
    out = []
    for time, mark, sequence in zip(*EVENTS, strict=True):
        rate = background(model, sequence, mark, time)
        for before, source, owner in zip(*EVENTS, strict=True):
            if owner == sequence and before < time:
                rate += OWN["alpha"][mark, source] * kernel(model, mark, source, time - before)[0]
        out.append(math.log(rate))
    return np.array(out)
