"""A memory that rises first: terms of both signs, in draws, tables and fits."""

import jax
import numpy as np
import pytest
from scipy import stats

import hawkesjax as hj
from hawkesjax.hawkes.delays import delays
from hawkesjax.hawkes.inherited import inherited

MODEL = hj.Hawkes(decay="shared", baseline="shared", kernel=hj.RisingExponential(3.0))
TRUTH = {"mu": [0.4], "alpha": [[0.6]], "gamma": 2.0}


def tail(time, rise=3.0, rate=1.0):
    return (rise * np.exp(-rate * time) - np.exp(-rise * rate * time)) / (rise - 1)


@pytest.mark.parametrize("rise", [1.01, 3.0, 50.0])
def test_delays_are_sums_of_two_exponential_times(rise):
    kernel = hj.RisingExponential(rise)
    terms = kernel.ratios, np.asarray(kernel.weights({}), np.float64)
    rng = np.random.default_rng(0)
    drawn = delays(terms, 4000, rng)
    made = rng.exponential(1, 4000) + rng.exponential(1 / rise, 4000)
    assert stats.ks_2samp(drawn, made).pvalue > 0.01
    half = float(kernel.half_life({}))
    np.testing.assert_allclose(tail(half, rise), 0.5, rtol=1e-5)


def test_a_past_has_the_children_that_are_left():
    """By an event 0.3 ago and two 1.5 ago, of gamma 2: their number, and how soon they come."""
    kernel = hj.RisingExponential(3.0)
    terms = kernel.ratios, np.asarray(kernel.weights({}), np.float64)
    age, zeros = np.array([0.3, 1.5, 1.5]), np.zeros(3, int)
    length, alpha = np.array([2.0]), np.array([[4000.0]])
    past = age, zeros, zeros
    at = inherited(*past, alpha, np.full((1, 1, 1), 2.0), terms, length, np.random.default_rng(0))[
        0
    ]

    def law(time):
        return sum(tail(a, rate=2.0) - tail(a + time, rate=2.0) for a in age)

    want = 4000 * law(2.0)
    assert abs(len(at) - want) < 4 * np.sqrt(want)
    assert stats.kstest(at, lambda t: law(np.asarray(t)) / law(2.0)).pvalue > 0.01


def test_what_is_drawn_is_fitted_and_told_from_a_memory_that_begins_at_once():
    panel = hj.simulate(
        MODEL, TRUTH, window=(0, 150), num_sequences=12, key=jax.random.key(1), mark_names=["post"]
    )
    found = hj.fit(MODEL, panel)
    for name, value in TRUTH.items():
        error = found.standard_errors[name]
        assert np.all(np.abs(found.params[name] - np.asarray(value)) < 3.5 * np.asarray(error)), (
            name
        )
    at_once = hj.fit(hj.Hawkes(decay="shared", baseline="shared"), panel)
    assert found.aic + 20 < at_once.aic
    tests = hj.residual_tests(hj.residuals(MODEL, found, panel))
    assert (tests["ks p"] > 0.001).all()
    causes = hj.attribution(found, panel).values[0]
    np.testing.assert_allclose(causes.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(causes[:, 1].mean(), found.params["alpha"][0, 0], atol=0.05)
    ahead = hj.forecast(MODEL, found, panel, horizon=5.0, key=jax.random.key(2), draws=50)
    assert ahead.summary()["mean"].gt(0).all()


def test_a_link_lets_it_calm():
    """Thinning with terms of both signs: the rate of draws is the one of the likelihood."""
    model = hj.Hawkes(
        decay="shared", baseline="shared", kernel=hj.RisingExponential(3.0), link="softplus"
    )
    truth = {"mu": [0.8], "alpha": [[-0.5]], "gamma": 2.0}
    panel = hj.simulate(
        model, truth, window=(0, 100), num_sequences=10, key=jax.random.key(3), mark_names=["post"]
    )
    table = hj.residuals(model, truth, panel)
    assert abs(table["residual"].mean() - 1) < 4 / np.sqrt(len(table))


@pytest.mark.parametrize("rise", [1.0, 0.5, np.inf, np.nan])
def test_a_rise_that_is_none_is_refused(rise):
    with pytest.raises(ValueError, match=r"must be finite, and 1\.01 or more"):
        hj.RisingExponential(rise)
