"""Laws of the Katz spike model whose baselines weigh users' own posts by age."""

import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.core.diagnostics import SamplingWarning
from tests.derivatives import check_derivatives
from tests.katz import model_reference as reference

FIT = (8, 25)
FACTOR = tuple(np.linspace(0.5, 2, FIT[1] - FIT[0]))
CASES = [
    ("hazard", "additive", 0.0, None, FIT),
    ("hazard", "additive", 0.6, FACTOR, FIT),
    ("hazard", "multiplicative", 0.0, None, FIT),
    ("hazard", "multiplicative", 0.4, "volume", FIT),
    ("poisson", "additive", 0.3, "volume", FIT),
    ("poisson", "multiplicative", 0.0, FACTOR, FIT),
    ("poisson", "additive", 0.0, None, (0, 25)),
]
PARAMS = {"alpha": 0.02, "floor": 0.04, "weight": 0.6, "half_life": 3.5}


def model_of(link, form, memory, factor):
    settings = {"link": link, "form": form, "memory": memory, "common_factor": factor}
    return hj.KatzSpike(baseline="recent", **settings), settings


def log_of(seed, fit=FIT):
    network, posts = reference.random_log(np.random.default_rng(seed), weighted=seed % 2 == 1)
    posts[:2] = 0  # silent users
    posts[2, fit[0] + 1] = 1
    return network, posts


def baselines(posts, link, floor, weight, half_life, **_):
    """b[i, k] from the definition, post by post."""
    sent = posts if link == "poisson" else (posts > 0).astype(float)
    out = np.full(posts.shape, float(floor))
    for k in range(1, posts.shape[1]):
        ages = k - 1 - np.arange(k)
        weights = 2.0 ** (-ages / half_life)
        out[:, k] = floor + weight * (sent[:, :k] @ weights) / weights.sum()
    return out


@pytest.mark.parametrize(("link", "form", "memory", "factor", "fit"), CASES)
def test_equals_the_dense_sum(link, form, memory, factor, fit):
    for seed in (0, 1):
        network, posts = log_of(seed, fit)
        model, settings = model_of(link, form, memory, factor)
        b = baselines(posts, link, **PARAMS)
        inside = (max(fit[0], 1), fit[1])
        expected = reference.user_terms(network, posts, inside, b, PARAMS["alpha"], **settings)
        activity = reference.activity_of(network, posts, fit)
        found = model.pointwise(PARAMS, activity)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
        total = model.log_likelihood(PARAMS, activity)
        np.testing.assert_allclose(total, expected.sum(), rtol=1e-12)


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_gradients_and_second_derivatives(form):
    network, posts = log_of(0)
    model = hj.KatzSpike(form=form, baseline="recent")
    prepared = model.prepare(reference.activity_of(network, posts, FIT))
    check_derivatives(lambda p: model.log_likelihood(p, prepared), (dict(PARAMS),))


def test_without_weight_all_users_are_alike_and_age_is_nothing():
    network, posts = log_of(1)
    activity = reference.activity_of(network, posts, FIT)
    model, flat = hj.KatzSpike(baseline="recent"), PARAMS | {"weight": 0.0}
    free = hj.KatzSpike(baseline="free")
    expected = free.log_likelihood({"alpha": 0.02, "b": np.full(len(network), 0.04)}, activity)
    np.testing.assert_allclose(model.log_likelihood(flat, activity), expected, rtol=1e-12)
    slope = jax.grad(lambda h: model.log_likelihood(flat | {"half_life": h}, activity))(3.5)
    assert slope == 0
    ever = model.log_likelihood(PARAMS | {"half_life": 1e9}, activity)
    b = baselines(posts, "hazard", 0.04, 0.6, 1e9)
    assert np.isclose(ever, reference.user_terms(
        network, posts, FIT, b, 0.02, link="hazard", form="additive"
    ).sum(), rtol=1e-9)  # fmt: skip


def test_bins_of_a_gap_add_no_age():
    """A log whose bins 3 to 5 were not watched is one without these bins."""
    rng = np.random.default_rng(0)
    bins, source = rng.integers(0, 20, 80), rng.integers(0, 5, 80)
    watched = (bins < 3) | (bins >= 6)
    bins, source = bins[watched], source[watched]
    target = (source + 1 + rng.integers(0, 4, len(source))) % 5
    given = {"source": source, "target": target, "edges": "messages", "bin": 1.0}
    holed = hj.Activity.from_messages(
        time=bins + 0.5, usual=(0, 10), fit=(10, 20), gaps=(3, 6), **given
    )
    closed = np.where(bins < 3, bins, bins - 3) + 0.5
    short = hj.Activity.from_messages(time=closed, usual=(0, 7), fit=(7, 17), **given)
    model = hj.KatzSpike(baseline="recent")
    values = [model.log_likelihood(PARAMS, one) for one in (holed, short)]
    np.testing.assert_allclose(*values, rtol=1e-12)
    rows = [model.recent(PARAMS, one).baseline for one in (holed, short)]
    np.testing.assert_allclose(*rows, rtol=1e-12)


@pytest.fixture(scope="module")
def network():
    size, rng = 150, np.random.default_rng(0)
    matrix = (rng.random((size, size)) < 0.02) * (1.0 - np.eye(size))
    return hj.Activity.from_matrix(matrix, np.ones(size))


