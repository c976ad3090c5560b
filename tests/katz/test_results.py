"""Fitting, sampling, forecasting and criticising the Katz spike model on simulated activity."""

import warnings

import jax
import numpy as np
import pytest
from scipy import sparse, stats

import hawkesjax as hj
from hawkesjax.core.diagnostics import SamplingWarning
from hawkesjax.katz.results import KatzPosterior
from hawkesjax.katz.users import draw_baselines, user_baselines

USERS, BINS = 200, 300
MODEL = hj.KatzSpike()


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    matrix = sparse.random_array((USERS, USERS), density=0.02, rng=rng, format="csr")
    matrix.data[:] = 1
    return hj.Activity.from_matrix(matrix, np.ones(USERS))


@pytest.fixture(scope="module")
def truth(network):
    return {"alpha": 0.5 / hj.katz.radius(network).value, "shape": 0.6, "mean": 0.01}


@pytest.fixture(scope="module")
def data(network, truth):
    return hj.simulate(MODEL, truth, network, bins=BINS, key=jax.random.key(1))


@pytest.fixture(scope="module")
def estimate(data):
    return hj.fit(MODEL, data)


@pytest.fixture(scope="module")
def posterior(data, estimate):
    sizes = {"num_warmup": 150, "num_samples": 150, "num_chains": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)  # the chains are short
        return hj.sample(MODEL, data, key=jax.random.key(2), init=estimate, progress=False, **sizes)


def test_the_fit_recovers_what_was_simulated(estimate, truth):
    assert estimate.converged, estimate.message
    for name, value in truth.items():
        apart = np.log(estimate.params[name] / value) * estimate.params[name]
        assert abs(apart) < 4 * estimate.standard_errors[name], name
    star = estimate.params["alpha"] * 0.5 / truth["alpha"]
    np.testing.assert_allclose(estimate.params["alpha_star"], star, rtol=1e-6)


def test_the_posterior_lies_around_the_estimate(posterior, estimate, data):
    assert isinstance(posterior, KatzPosterior)
    for name in ("alpha", "shape", "mean", "alpha_star"):
        draws = np.asarray(posterior[name])
        assert abs(draws.mean() - estimate.params[name]) < draws.std(), name
    table = posterior.influence()
    assert list(table.index) == ["alpha", "share", "alpha_star", "half-life"]
    assert 0.2 < table.loc["share", "mean"] < 0.8
    kept = posterior.log_likelihood["events"]
    assert kept.dims == ("chain", "draw", "user")
    assert kept.sizes["user"] == data.num_users


def test_baselines_are_those_of_their_own_posterior(posterior, data):
    """The table agrees with draws, and for a silent user with the gamma posterior."""
    point = {n: np.asarray(posterior[n]).ravel()[:1] for n in ("alpha", "shape", "mean")}
    table = user_baselines(MODEL, point, data)
    one = {name: value[0] for name, value in point.items()}
    rng = np.random.default_rng(0)
    draws = np.stack([draw_baselines(MODEL, one, data, rng) for _ in range(400)])
    error = draws.std(axis=0) / 20
    assert np.all(np.abs(draws.mean(axis=0) - table[:, 0]) < 5 * error)
    below = np.mean(draws < table[:, 2], axis=0)
    assert abs(below.mean() - 0.975) < 0.01
    events = np.bincount(data.active_user[data.active_bin > 0], minlength=USERS)
    silent = int(np.flatnonzero(events == 0)[0])
    gamma = stats.gamma(one["shape"], scale=1 / (one["shape"] / one["mean"] + BINS - 1))
    np.testing.assert_allclose(table[silent, 0], gamma.mean(), rtol=1e-6)
    shown = posterior.baseline(draws=5)
    assert shown.shape == (USERS, 3)
    assert (shown["2.5%"] <= shown["mean"]).all()


def test_the_ranking_is_a_probability(posterior, data):
    table = posterior.ranking(key=jax.random.key(3), top=10, draws=20)
    np.testing.assert_allclose(table["probability"].sum(), 10)
    assert table["probability"].is_monotonic_decreasing
    with pytest.raises(ValueError, match="must be from 1 to 200 users"):
        posterior.ranking(data, key=jax.random.key(3), top=0)


