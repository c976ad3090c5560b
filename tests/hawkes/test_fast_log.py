"""The sum of logarithms from bits: equal to NumPy's, and what it does at the ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hawkesjax.hawkes.counts.fast_log import log_sum


@pytest.mark.parametrize("size", [1, 63, 64, 65, 768])
@pytest.mark.parametrize("spread", [0.1, 30.0])
def test_sum_is_that_of_the_logarithms(size, spread):
    values = np.exp(np.random.default_rng(size).normal(0, spread, size))
    found = log_sum(jnp.asarray(values))
    close = 1e-13 if found.dtype == np.float64 else 1e-5
    expected = np.log(np.asarray(jnp.asarray(values), float))
    np.testing.assert_allclose(float(found), expected.sum(), atol=close * np.abs(expected).sum())


def test_slopes_are_the_inverses_and_second_slopes_follow():
    values = jnp.asarray(np.random.default_rng(0).uniform(0.5, 2, 70))
    np.testing.assert_allclose(jax.grad(log_sum)(values), 1 / values, rtol=1e-6)
    curve = jax.hessian(lambda scale: log_sum(scale * values))(jnp.asarray(2.0))
    np.testing.assert_allclose(curve, -70 / 4, rtol=1e-6)


def test_infinite_values_and_none_stay_so():
    ones = jnp.ones(100)
    assert log_sum(ones.at[3].set(jnp.inf)) == jnp.inf
    assert jnp.isnan(log_sum(ones.at[3].set(jnp.nan)))
    smallest = float(jnp.finfo(ones.dtype).tiny)
    np.testing.assert_allclose(log_sum(ones * smallest), 100 * np.log(smallest), rtol=1e-6)
