"""Forecasts: the exact mean, given the past, and whole draws."""

import jax
import numpy as np
import pytest
from scipy.linalg import expm

import hawkesjax as hj

MODEL = hj.Hawkes()
PANEL = hj.EventPanel.from_lists(
    [([1.0, 7.5, 9.9], [9.0]), ([], [2.0, 9.99])], window=(0, 10), sequence_names=["a", "b"]
)
PARAMS = {
    "mu": np.array([[0.5, 0.2], [0.1, 0.3]]),
    "alpha": np.array([[0.4, 0.3], [0.2, 0.1]]),
    "gamma": np.full((2, 2), 0.8),
}
HORIZON = 5.0


def expected_counts(horizon=HORIZON):
    """With one decay rate the mean intensity solves a linear differential equation:
    `lambda = mu + gamma alpha x`, `x' = lambda - gamma x`, x the decayed counts."""
    gamma, alpha = 0.8, PARAMS["alpha"]
    out = []
    for m in range(2):
        mine = PANEL.sequence == m
        x = np.zeros(2)
        np.add.at(x, PANEL.marks[mine], np.exp(-gamma * PANEL.remaining[mine]))
        # (counts, x, 1)' is linear in (counts, x, 1)
        system = np.zeros((5, 5))
        system[:2, 2:4], system[:2, 4] = gamma * alpha, PARAMS["mu"][m]
        system[2:4, 2:4], system[2:4, 4] = gamma * (alpha - np.eye(2)), PARAMS["mu"][m]
        out.append((expm(system * horizon) @ np.r_[0, 0, x, 1])[:2])
    return np.array(out)


def test_mean_given_the_past():
    draws = 4_000
    found = hj.forecast(
        MODEL, PARAMS, PANEL, horizon=HORIZON, key=jax.random.key(0), draws=draws, bins=2
    )
    error = found.counts.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(found.counts.mean(axis=0) - expected_counts()) < 4.5 * error)
    early = expected_counts(HORIZON / 2)
    for number, exact in enumerate((early, expected_counts() - early)):
        step = found.steps[:, number]
        assert np.all(np.abs(step.mean(axis=0) - exact) < 4.5 * step.std(axis=0) / draws**0.5)
        rows = found.by_step().loc[(2.5 * number, 2.5 * (number + 1))]
        np.testing.assert_allclose(rows["mean"][:4], step.mean(axis=0).ravel())
    table = found.summary()
    np.testing.assert_allclose(table.loc[("a", "online"), "mean"], found.counts[:, 0, 0].mean())
    np.testing.assert_allclose(
        table.loc[("all", "offline"), "mean"], found.counts[:, :, 1].sum(axis=1).mean()
    )


def test_equal_keys_give_equal_forecasts_and_bad_calls_are_refused():
    one, two = (
        hj.forecast(MODEL, PARAMS, PANEL, horizon=2, key=jax.random.key(5), draws=7).counts
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    for horizon in (0, -1, np.inf, np.nan, "7", None):
        with pytest.raises(ValueError, match="horizon"):
            hj.forecast(MODEL, PARAMS, PANEL, horizon=horizon, key=jax.random.key(0))
    with pytest.raises(ValueError, match="bins"):
        hj.forecast(MODEL, PARAMS, PANEL, horizon=1, key=jax.random.key(0), bins=0)
    with pytest.raises(ValueError, match="draws"):
        hj.forecast(MODEL, PARAMS, PANEL, horizon=1, key=jax.random.key(0), draws=0)
