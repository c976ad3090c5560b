"""`fit` of a hierarchical baseline maximises the likelihood integrated over the offsets."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

import hawkesjax as hj
from tests.derivatives import check_derivatives
from tests.hawkes import reference

MODEL = hj.Hawkes(baseline="hierarchical", decay="shared")
X64 = jax.config.jax_enable_x64


def panel_of(mu, *, alpha=0.3, seed=0, duration=100.0):
    truth = {"mu": mu, "alpha": np.eye(mu.shape[1]) * alpha, "gamma": 2.0}
    return hj.simulate(
        hj.Hawkes(decay="shared"), truth, window=(0, duration), key=jax.random.key(seed)
    )


def levels(spread, *, sequences=40, marks=1, median=0.05, seed=1):
    normal = np.random.default_rng(seed).normal(size=(sequences, marks))
    return median * np.exp(spread * normal)


def by_quadrature(panel, params):
    """The integral of each cell by scipy's adaptive quadrature, its likelihood by double sums."""
    times, marks, sequence = (np.asarray(x) for x in (panel.times, panel.marks, panel.sequence))
    zero = np.zeros((panel.num_sequences, panel.num_marks))
    gamma = np.broadcast_to(params["gamma"], params["alpha"].shape)
    known = params["alpha"], gamma
    excited = reference.intensities(times, marks, sequence, zero, *known)
    durations = np.asarray(panel.duration)
    total = -np.sum(reference.compensator(times, marks, sequence, zero, *known, durations))
    for m, i in np.ndindex(zero.shape):
        x = excited[(sequence == m) & (marks == i)]

        def log_density(z, x=x, m=m, i=i):
            level = params["mu_median"][i] * np.exp(params["mu_spread"][i] * z)
            return np.sum(np.log(level + x)) - level * durations[m] + norm.logpdf(z)

        grid = np.linspace(-10, 10, 2001)
        top = grid[np.argmax([log_density(z) for z in grid])]
        best = log_density(top)
        area = quad(
            lambda z, f=log_density, b=best: np.exp(f(z) - b),
            -12, 12, points=[top], limit=500, epsabs=1e-13, epsrel=1e-12,
        )  # fmt: skip
        total += best + np.log(area[0])
    return total


@pytest.mark.parametrize("spread", [0.1, 0.9, 3.0])
def test_the_likelihood_is_the_integral(spread):
    rng = np.random.default_rng(2)
    parts = reference.random_events(rng, 2, [0, 1, 2, 9, 40])
    panel = hj.EventPanel.from_arrays(
        parts[0], parts[1], sequence=parts[2], window=(0, 11), sequence_names=range(5)
    )
    params = {
        "mu_median": np.array([0.3, 0.8]),
        "mu_spread": np.array([spread, 0.5]),
        "alpha": np.array([[0.3, 0.1], [0.2, 0.4]]),
        "gamma": np.array(1.5),
    }
    found = MODEL.marginal().log_likelihood(params, panel)
    np.testing.assert_allclose(found, by_quadrature(panel, params), rtol=1e-9 if X64 else 1e-5)


def test_derivatives_are_those_of_the_integral():
    panel = panel_of(levels(0.8, sequences=6))
    model = MODEL.marginal()
    data = model.prepare(panel)

    def value(median, spread, alpha, gamma):
        params = {"mu_median": median, "mu_spread": spread, "alpha": alpha, "gamma": gamma}
        return model.log_likelihood(params, data) / panel.num_events

    check_derivatives(value, ([0.05], [0.8], [[0.3]], 2.0))


def test_the_known_maximum(reference_results):
    case = json.loads(reference_results("cases/hierarchical_fit.json").read_text())
    times = np.asarray(case["times"])
    panel = hj.EventPanel.from_arrays(
        times,
        np.zeros(len(times), int),
        sequence=case["user"],
        window=tuple(case["window"]),
        sequence_names=range(case["users"]),
    )
    found = hj.fit(hj.Hawkes(baseline="hierarchical"), panel)
    assert found.result is hj.Result.CONVERGED, found.message
    for name, right in case["right_marginal_maximum"].items():
        np.testing.assert_allclose(np.squeeze(found.params[name]), right, rtol=2e-3)
    for name, right in case["sample_gives"].items():
        error = found.standard_errors[name].item()
        assert abs(found.params[name].item() - right) < 0.3 * error
    assert found.num_parameters == 4


