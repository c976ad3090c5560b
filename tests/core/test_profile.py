"""Profile likelihoods beside a search of their own."""

import jax
import numpy as np
import pytest
from scipy import optimize

import hawkesjax as hj

SINGLE = not jax.config.jax_enable_x64
GAMMA, END = 1.5, 60.0
MODEL = hj.Hawkes(gamma=GAMMA)


@pytest.fixture(scope="module")
def fitted():
    truth = {"mu": [0.5, 0.6], "alpha": [[0.5, 0.0], [0.1, 0.3]]}
    panel = hj.simulate(MODEL, truth, window=(0, END), key=jax.random.key(4))
    return panel, hj.fit(MODEL, panel)


def log_likelihood(panel, target, mu, alpha):
    """The part of one target, by double sums."""
    times, marks = np.asarray(panel.times, float), np.asarray(panel.marks)
    total = -mu * END
    for n in np.flatnonzero(marks == target):
        before = times < times[n]
        decayed = GAMMA * np.exp(-GAMMA * (times[n] - times[before]))
        total += np.log(mu + np.sum(alpha[marks[before]] * decayed))
    return total - np.sum(alpha[marks] * -np.expm1(-GAMMA * (END - times)))


def lost(panel, target, source, value):
    """Against the best, with one effect held at a value."""

    def loss(point, held=None):
        mu, alpha = np.exp(point[0]), np.exp(point[1:])
        if held is not None:
            alpha = np.insert(alpha, source, held)
        return -log_likelihood(panel, target, mu, alpha)

    options = {"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000}
    best = min(
        optimize.minimize(loss, np.log([0.5, a, b]), method="Nelder-Mead", options=options).fun
        for a, b in ((0.3, 0.3), (0.3, 1e-4), (1e-4, 0.3))
    )
    held = min(
        optimize.minimize(
            loss, np.log([0.5, a]), (value,), method="Nelder-Mead", options=options
        ).fun
        for a in (0.3, 1e-4)
    )
    return held - best


@pytest.mark.skipif(SINGLE, reason="a search to 1e-8 needs float64")
def test_ends_lose_what_the_level_says(fitted):
    panel, found = fitted
    table = hj.profile(MODEL, found, panel, of="alpha")
    assert table.index.tolist() == [f"alpha[{j} -> {i}]" for i in (0, 1) for j in (0, 1)]
    for place, row in enumerate(table.itertuples()):
        target, source = divmod(place, 2)
        assert row.lower <= row.estimate <= row.upper
        assert row.upper > 0
        assert lost(panel, target, source, row.upper) == pytest.approx(1.92, abs=0.03)
        at_0 = row[-1]  # "loss at 0" is no name of an attribute
        assert lost(panel, target, source, 1e-12) == pytest.approx(at_0, abs=1e-3)
        if at_0 < 1.92:
            assert row.lower == 0
        else:
            assert lost(panel, target, source, row.lower) == pytest.approx(1.92, abs=0.03)
    assert (table["lower"] == 0).any()
    assert (table["lower"] > 0).any()
    narrow = hj.profile(MODEL, found, panel, of="alpha", level=0.5)
    assert np.all(narrow["upper"] < table["upper"])


def test_bad_input(fitted):
    panel, found = fitted
    with pytest.raises(ValueError, match="gamma was not learned; mu, alpha were"):
        hj.profile(MODEL, found, panel, of="gamma")
    with pytest.raises(ValueError, match="level"):
        hj.profile(MODEL, found, panel, level=1.5)
    with pytest.raises(ValueError, match="has not converged"):
        stopped = hj.fit(hj.Hawkes(), panel, max_steps=1)
        hj.profile(hj.Hawkes(), stopped, panel)
