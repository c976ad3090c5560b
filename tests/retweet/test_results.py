"""Fits, draws and tables of the retweet model."""

import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.core.diagnostics import SamplingWarning
from hawkesjax.core.unconstrained import Unconstrained, given_point, inside
from hawkesjax.retweet.results import RetweetEstimate, RetweetPosterior, around, clock_time
from hawkesjax.retweet.two_stage import _medians, curve_of, two_stage, windows_of
from tests.retweet import reference as slow
from tests.retweet.test_residuals import timeless

TRUTH = {"r0": 0.3, "phi0": 0.98, "tau": 1.0, "p0_mean": 1e-3, "p0_shape": 2.0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return hj.simulate(
        hj.RetweetHawkes(),
        TRUTH,
        key=jax.random.key(0),
        window=(0, 12),
        post_times=rng.uniform(0, 9, 40),
        post_followers=np.floor(rng.lognormal(11, 1, 40)),
        followers=np.floor(rng.lognormal(4, 1.5, 500)),
        horizon=3.0,
    )


@pytest.fixture(scope="module")
def mle(data):
    return hj.fit(hj.RetweetHawkes(), data)


def test_maximum_likelihood_recovers_what_was_simulated(data, mle):
    assert mle.converged, mle.message
    assert isinstance(mle, RetweetEstimate)
    rate = np.log(40 / 12)
    assert float(mle.params["beta"][0]) == pytest.approx(rate, rel=1e-4)
    for name, value in TRUTH.items():
        gap = float(mle.params[name]) - value
        gap -= round(gap) if name == "phi0" else 0
        assert abs(gap) < 4 * float(mle.standard_errors[name]), (name, mle)
    rows = mle.summary().index
    assert {"swing[cos]", "swing[sin]", "beta[intercept]", "r0", "phi0"} <= set(rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")  # few draws
def test_a_narrow_posterior_costs_few_steps():
    """A million reposts, whose standard errors are far below what a sampler expects."""
    rng = np.random.default_rng(3)
    model = hj.RetweetHawkes()
    data = hj.simulate(
        model,
        TRUTH,
        key=jax.random.key(3),
        window=(0, 12),
        post_times=rng.uniform(0, 9, 40),
        post_followers=np.full(40, 3e7),
        followers=np.floor(rng.lognormal(4, 1.5, 500)),
        horizon=3.0,
    )
    assert data.num_reposts > 500_000
    post = hj.sample(
        model, data, key=jax.random.key(0), num_warmup=150, num_samples=100, progress=False
    )
    assert post.posterior.sizes["chain"] == 4
    assert len(np.unique(post["tau"])) > 350
    assert post["tau"].std() < 0.006
    assert post.sample_stats["num_steps"].mean() < 12


def test_standard_errors_are_those_of_the_dense_information(data, mle):
    """Of a well-known swing too; r0 and phi0 by the delta method."""
    model = hj.RetweetHawkes()
    prepared = model.prepare(data)
    point = {name: jnp.asarray(mle.params[name]) for name in model.shapes(data)}
    flat, unflatten = jax.flatten_util.ravel_pytree(point)
    dense = jax.jit(jax.hessian(lambda z: -model.log_likelihood(unflatten(z), prepared)))(flat)
    covariance = np.linalg.inv(np.asarray(dense, np.float64))
    errors = unflatten(np.sqrt(np.diag(covariance)))
    close = 1e-4 if jax.config.jax_enable_x64 else 2e-2
    for name, error in errors.items():
        np.testing.assert_allclose(mle.standard_errors[name], error, rtol=close, err_msg=name)
    r0, pair = float(mle.params["r0"]), np.asarray(mle.params["swing"])
    first = int(unflatten(jnp.arange(1.0 * len(flat)))["swing"][0])
    own = covariance[first : first + 2, first : first + 2]
    along, across = pair / r0, np.array([-pair[1], pair[0]]) / r0
    assert mle.standard_errors["r0"] == pytest.approx(np.sqrt(along @ own @ along), rel=0.02)
    turn = np.sqrt(across @ own @ across) / r0 / (2 * np.pi)
    assert mle.standard_errors["phi0"] == pytest.approx(turn, rel=0.05)


def test_tables_of_an_estimate(mle):
    intercept = mle.rate_ratios().loc["intercept"]
    assert intercept["mean"] == pytest.approx(40 / 12, rel=1e-4)
    assert intercept["quantity"] == "rate per unit of time"
    table = mle.lifetime()
    assert table.loc["half-life", "mean"] == pytest.approx(table.loc["tau", "mean"] * np.log(2))
    assert mle.constants["period"] == 1.0
    table = mle.rhythm()
    assert list(table.index) == ["r0", "phi0", "phi0, time of day", "reposts peak at"]
    assert table.loc["phi0, time of day", "mean"] == clock_time(float(mle.params["phi0"]), 1.0)
    assert list(mle.tables()) == ["summary", "rate_ratios", "rhythm", "lifetime"]


def test_without_calendar_time_the_rate_of_posts_is_refused(data, mle):
    cascades = timeless()
    known = hj.RetweetHawkes().constant(cascades)
    assert known["last_post"][1] == 0
    alone = replace(mle, data=cascades, constants=mle.constants | {"last_post": 0.0})
    with pytest.raises(ValueError, match=r"window's start.* means nothing"):
        alone.rate_ratios()
    assert list(alone.tables()) == ["summary", "rhythm", "lifetime"]
    assert not hj.RetweetHawkes().remarks({}, data)
    assert "means nothing" in hj.RetweetHawkes().remarks({}, cascades)[0]


def test_less_than_a_period_tells_no_swing_from_a_fall(data):
    model, short = hj.RetweetHawkes(), data.between(0, 0.25)
    (said,) = model.remarks({}, short)
    assert "watched for 0.25 days, less than one period of the swing (1 day)" in said
    assert not hj.RetweetHawkes(period=0.2).remarks({}, short)
    still = replace(short, sentiment=np.zeros(short.num_posts))
    assert not model.remarks({}, still) and not model.remarks({}, data.between(0, 1))


def test_verbs_that_are_not_there_say_where_to_go(data, mle):
    with pytest.raises(
        ValueError, match=r"RetweetHawkes has no predictive_check; .*residual_tests"
    ):
        hj.predictive_check(hj.RetweetHawkes(), mle, data, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"RetweetHawkes has no attribution; .*names its post"):
        hj.attribution(mle, data)


def test_chains_begin_inside_of_a_boundary(data, mle):
    model = hj.RetweetHawkes()
    loss, prepared = Unconstrained(model), model.prepare(data)
    near = given_point(loss, mle, prepared)
    assert inside(loss, near, prepared) is near
    moved = inside(loss, near | {"p0_shape": jnp.asarray(30.0)}, prepared)
    assert float(moved["p0_shape"]) < 3
    assert all(np.array_equal(moved[n], near[n]) for n in near if n != "p0_shape")


def test_free_p0_is_at_its_best_and_has_its_own_errors(data):
    model = hj.RetweetHawkes(p0="free")
    free = hj.fit(model, data)
    assert free.converged, free.message
    exposures = np.asarray(model.exposures(free.params, data))
    np.testing.assert_allclose(free.params["p0"], data.counts / exposures, rtol=1e-4)
    profiled = hj.fit(hj.RetweetHawkes(p0="profiled"), data)
    assert profiled.converged, profiled.message
    assert free.log_likelihood == pytest.approx(profiled.log_likelihood, rel=1e-6)
    for name in ("tau", "r0"):
        assert free.params[name] == pytest.approx(float(profiled.params[name]), rel=1e-3)
        ratio = free.standard_errors[name] / profiled.standard_errors[name]
        assert float(ratio) == pytest.approx(1, rel=1e-2)


@pytest.fixture(scope="module")
def post(data, mle):
    with warnings.catch_warnings():  # two short chains: R-hat of 1.01 is not asked of them
        warnings.simplefilter("ignore", SamplingWarning)
        return hj.sample(
            hj.RetweetHawkes(),
            data,
            key=jax.random.key(1),
            num_warmup=300,
            num_samples=300,
            num_chains=2,
            init=mle,
            progress=False,
        )


@pytest.mark.slow
def test_draws_agree_with_the_maximum_and_keep_their_groups(data, mle, post, tmp_path):
    assert isinstance(post, RetweetPosterior)
    table = post.summary()
    assert table["r_hat"].max() < 1.05
    for name in ("tau", "r0"):
        error = float(mle.standard_errors[name])
        assert abs(table.loc[name, "mean"] - float(mle.params[name])) < 1.5 * error
        assert table.loc[name, "sd"] == pytest.approx(error, rel=0.4)
    assert table.loc["phi0", "sd"] < 0.1  # the truth lies beside the seam of the clock
    terms = post.log_likelihood["events"]
    assert terms.sizes["term"] == data.num_posts + 1
    path = tmp_path / "fit.nc"
    post.save(path)
    again = hj.load(path)
    assert isinstance(again, RetweetPosterior)
    assert list(again.tables()) == ["summary", "rate_ratios", "rhythm", "lifetime"]
    told = replace(post, info=post.info | {"remarks": ["beta means nothing."]})
    assert told.diagnose() == [*post.diagnose(), "beta means nothing."]
    with pytest.raises(ValueError, match="does not contain its data"):
        again.p0(key=jax.random.key(0))
    pd.testing.assert_frame_equal(again.rhythm(), post.rhythm())


def test_tables_of_a_posterior(data, post):
    ratios = post.rate_ratios().loc["intercept"]
    assert ratios["2.5%"] < 40 / 12 < ratios["97.5%"]
    assert (post.lifetime().loc["tau", ["2.5%", "97.5%"]].diff().iloc[1]) > 0
    swing = post.rhythm()
    assert swing.loc["phi0", "2.5%"] < swing.loc["phi0", "97.5%"]
    table = post.p0(key=jax.random.key(2))
    assert list(table["reposts"]) == data.counts.tolist()
    model = hj.RetweetHawkes()
    means = {n: post[n].values.mean() for n in ("tau", "p0_mean", "p0_shape", "r0", "phi0")}
    shape, rate = model.p0_given(means, data)
    np.testing.assert_allclose(table["mean"], np.asarray(shape / rate), rtol=0.15)


def test_times_of_day_and_circles():
    assert clock_time(0.5, 1.0) == "12:00"
    assert clock_time(-0.25, 1.0) == "18:00"
    assert clock_time(1.9999, 1.0) == "00:00"
    draws = around(np.array([0.98, 0.02, 1.01, -0.01]), 1.0)
    assert np.ptp(draws) == pytest.approx(0.04)


def test_windows_are_reposts_over_what_reached(data):
    model = hj.RetweetHawkes()
    table = windows_of(model, data, 0.5)
    own = table[table["post"] == 3]
    ages, weights = data.ages[data.post == 3], data.followers[data.post == 3]
    for _, row in own.iterrows():
        low = row["time"] - data.post_times[3] - 0.25
        assert row["reposts"] == np.sum((ages >= low) & (ages < low + 0.5))
        reach = 0.0
        for age, weight in zip([0, *ages], [data.post_followers[3], *weights], strict=True):
            if age < low + 0.5:
                begin, end = max(low - age, 0), low + 0.5 - age
                kernel = lambda s: slow.psi(s, 0.242, 300 / 86400)  # noqa: E731
                reach += weight * slow.integral(kernel, begin, end, 300 / 86400)
        assert row["exposure"] == pytest.approx(reach, rel=1e-9)


def test_second_stage_finds_a_curve_without_noise(data):
    """With the windows' estimates on the curve itself, both losses give it back."""
    table = windows_of(hj.RetweetHawkes(), data, 1 / 6)
    p0 = np.linspace(1e-3, 2e-3, data.num_posts)[table["post"]]
    age = table["time"] - data.post_times[table["post"]]
    wave = 1 - 0.3 * np.sin(2 * np.pi * (table["time"] + 0.2))
    table["p"] = p0 * wave * np.exp(-age / 1.7)
    for loss in ("L1", "L2"):
        found = curve_of(table, data, 1.0, loss).params
        assert found["tau"] == pytest.approx(1.7, rel=0.01)
        assert found["r0"] == pytest.approx(0.3, rel=0.01)
        assert found["phi0"] == pytest.approx(0.2, abs=0.01)


def test_weighted_medians_minimise_absolute_error():
    rng = np.random.default_rng(0)
    post = np.repeat([0, 1], [9, 4])
    seen, shape = rng.gamma(1, 1, 13), rng.gamma(2, 1, 13)
    best = _medians(seen, shape, post, np.array([0, 9]))
    for i in (0, 1):
        own = post == i
        grid = np.linspace(0, 20, 100_001)[:, None]
        errors = np.abs(seen[own] - grid * shape[own]).sum(axis=1)
        ours = np.abs(seen[own] - best[i] * shape[own]).sum()
        assert ours <= errors.min() + 1e-9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "L3"}, "'L1', 'L2'"),
        ({"width": -1}, "above 0"),
        ({"history": "no"}, "'full', 'window'"),
    ],
)
def test_two_stage_refusals(data, options, words):
    with pytest.raises(ValueError, match=words):
        two_stage(hj.RetweetHawkes(), data, **options)
