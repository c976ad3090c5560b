"""`fit` with many marks: target by target, and the same as all at once."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.optimize import minimize

import hawkesjax as hj
from tests.hawkes import reference

MARKS = 7
CLOSE = 1e-6 if jax.config.jax_enable_x64 else 1e-2


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(4)
    alpha = np.where(rng.random((MARKS, MARKS)) < 0.3, rng.uniform(0.1, 0.4, (MARKS, MARKS)), 0)
    truth = {"mu": rng.uniform(0.1, 0.3, (2, MARKS)), "alpha": 0.5 * alpha, "gamma": 1.5}
    return hj.simulate(hj.Hawkes(decay="shared"), truth, window=(0, 60), key=jax.random.key(1))


def by_scipy(panel, gamma):
    """All parameters at once, by the plain likelihood and SciPy's bounds."""
    times, marks, sequence = (np.asarray(x) for x in (panel.times, panel.marks, panel.sequence))
    rates = gamma * reference.counts(times, marks, sequence, np.full((MARKS, MARKS), gamma))
    duration = np.asarray(panel.duration)
    inside = 1 - np.exp(-gamma * (duration[sequence] - times))
    children = np.bincount(marks, weights=inside, minlength=MARKS)
    size = len(duration) * MARKS

    def loss(x):
        mu, alpha = x[:size].reshape(-1, MARKS), x[size:].reshape(MARKS, MARKS)
        rate = mu[sequence, marks] + np.sum(alpha[marks] * rates, axis=1)
        value = np.sum(mu * duration[:, None]) + np.sum(alpha * children) - np.sum(np.log(rate))
        by_mu, by_alpha = np.tile(duration[:, None], MARKS), np.tile(children, (MARKS, 1))
        np.subtract.at(by_mu, (sequence, marks), 1 / rate)
        np.subtract.at(by_alpha, marks, rates / rate[:, None])
        return value, np.concatenate([by_mu.ravel(), by_alpha.ravel()])

    bounds = [(1e-10, None)] * size + [(0, None)] * MARKS**2
    options = {"maxiter": 10000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-7}
    found = minimize(
        loss, np.full(size + MARKS**2, 0.1), jac=True, method="L-BFGS-B", bounds=bounds,
        options=options,
    )  # fmt: skip
    return found.x[:size].reshape(-1, MARKS), found.x[size:].reshape(MARKS, MARKS), -found.fun


def test_known_decays_give_scipys_maximum(panel):
    found = hj.fit(hj.Hawkes(gamma=1.5), panel)
    mu, alpha, value = by_scipy(panel, 1.5)
    assert found.result is hj.Result.BOUNDARY, found.message
    np.testing.assert_allclose(found.log_likelihood, value, rtol=1e-9 if CLOSE < 1e-3 else 1e-5)
    np.testing.assert_allclose(found.params["alpha"], alpha, atol=2e-4 if CLOSE < 1e-3 else 2e-2)
    np.testing.assert_allclose(found.params["mu"], mu, atol=2e-4 if CLOSE < 1e-3 else 2e-2)
    assert np.all(found.params["alpha"][alpha < 1e-8] < 1e-3)


MODELS = [
    hj.Hawkes(gamma=1.5),
    hj.Hawkes(gamma=1.5, baseline="shared"),
    hj.Hawkes(gamma=np.full(MARKS, 2.0), compensator="schoenberg"),
    hj.Hawkes(gamma=1.5, kernel=hj.PowerLaw(theta=0.5, span=100.0, error=0.1)),
]