def test_offsets_are_posterior_modes_with_both_errors():
    """Of z: 1 / -h'' given the estimate, and its move with the estimate (Kass and Steffey)."""
    panel = panel_of(levels(0.8))
    found = hj.fit(MODEL, panel)
    assert found.result is hj.Result.CONVERGED
    model = MODEL.marginal()
    data = model.prepare(panel)
    names = ("mu_median", "mu_spread", "alpha", "gamma")
    logs = {name: jnp.log(found.params[name]) for name in names}
    flat, back = jax.flatten_util.ravel_pytree(logs)

    def params(at):
        return {name: jnp.exp(value) for name, value in back(at).items()}

    hessian = jax.jit(jax.hessian(lambda at: -model.log_likelihood(params(at), data)))(flat)
    covariance = jnp.linalg.inv(hessian)
    np.testing.assert_allclose(
        found.standard_errors["mu_spread"] / found.params["mu_spread"],
        back(jnp.sqrt(jnp.diag(covariance)))["mu_spread"],
        rtol=1e-6 if X64 else 1e-2,
    )

    @jax.jit
    def mode(at):
        return MODEL.latent(params(at), data)["mu_offset"].ravel()

    z = np.asarray(mode(flat))
    np.testing.assert_allclose(found.params["mu_offset"].ravel(), z, rtol=1e-6, atol=1e-6)
    slope, bend = jax.jit(lambda z: MODEL.offsets(params(flat), data).slopes(z))(jnp.asarray(z))
    np.testing.assert_allclose(slope, 0, atol=1e-8 if X64 else 1e-3)
    step = 1e-4 if X64 else 1e-2
    moves = np.stack(
        [(mode(flat + step * e) - mode(flat - step * e)) / (2 * step) for e in np.eye(len(flat))],
        axis=1,
    )
    expected = np.sqrt(1 / bend + np.einsum("ca,ab,cb->c", moves, covariance, moves))
    close = {"rtol": 1e-5 if X64 else 3e-2}
    np.testing.assert_allclose(found.standard_errors["mu_offset"].ravel(), expected, **close)
    spread = found.params["mu_spread"].item()
    order = list(back(np.arange(len(flat))).items())
    place = {name: int(np.ravel(value)[0]) for name, value in order}
    moves = spread * moves
    moves[:, place["mu_median"]] += 1
    moves[:, place["mu_spread"]] += spread * z
    expected = np.sqrt(spread**2 / bend + np.einsum("ca,ab,cb->c", moves, covariance, moves))
    mu = found.params["mu"]
    np.testing.assert_allclose((found.standard_errors["mu"] / mu).ravel(), expected, **close)
    for low, high in ((found.lower["mu"], mu), (mu, found.upper["mu"])):
        np.testing.assert_allclose(np.log(high / low).ravel(), 1.959964 * expected, **close)


def test_no_spread_is_a_boundary():
    panel = hj.EventPanel.from_arrays(
        np.tile(np.arange(0.5, 20), 12), np.zeros(240, int), sequence=np.repeat(np.arange(12), 20),
        window=(0, 20),
    )  # fmt: skip
    found = hj.fit(MODEL, panel)
    assert found.result is hj.Result.BOUNDARY and "mu_spread[0] at" in found.message
    assert np.isnan(found.standard_errors["mu_spread"]).all()
    same = hj.fit(hj.Hawkes(baseline="shared", decay="shared"), panel)
    np.testing.assert_allclose(found.log_likelihood, same.log_likelihood, atol=1e-3)
    lone = hj.fit(MODEL, panel.select([0]))
    assert lone.converged and "mu_spread[0] at" in lone.message


@pytest.mark.slow
def test_a_mark_without_events_and_one_with():
    mu = levels(0.8, marks=2)
    mu[:, 1] = 1e-12
    found = hj.fit(MODEL, panel_of(mu))
    alone = hj.fit(MODEL, panel_of(mu[:, :1], seed=0))
    assert found.result is hj.Result.BOUNDARY and "mu_median[1] at 0" in found.message
    assert np.isnan(found.standard_errors["mu"][:, 1]).all()
    assert np.isfinite(found.standard_errors["mu"][:, 0]).all()
    assert abs(np.log(found.params["gamma"] / alone.params["gamma"])) < 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_covariates_single_precision_and_the_verbs():
    features = hj.Covariates(np.array([0.0, 50.0, 200.0]), np.array([[0.0], [1.0]]), ("late",))
    panel = panel_of(levels(0.8, marks=2))
    model = hj.Hawkes(baseline="hierarchical", decay="shared", covariates=features)
    found = hj.fit(model, panel, dtype=np.float32)
    assert found.converged, found.message
    assert np.isfinite(found.standard_errors["beta"]).all()
    assert (np.abs(found.params["beta"]) < 4 * found.standard_errors["beta"]).all()
    low, high = found.lower["mu_mean"], found.upper["mu_mean"]
    assert np.mean((low < levels(0.8, marks=2)) & (levels(0.8, marks=2) < high)) > 0.8
    key = jax.random.key(0)
    assert len(hj.residuals(model, found, panel))
    hj.forecast(model, found, panel, horizon=5.0, key=key)
    post = hj.sample(model, panel, key=key, init=found, num_warmup=5, num_samples=5, num_chains=1)
    assert post.posterior["mu_offset"].shape[-2:] == (40, 2)


def test_another_law_of_the_offsets_is_refused():
    model = hj.Hawkes(baseline="hierarchical", priors={"mu_offset": dist.StudentT(3.0)})
    with pytest.raises(ValueError, match="use sample"):
        hj.fit(model, panel_of(levels(0.8, sequences=3)))


@pytest.mark.slow
def test_recovery_and_coverage():
    """200 panels of 60 users; each coverage within the 99.9 % bounds of a binomial."""
    truth = {"mu_median": 0.05, "mu_spread": 0.8, "alpha": 0.3, "gamma": 2.0}
    held, scores, of_mu = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0.0), []
    low, high = binom.ppf([0.0005, 0.9995], 200, 0.95) / 200
    for seed in range(200):
        mu = levels(0.8, sequences=60, seed=seed)
        found = hj.fit(MODEL, panel_of(mu, seed=seed))
        assert found.result is hj.Result.CONVERGED, found.message
        of_mu.append(np.mean((found.lower["mu"] < mu) & (mu < found.upper["mu"])))
        for name, right in truth.items():
            held[name] += int(found.lower[name].item() <= right <= found.upper[name].item())
            scores[name] += np.log(found.params[name].item() / right) / 200
    print(held, scores, np.mean(of_mu))
    assert all(low <= count / 200 <= high for count in held.values()), held
    assert all(abs(score) < 0.05 for score in scores.values()), scores
    assert 0.93 <= np.mean(of_mu) <= 0.97, np.mean(of_mu)
