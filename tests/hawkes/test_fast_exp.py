"""The exponential of decay factors against NumPy's, and its derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax.hawkes.counts.fast_exp import exp


def test_equals_numpys_over_its_whole_range():
    x = np.concatenate([np.linspace(-708, 708, 100_001), -np.geomspace(1e-20, 1, 1000)])
    error = np.abs(np.asarray(jax.jit(exp)(x)) / np.exp(x) - 1)
    assert np.all(error < (3 + np.abs(x)) * 2.3e-16)


def test_beyond_the_range():
    x = jnp.array([0.0, -0.0, jnp.nan, jnp.inf, -jnp.inf, 709, -709])
    np.testing.assert_array_equal(exp(x), [1, 1, jnp.nan, jnp.inf, 0, jnp.inf, 0])


def test_derivatives_of_two_orders():
    x = np.linspace(-30, 1, 1001)
    slope = jax.grad(exp)
    np.testing.assert_allclose(jax.vmap(slope)(x), np.exp(x), rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(jax.jacfwd(slope))(x), np.exp(x), rtol=1e-10)


def test_float32_is_kept():
    x = np.linspace(-5, 0, 11, dtype=np.float32)
    assert exp(x).dtype == np.float32
    np.testing.assert_allclose(exp(x), np.exp(x), rtol=1e-6)