@pytest.mark.parametrize("model", MODELS)
def test_no_derivative_is_left_and_the_errors_are_the_dense_ones(model, panel):
    found = hj.fit(model, panel)
    assert found.converged, found.message
    natural = {name: jnp.asarray(found.params[name]) for name in model.shapes(panel)}
    data = model.prepare(panel)
    slope = jax.jit(jax.grad(lambda params: model.log_likelihood(params, data)))(natural)
    for name, value in natural.items():
        at = np.asarray(value * slope[name])
        assert np.max(np.abs(at)) < 10 * CLOSE * panel.num_events
        assert np.max(np.asarray(slope[name])[np.asarray(value) == 0], initial=-1) < 0.1
    kept = {name: ~np.isnan(found.standard_errors[name]) for name in natural}

    def loss(free):
        params = {n: v.at[kept[n]].set(jnp.exp(free[n])) for n, v in natural.items()}
        return -model.log_likelihood(params, data)

    free = {name: jnp.log(value[kept[name]]) for name, value in natural.items()}
    flat, back = jax.flatten_util.ravel_pytree(free)
    hessian = jax.jit(jax.hessian(lambda x: loss(back(x))))(flat)
    covariance = np.linalg.inv(np.asarray(hessian, float))
    expected = back(jnp.asarray(np.sqrt(np.diag(covariance))))
    for name, value in natural.items():
        relative = (found.standard_errors[name] / np.asarray(value))[kept[name]]
        np.testing.assert_allclose(relative, expected[name], rtol=100 * CLOSE)


def test_a_bounded_effect_takes_the_other_way(panel):
    model = hj.Hawkes(gamma=1.5, baseline="shared", priors={"alpha": dist.Uniform(0.0, 5.0)})
    plain = hj.fit(hj.Hawkes(gamma=1.5, baseline="shared"), panel, errors=False)
    found = hj.fit(model, panel, errors=False)
    np.testing.assert_allclose(found.log_likelihood, plain.log_likelihood, rtol=1e-5)


@pytest.mark.parametrize("decay", ["shared", "source"])
def test_learned_decays_converge(decay, panel):
    found = hj.fit(hj.Hawkes(decay=decay), panel)
    assert found.converged, found.message
    known = found.params["gamma"]
    again = hj.fit(hj.Hawkes(gamma=known), panel, errors=False)
    np.testing.assert_allclose(found.log_likelihood, again.log_likelihood, rtol=1e-6)


def test_estimates_and_draws_at_or_above_criticality_are_said_to_be():
    growing = np.log(np.arange(2.0, 200))  # as many more as there are
    panel = hj.EventPanel.from_arrays(growing, np.zeros(198, int), window=(0, growing[-1]))
    found = hj.fit(hj.Hawkes(gamma=1.0, baseline="shared"), panel)
    assert found.params["alpha"][0, 0] > 1
    assert found.message.startswith("Converged")
    assert f"alpha's spectral radius is {found.params['alpha'][0, 0]:.3g}" in found.message
    assert "supercritical" in repr(found)
    rest = {"mu": np.ones((4, 1, 2)), "gamma": np.ones((4, 2, 2))}
    alpha = np.array([[[0.5, s], [s, 0.5]] for s in (0.1, 0.4, 0.5, 0.7)])  # radius 0.5 + s
    (said,) = hj.Hawkes().remarks({"alpha": alpha, **rest}, panel)
    assert said.startswith("50 % of the draws are supercritical")
    assert hj.Hawkes().remarks({"alpha": alpha[:2], **rest}, panel) == []


@pytest.mark.slow
def test_decays_learned_by_pair_converge_where_each_target_has_a_pace_of_its_own():
    """Some decays drift to 0, some effects too: no target waits for another's damping."""
    rng = np.random.default_rng(0)
    size = 12
    alpha = rng.uniform(size=(size, size)) * (rng.uniform(size=(size, size)) < 0.15)
    alpha *= 0.6 / np.abs(np.linalg.eigvals(alpha)).max()
    truth = {
        "alpha": alpha,
        "gamma": rng.uniform(1, 5, (size, size)),
        "mu": rng.uniform(0.05, 0.3, size),
    }
    model = hj.Hawkes(baseline="shared")
    panel = hj.simulate(model, truth, window=(0, 700), key=jax.random.key(0))
    found = hj.fit(model, panel, errors=False)
    assert found.result is hj.Result.BOUNDARY, found.message
    assert found.steps < 300
    assert found.log_likelihood > model.log_likelihood(truth, panel)
