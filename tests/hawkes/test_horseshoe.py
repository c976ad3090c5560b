"""The horseshoe prior of effects: its density, the program it is part of, and what it does."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from jax.test_util import check_grads
from numpyro.infer.util import log_density
from scipy import special

import hawkesjax as hj
from hawkesjax.core.priors import drawn
from hawkesjax.hawkes.horseshoe import HalfHorseshoe

MARKS = 4
TRUTH = np.where(np.eye(MARKS, k=1) > 0, 0.6, 0.0)


@pytest.fixture(scope="module")
def panel():
    truth = {"mu": np.full(MARKS, 0.2), "alpha": TRUTH, "gamma": 1.0}
    model = hj.Hawkes(decay="shared", baseline="shared")
    return hj.simulate(model, truth, window=(0, 500), key=jax.random.key(0))


MODEL = hj.Hawkes(gamma=1.0, baseline="shared", priors={"alpha": hj.Horseshoe(3)})


@pytest.mark.parametrize("scale, slab", [(0.01, 1.0), (0.3, 0.5), (1.0, 1.0), (2.0, 0.5)])
def test_density_and_draws_are_those_of_the_definition(scale, slab):
    """NumPy: local scales from the half-Cauchy with the tilt as a weight, then the half-normal."""
    rng = np.random.default_rng(0)
    local = np.abs(rng.standard_cauchy(400_000))
    weight = 1 / np.hypot(1, scale * local / slab)
    theirs = scale * local * weight * np.abs(rng.standard_normal(len(local)))
    order = np.argsort(theirs)
    below = np.cumsum(weight[order]) / weight.sum()
    shares = np.array([0.1, 0.5, 0.9])
    quantiles = theirs[order][np.searchsorted(below, shares)]

    prior = HalfHorseshoe(jnp.asarray(scale), jnp.asarray(slab))
    ours = np.asarray(prior.sample(jax.random.key(1), (100_000,)))
    found = (ours[:, None] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(found, shares, atol=0.007)
    grid = np.geomspace(1e-12, 50 * slab, 4001)
    mass = np.exp(np.asarray(prior.log_prob(jnp.asarray(grid)), float)) * grid
    steps = np.append(0, np.cumsum((mass[1:] + mass[:-1]) / 2 * np.diff(np.log(grid))))
    np.testing.assert_allclose(np.interp(quantiles, grid, steps), shares, atol=0.004)
    np.testing.assert_allclose(steps[-1], 1, atol=1e-5)


@pytest.mark.skipif(not jax.config.jax_enable_x64, reason="finite differences")
def test_density_has_the_exponential_integral_and_its_derivatives():
    values = jnp.geomspace(1e-9, 3.0, 40)  # both sides of the series' end

    def density(scale):
        return HalfHorseshoe(scale, jnp.asarray(0.8)).log_prob(values)

    u = np.asarray(values) ** 2 / 2 / 0.05**2
    u = np.where(u < 600, u, 600)
    expected = np.log(special.exp1(u)) + u - np.asarray(values) ** 2 / 2 / 0.8**2
    change = np.asarray(density(jnp.asarray(0.05))) - expected
    near = u < 600
    np.testing.assert_allclose(change[near], change[0], atol=1e-12)
    check_grads(lambda logs: density(jnp.exp(logs)).sum(), (jnp.log(0.05),), 2, ["rev"], eps=1e-4)


def test_program_is_likelihood_and_priors(panel):
    prepared = MODEL.prepare(panel)
    rng = np.random.default_rng(0)
    alpha = rng.uniform(0.01, 0.5, (MARKS, MARKS))
    params = {"mu": rng.uniform(0.1, 0.3, MARKS), "alpha": alpha, "alpha_scale": 0.07}
    params = {name: jnp.asarray(value) for name, value in params.items()}
    value = log_density(MODEL.program, (prepared,), {}, params)[0]
    rates = np.bincount(panel.marks) / 500
    counts = np.bincount(panel.marks)
    error = np.median(np.sqrt(2 * rates[:, None] / counts))
    expected = MODEL.log_likelihood({n: params[n] for n in ("mu", "alpha")}, panel)
    expected += dist.HalfCauchy(rates).log_prob(params["mu"]).sum()
    expected += dist.HalfCauchy(3 / (16 - 3) * error).log_prob(0.07)
    prior = HalfHorseshoe(jnp.full((MARKS, MARKS), 0.07), jnp.asarray(1.0))
    expected += prior.log_prob(params["alpha"]).sum()
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_prior_draws_of_effects_follow_the_draws_of_their_scale(panel):
    keys = jax.random.split(jax.random.key(0), 3)
    draws = drawn(MODEL, MODEL.prepare(panel), keys, (2, 500))
    scale, alpha = np.asarray(draws["alpha_scale"]), np.asarray(draws["alpha"])
    assert scale.shape == (2, 500) and alpha.shape == (2, 500, MARKS, MARKS)
    plain = np.median(alpha[scale < 0.1] / scale[scale < 0.1][:, None, None])
    rng = np.random.default_rng(0)
    theirs = np.median(np.abs(rng.standard_cauchy(10**6) * rng.standard_normal(10**6)))
    np.testing.assert_allclose(plain, theirs, rtol=0.1)


@pytest.mark.slow
def test_effects_stand_out_and_all_else_is_shrunk(panel, tmp_path):
    """Beside the panel, one with the same marks at unrelated times: nothing to be found."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 500, panel.num_events))
    marks = rng.permutation(panel.marks)
    random = hj.EventPanel.from_arrays(times, marks, window=(0, 500))
    run = {"num_warmup": 150, "num_samples": 150, "num_chains": 1, "progress": False}
    with pytest.warns(hj.SamplingWarning):
        found = hj.sample(MODEL, panel, key=0, pointwise=None, **run)
        none = hj.sample(MODEL, random, key=0, pointwise=None, **run)
    alpha = found.draws()["alpha"]
    low, middle = np.quantile(alpha, [0.025, 0.5], axis=0)
    assert np.all(low[TRUTH > 0] > 0.1) and np.all(middle[TRUTH == 0] < 0.1)
    assert np.quantile(none.draws()["alpha"], 0.5, axis=0).max() < 0.1
    assert none.draws()["alpha_scale"].mean() < found.draws()["alpha_scale"].mean()
    assert "alpha_scale" in found.summary().index
    found.save(tmp_path / "post.nc")
    kept = hj.load(tmp_path / "post.nc")
    assert kept.model == MODEL


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"priors": {"mu": hj.Horseshoe(2)}}, "prior of alpha"),
        ({"priors": {"alpha": hj.Horseshoe(2)}, "stationary": True}, "stationary"),
        ({"priors": {"alpha": hj.Horseshoe(2)}, "link": "softplus"}, "0 or more"),
    ],
)
def test_settings_that_contradict_a_horseshoe_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        hj.Hawkes(**settings)


def test_numbers_and_verbs_that_a_horseshoe_refuses(panel):
    with pytest.raises(ValueError, match="effects is 0"):
        hj.Horseshoe(0)
    with pytest.raises(ValueError, match="slab is -1"):
        hj.Horseshoe(2, slab=-1)
    with pytest.raises(ValueError, match="a Horseshoe is for sample"):
        hj.fit(MODEL, panel)
    many = hj.Hawkes(gamma=1.0, baseline="shared", priors={"alpha": hj.Horseshoe(16)})
    with pytest.raises(ValueError, match="16 effects of 16"):
        hj.sample(many, panel, key=0)
