"""Simulated cascades obey the likelihood's own laws."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.retweet.simulate import ExplosionWarning
from tests.refusals import refused

TRUTH = {"r0": 0.12, "phi0": 0.3, "tau": 1.5, "beta": np.array([2.0, 0.7])}
POOL = np.floor(np.random.default_rng(0).lognormal(4, 1.5, 500))


@pytest.fixture(scope="module")
def drawn():
    """Some 250 posts over a month, with p0 of each known."""
    rng = np.random.default_rng(1)
    calendar = hj.Covariates.calendar(
        ("2024-03-10", "2024-04-10"), unit="day", timezone="Europe/Madrid", features=["halfday"]
    )
    model = hj.RetweetHawkes(p0="free")
    posts = hj.simulate(
        model,
        TRUTH | {"p0": 1e-9},
        covariates=calendar,
        followers=POOL,
        key=jax.random.key(0),
    )
    params = TRUTH | {"p0": rng.gamma(2, 5e-4, posts.num_posts)}
    data = hj.simulate(
        model,
        params,
        covariates=calendar,
        post_times=posts.post_times,
        post_followers=rng.choice(POOL, posts.num_posts) * 100,
        sentiment=rng.integers(1, 6, posts.num_posts),
        horizon=5.0,
        followers=POOL,
        key=jax.random.key(1),
    )
    return model, params, data, posts


def test_posts_follow_the_background(drawn):
    _, _, _, posts = drawn
    rows = posts.covariates.at(float(posts.start) + posts.post_times)
    days = float(posts.length) / 2
    for value in (0, 1):
        count = int((rows[:, 1] == value).sum())
        expected = np.exp(TRUTH["beta"] @ [1, value]) * days
        assert abs(count - expected) < 4 * np.sqrt(expected)
    assert posts.origin == "2024-03-10T00:00:00+01:00"


def test_reposts_have_the_compensator_as_their_mean(drawn):
    model, params, data, _ = drawn
    expected = params["p0"] * np.asarray(model.exposures(params, data))
    assert data.num_reposts > 3000
    assert abs(data.num_reposts - expected.sum()) < 4 * np.sqrt(expected.sum())


def test_score_at_the_truth_is_within_its_own_error(drawn):
    """Gradient against the square root of the curvature, for tau, amplitude and phase."""
    model, params, data, _ = drawn
    prepared = model.prepare(data)
    angle = 2 * np.pi * params["phi0"]
    swing = params["r0"] * np.array([np.cos(angle), np.sin(angle)])

    def value(point):
        known = {"beta": params["beta"], "p0": params["p0"]}
        return model.log_likelihood(known | {"tau": point[0], "swing": point[1:]}, prepared)

    point = np.array([params["tau"], *swing])
    score = np.asarray(jax.jit(jax.grad(value))(point), np.float64)
    hessian = np.asarray(jax.jit(jax.hessian(value))(point), np.float64)
    distance = score @ np.linalg.solve(-hessian, score)
    assert distance < 20  # chi squared with 3 degrees of freedom: 1 in 6,000


def test_same_key_same_data_and_a_checked_result(drawn):
    data = drawn[2]
    rows = data.to_dataframe()
    again = hj.Cascades.from_dataframe(
        rows,
        id="id",
        time="time",
        followers="followers",
        repost_of="repost_of",
        sentiment="sentiment",
        unit="day",
        timezone="Europe/Madrid",
        window=("2024-03-10", "2024-04-10"),
        horizon=5.0 + 1e-9,
    )
    np.testing.assert_allclose(again.times, data.times, atol=1e-10)
    assert again.origin == data.origin
    options = {"window": (0, 2), "followers": [10, 900], "post_times": [0.1, 0.2]}
    options["post_followers"] = [1e5, 2e5]
    truth = {"tau": 1.0, "p0_mean": 1e-4, "p0_shape": 2.0, "swing": [0.1, 0.1]}
    one, two = (
        hj.simulate(hj.RetweetHawkes(), truth, key=jax.random.key(3), **options) for _ in range(2)
    )
    assert len(one.times) > 5
    assert one.times.tolist() == two.times.tolist()


def test_explosion_is_warned_of_and_bounded():
    truth = {"tau": 50.0, "p0": 0.05}
    options = {"post_times": [0.0], "followers": [700.0], "key": jax.random.key(0)}
    with (
        pytest.warns(ExplosionWarning, match="explode"),
        pytest.raises(ValueError, match="More than 10,000 reposts"),
    ):
        hj.simulate(hj.RetweetHawkes(), truth, window=(0, 30), max_events=10_000, **options)


ERRORS = {
    "r0": ({"r0": 0.6}, {"sentiment": [2.0]}, "r0=0.6|1 / max S = 0.5"),
    "tau": ({"tau": -1}, {}, "tau is -1"),
    "no tau": ({"tau": None}, {}, "do not have 'tau'"),
    "p0": ({"p0": [1, 2, 3.0]}, {}, "p0 has shape (3,) for 2 posts"),
    "pool": ({}, {"followers": [-1]}, "followers must be"),
    "window": ({}, {"window": (3, 1)}, "no length"),
    "beta": ({"beta": [1.0, 2]}, {"post_times": None}, "beta has 2 values for 1 feature"),
    "endless": (
        {},
        {"window": (0, 1e308)},
        "The window reaches 1e+308 days|s0 = 0.00347|within 1.56",
    ),
    "outside": ({}, {"post_times": [9.0]}, "beyond the window 0 to 3"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_do(case):
    changed, options, words = ERRORS[case]
    params = {"tau": 1.0, "p0": 1e-3, "beta": 0.0} | changed
    params = {name: value for name, value in params.items() if value is not None}
    options = {"window": (0, 3), "followers": [5.0], "post_times": [0.0, 1.0]} | options
    with refused(words):
        hj.simulate(hj.RetweetHawkes(), params, key=jax.random.key(0), **options)