MODEL = hj.KatzSpike(baseline="recent")
TRUTH = {"floor": 0.012, "weight": 0.6, "half_life": 8.0}


@pytest.fixture(scope="module")
def truth(network):
    return TRUTH | {"alpha": 0.25 / hj.katz.radius(network).value}


@pytest.fixture(scope="module")
def data(network, truth):
    return hj.simulate(MODEL, truth, network, bins=400, key=jax.random.key(3))


@pytest.fixture(scope="module")
def estimate(data):
    return hj.fit(MODEL, data)


def test_the_fit_recovers_what_was_simulated(estimate, truth):
    assert estimate.converged, estimate.message
    for name, value in truth.items():
        assert estimate.lower[name] < estimate.params[name] < estimate.upper[name]
        assert abs(estimate.params[name] - value) < 4 * estimate.standard_errors[name], name


def test_residuals_of_the_truth_are_standard_normal(data, truth):
    for form in ("additive", "multiplicative"):
        model = replace(MODEL, form=form)
        drawn = data
        if form == "multiplicative":
            drawn = hj.simulate(model, truth, data, bins=400, key=jax.random.key(4))
        residuals = hj.residuals(model, truth, drawn, key=jax.random.key(5))
        assert float(hj.residual_tests(residuals)["p"]) > 1e-3
    with pytest.raises(ValueError, match="recent baselines follow each user's count"):
        hj.residuals(MODEL, truth, data, by="user")


def test_forecasts_go_on_from_the_past(data, truth, network):
    told = hj.forecast(MODEL, truth, data, horizon=30, cut=370, key=jax.random.key(6), draws=80)
    came = data.volume[370:].sum()
    low, high = told.total().loc["all", ["2.5%", "97.5%"]]
    assert low < came < high
    # The expected volume of the first bin is known.
    now = MODEL.recent(truth, data, until=370).baseline
    sent = np.bincount(data.active_user[data.active_bin == 369], minlength=len(now))
    expected = -np.expm1(-(now + truth["alpha"] * (data.matrix @ sent))).sum()
    spread = told.volume[:, 0].std() / np.sqrt(80)
    assert abs(told.volume[:, 0].mean() - expected) < 4 * spread


def test_the_posterior_ranks_and_keeps_its_words(data, estimate, tmp_path):
    sizes = {"num_warmup": 60, "num_samples": 60, "num_chains": 1, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        post = hj.sample(MODEL, data, init=estimate, key=jax.random.key(0), **sizes)
    post.save(tmp_path / "p.nc")
    again = hj.load(tmp_path / "p.nc")
    assert again.model == MODEL
    half_life = post.summary().loc["half_life"]
    assert half_life["2.5%"] < estimate.params["half_life"] < half_life["97.5%"]
    table = post.baseline(data, draws=20)
    own = MODEL.recent(post, data, until=400).baseline
    assert np.corrcoef(table["mean"], own)[0, 1] > 0.99
    ranking = post.ranking(data, key=jax.random.key(1), top=5, draws=20)
    assert ranking["probability"].iloc[0] > 0.5


def test_a_ranking_takes_the_models_baselines(data, truth):
    weighed = MODEL.recent(truth, data, until=400, lead=3)
    b = np.zeros(data.num_users)
    before = data.active_bin < 397
    np.add.at(b, data.active_user[before], 2.0 ** (-(396 - data.active_bin[before]) / 8.0))
    scale = (1 - 2 ** (-397 / 8)) / (1 - 2 ** (-1 / 8))
    np.testing.assert_allclose(weighed.baseline, 0.012 + 0.6 * b / scale, rtol=1e-10)
    assert hj.katz.rank(weighed, alpha=truth["alpha"], top=10).certified


def test_what_cannot_be_is_refused(data, truth, network):
    with pytest.raises(ValueError, match="every silent bin of every user"):
        hj.KatzSpike(baseline="recent", link="clip")
    with pytest.raises(ValueError, match="do not weigh posts by age"):
        hj.KatzSpike().recent({"alpha": 0.1, "shape": 1.0, "mean": 0.1}, data)
    with pytest.raises(ValueError, match="params do not have weight, half_life"):
        hj.simulate(MODEL, {"alpha": 0.1, "floor": 1.0}, network, bins=9, key=jax.random.key(0))
    with pytest.raises(ValueError, match="Parameters are missing: floor, weight, half_life"):
        hj.residuals(MODEL, {"alpha": 0.1, "shape": 1.0, "mean": 0.1}, data)
    with pytest.raises(ValueError, match="grows without end"):
        hj.simulate(
            MODEL, truth | {"floor": 50.0}, network, bins=9, key=jax.random.key(0), max_posts=500
        )


def test_what_has_no_memory_lies_on_the_boundary(network, truth):
    """Users all alike: the weight goes to 0, and the half-life is said to be unknown."""
    drawn = hj.simulate(
        hj.KatzSpike(baseline="free"),
        {"alpha": 0.0, "b": np.full(network.num_users, 0.03)},
        network,
        bins=200,
        key=jax.random.key(9),
    )
    found = hj.fit(MODEL, drawn)
    assert found.params["weight"] < 0.1
    assert jnp.isfinite(found.log_likelihood)