def test_a_result_is_saved_and_loaded_with_its_tables(posterior, tmp_path):
    posterior.save(tmp_path / "one.nc")
    loaded = hj.load(tmp_path / "one.nc")
    assert isinstance(loaded, KatzPosterior)
    assert loaded.influence().equals(posterior.influence())
    assert loaded.model == MODEL
    assert list(loaded.tables()) == ["summary", "influence"]
    with pytest.raises(ValueError, match="pass them as data="):
        loaded.baseline()
    with pytest.raises(ValueError, match="must be an Activity, not dict"):
        loaded.ranking({}, key=jax.random.key(3))


def test_residuals_are_standard_normal_under_the_truth(data, truth):
    for by in ("bin", "user"):
        table = hj.residuals(MODEL, truth, data, by=by, key=jax.random.key(4))
        found = hj.residual_tests(table)
        assert found["p"] > 1e-3, by
        assert abs(found["sd"] - 1) < 0.15, by
    with pytest.raises(ValueError, match="must be one of 'bin', 'user'"):
        hj.residuals(MODEL, truth, data, by="edge")


def test_residuals_see_a_rate_that_is_wrong(data, truth):
    wrong = truth | {"alpha": truth["alpha"] / 3}
    table = hj.residuals(MODEL, wrong, data, by="user", key=jax.random.key(4))
    assert hj.residual_tests(table)["p"] < 1e-3


def test_a_forecast_continues_the_chain(posterior, data):
    told = hj.forecast(MODEL, posterior, data, horizon=40, key=jax.random.key(5), draws=60)
    assert told.volume.shape == (60, 40)
    assert told.first == BINS
    recent = data.volume[-150:].mean() * 40
    total = told.total().loc["all"]
    assert total["2.5%"] < recent < total["97.5%"]
    assert list(told.tables()) == ["summary", "total", "decay"]
    left = told.decay()
    assert left["mean"].iloc[0] == 1
    assert left["mean"].iloc[-1] < 1e-3
    with pytest.raises(ValueError, match="horizon is 0"):
        hj.forecast(MODEL, posterior, data, horizon=0, key=jax.random.key(5))


@pytest.mark.parametrize("link", ["hazard", "poisson", "clip"])
def test_the_chain_has_its_steady_state_for_a_mean(network, link):
    """Posts settle at `(I - alpha A)^-1 b`; for rare events of the hazard link just below."""
    b = np.random.default_rng(6).gamma(2.0, 0.001, USERS)
    alpha = 0.5 / hj.katz.radius(network).value
    model = hj.KatzSpike(link=link)
    bins = 4000 if link != "clip" else 1500
    found = hj.simulate(model, {"alpha": alpha, "b": b}, network, bins=bins, key=jax.random.key(7))
    expected = np.linalg.solve(np.eye(USERS) - alpha * network.matrix.toarray(), b).sum()
    seen = found.volume[20:].mean()
    assert 0.9 * expected < seen < 1.08 * expected
    again = hj.simulate(model, {"alpha": alpha, "b": b}, network, bins=bins, key=jax.random.key(7))
    np.testing.assert_array_equal(found.active_user, again.active_user)


def test_simulation_refuses_what_it_cannot_draw(network, truth):
    cases = [
        ({"alpha": 0.1}, {}, "params do not have shape, mean"),
        (truth | {"alpha": -1.0}, {}, "alpha must be finite and not negative"),
        (truth | {"alpha": 5.0}, {"max_posts": 2000}, "grows without end"),
        (truth, {"common_factor": [1.0]}, "common_factor must be 50"),
    ]
    for params, options, message in cases:
        with pytest.raises(ValueError, match=message):
            hj.simulate(MODEL, params, network, bins=50, key=jax.random.key(0), **options)
    with pytest.raises(ValueError, match="by volume is what happened"):
        hj.simulate(
            hj.KatzSpike(common_factor="volume"), truth, network, bins=50, key=jax.random.key(0)
        )


def test_verbs_that_the_model_lacks_say_where_to_go(data, truth):
    with pytest.raises(ValueError, match="KatzSpike has no evaluate; rank users with"):
        hj.evaluate(MODEL, truth, data)
    with pytest.raises(ValueError, match=r"no attribution; see post\.influence\(\)"):
        hj.attribution(truth, data, model=MODEL)
    with pytest.raises(ValueError, match="KatzSpike has no predictive_check; test"):
        hj.predictive_check(MODEL, truth, data)


def test_values_that_lack_parameters_are_refused(data):
    with pytest.raises(ValueError, match="b or shape and mean, are needed"):
        hj.residuals(MODEL, {"alpha": 0.1}, data)
    with pytest.raises(ValueError, match="a Posterior, an Estimate or a dict"):
        hj.forecast(MODEL, [0.1], data, horizon=3, key=jax.random.key(0))
