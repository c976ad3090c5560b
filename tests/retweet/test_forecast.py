"""Posts and reposts to come: means against a slow solution, draws against means, bad input."""

import warnings

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.retweet.forecast import RetweetForecast
from hawkesjax.retweet.simulate import ExplosionWarning
from tests.retweet.test_volterra import psi, slow_intensity

MODEL = hj.RetweetHawkes()
HOUR = 3600.0
DATA = hj.Cascades.from_arrays(
    post_times=[0.0, 40.0, 66.0],
    post_followers=[20_000.0, 5_000.0, 60_000.0],
    times=[0.5, 1.0, 3.0, 41.0, 66.5, 67.0, 70.0],
    followers=[100.0, 900.0, 0.0, 300.0, 250.0, 800.0, 50.0],
    post=[0, 0, 0, 1, 2, 2, 2],
    sentiment=[1, 3, 2],
    window=(0, 72),
    unit="hour",
)
PARAMS = {  # p0 is known: its distribution has hardly any spread
    "beta": np.array([-60.0]),
    "tau": np.array(30.0),
    "r0": np.array(0.2),
    "phi0": np.array(3.0),
    "p0_mean": np.array(4e-4),
    "p0_shape": np.array(1e9),
}


def tell(model=MODEL, params=PARAMS, data=DATA, horizon=24.0, seed=0, **options) -> RetweetForecast:
    return hj.forecast(model, params, data, horizon=horizon, key=jax.random.key(seed), **options)


def slow_mean(horizon):
    """Expected reposts of the known posts by the trapezoidal rule, in steps of 1.5 minutes."""
    times = np.arange(0, horizon + 1e-9, 0.025)
    overall = DATA.followers.mean()
    total = np.zeros(len(times))
    for i in range(3):
        own = DATA.post == i
        events = np.append(DATA.post_times[i], DATA.times[own]) - 72
        weights = np.append(DATA.post_followers[i], DATA.followers[own])
        f = sum(d * psi(times - t, 0.242, 1 / 12) for t, d in zip(events, weights, strict=True))
        swing = 1 - DATA.sentiment[i] * 0.2 * np.sin(2 * np.pi / 24 * (72 + times + 3.0))
        p = 4e-4 * swing * np.exp(-(72 + times - DATA.post_times[i]) / 30)
        dbar = (weights[1:].sum() + 20 * overall) / (own.sum() + 20)
        total += slow_intensity(times, p, f, dbar, 0.242, 1 / 12)
    return times, total


def test_mean_solves_the_equation_and_draws_agree():
    told = tell(draws=400)
    times, rate = slow_mean(24.0)
    hourly = [
        np.trapezoid(rate[40 * b : 40 * b + 41], times[40 * b : 40 * b + 41]) for b in range(24)
    ]
    np.testing.assert_allclose(told.reposts, hourly, rtol=5e-3)
    assert np.all(told.originals < 1e-20) and not told.original_draws.any()
    error = told.repost_draws.sum(axis=1).std() / np.sqrt(400)
    assert abs(told.repost_draws.sum(axis=1).mean() - np.sum(hourly)) < 4.5 * error
    sizes = told.sizes
    np.testing.assert_array_equal(sizes.seen, [3, 1, 3])
    np.testing.assert_allclose(
        (sizes.sizes - sizes.seen[:, None]).sum(axis=0), told.repost_draws.sum(axis=1)
    )


def test_new_posts_and_their_reposts():
    """With no memory of the past, posts come at their rate, and reposts scale with it."""
    data = hj.Cascades.from_arrays([1.0], [3000.0], [], [], [], window=(0, 24), unit="hour")
    params = PARAMS | {"p0_mean": np.array(1e-4), "r0": np.array(0.0)}
    found = {}
    for rate in (0.5, 2.0):
        told = tell(params=params | {"beta": np.array([np.log(rate)])}, data=data, draws=300)
        np.testing.assert_allclose(told.originals, rate)
        error = np.sqrt(rate * 24 / 300)
        assert abs(told.original_draws.sum(axis=1).mean() - 24 * rate) < 4.5 * error
        found[rate] = told.reposts.sum() - tell(params=params, data=data, draws=2).reposts.sum()
        spread = told.repost_draws.sum(axis=1).std() / np.sqrt(300)
        assert abs(told.repost_draws.sum(axis=1).mean() - told.reposts.sum()) < 5 * spread
    assert found[2.0] / found[0.5] == pytest.approx(4, rel=0.15)


def dated(horizon_days=2):
    """Posts by the half-day, with covariates beyond the window."""
    zone = "Europe/Madrid"
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2024-03-28", tz=zone)
    times = start + pd.to_timedelta(np.sort(rng.uniform(0, 72, 60)), unit="h")
    whole = hj.Covariates.calendar(
        (start, start + pd.Timedelta(days=3 + horizon_days)),
        unit="hour", timezone=zone, features=["halfday"],
    )  # fmt: skip
    return hj.Cascades.from_arrays(
        times, rng.integers(1, 5000, 60), times[:20] + pd.Timedelta(minutes=9),
        rng.integers(1, 300, 20), np.arange(20), window=(start, start + pd.Timedelta(hours=72)),
        unit="hour", timezone=zone, covariates=whole,
    )  # fmt: skip


def test_covariates_and_the_local_clock():
    """The night in which clocks go forward has its posts an hour early."""
    data = dated()
    params = PARAMS | {"beta": np.array([0.0, 1.0])}
    told = tell(params=params, data=data, horizon=24.0, draws=50)
    assert told.starts()[0] == pd.Timestamp("2024-03-31", tz="Europe/Madrid")
    local = told.starts().hour
    assert local[2] == 3
    np.testing.assert_allclose(told.originals, np.where(local < 12, np.e, 1.0), rtol=1e-9)
    table = told.table(0.8)
    assert list(table.columns.levels[0]) == ["all", "originals", "reposts"]
    assert np.all(table["all"]["lower"] <= table["all"]["upper"])
    assert np.all(np.isfinite(told.counts.log_density(np.arange(24))))
    assert "24 bins over 24 hours" in repr(told)
    with pytest.raises(ValueError, match="longer window"):
        tell(params=params, data=data, horizon=49.0)
    short = data.covariates.between(*data.window)
    with pytest.raises(ValueError, match="longer window"):
        tell(params=params, data=data.with_covariates(short))
    later = tell(
        params=params, data=data.with_covariates(short), covariates=data.covariates, draws=3
    )
    np.testing.assert_allclose(later.originals, told.originals)


def test_the_uncertainty_of_p0_is_in_the_draws():
    young = hj.Cascades.from_arrays([71.9], [6e4], [], [], [], window=(0, 72), unit="hour")
    known, vague = (
        tell(params=PARAMS | {"p0_shape": np.array(a)}, data=young, draws=300).sizes.sizes[0]
        for a in (1e9, 0.5)
    )
    assert vague.var() / vague.mean() > 3 * known.var() / known.mean()


def test_equal_keys_give_equal_forecasts():
    one, two = (tell(draws=5, seed=4, bins=3) for _ in range(2))
    np.testing.assert_array_equal(one.repost_draws, two.repost_draws)
    assert one.edges.tolist() == [72.0, 80.0, 88.0, 96.0]


def test_explosions_are_told_and_finite():
    with pytest.warns(ExplosionWarning, match="passed 5000 reposts.*lower bounds"):
        told = tell(params=PARAMS | {"p0_mean": np.array(0.9)}, draws=5, cap=5e3, horizon=96.0)
    assert told.exploded == 1.0 and told.critical > 0
    assert np.all(np.isfinite(told.reposts)) and np.all(np.isfinite(told.sizes.sizes))


def test_new_posts_are_like_seen_ones_and_do_not_explode():
    """A large author with a small p0 beside a small one with a large p0: crossed, they explode."""
    rng = np.random.default_rng(0)
    born, root = np.repeat(np.arange(0.0, 40.0, 2.0), 2), np.tile([1e6, 1e3], 20)
    times = np.repeat(born, 10) + rng.exponential(0.5, 400)
    seen = hj.Cascades.from_arrays(
        born, root, times, np.tile(np.repeat([2e4, 40.0], 10), 20), np.repeat(np.arange(40), 10),
        window=(0, 72), unit="hour",
    )  # fmt: skip
    params = PARAMS | {"beta": np.log([1.0]), "p0_mean": np.array(2e-3), "p0_shape": np.array(0.7)}
    params = params | {"r0": np.array(0.0), "tau": np.array(10.0)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplosionWarning)
        told = tell(params=params, data=seen, draws=60)
    a_post = told.reposts.sum() / told.originals.sum()
    assert 3 < a_post < 30  # ten were seen of each


def test_the_cap_does_not_bend_a_cascade_that_grows():
    """Forty reposts in the first hour: the mean is that of the equation, far above 10 x 40."""
    rng = np.random.default_rng(1)
    times = 71 + np.sort(rng.uniform(0, 1, 40))
    seen = hj.Cascades.from_arrays(
        [71.0], [20_000.0], times, rng.choice([100.0, 900.0, 300.0], 40), np.zeros(40, int),
        window=(0, 72), unit="hour",
    )  # fmt: skip
    params = PARAMS | {"p0_mean": np.array(4e-3), "r0": np.array(0.0)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplosionWarning)  # p dbar is above 1 at the start
        told, free = (tell(params=params, data=seen, draws=60, cap=cap) for cap in (None, 1e7))
    assert told.cap == 1e5 and told.critical == 1 and told.exploded == free.exploded == 0
    assert told.reposts.sum() > 800
    np.testing.assert_allclose(told.reposts, free.reposts, rtol=1e-12)
    np.testing.assert_array_equal(told.repost_draws, free.repost_draws)


def test_posts_whose_observation_has_ended_get_no_more():
    seen = hj.Cascades.from_arrays(
        [0.0, 60.0], [1e5, 1e5], [1.0, 61.0], [10, 10], [0, 1], window=(0, 72), horizon=24.0,
        unit="hour",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = tell(data=seen, draws=20)
    assert np.all(told.sizes.sizes[0] == 1)
    assert told.sizes.sizes[1].mean() > 1


def test_cascades_without_calendar_time_bring_no_new_posts():
    at_once = hj.Cascades.from_arrays(
        [0.0, 0.0], [20_000.0, 60_000], [0.5, 1, 3], [100.0, 900, 50], [0, 0, 1], window=(0, 72),
        unit="hour",
    )  # fmt: skip
    params = PARAMS | {"beta": np.array([2.0])}
    told = tell(params=params, data=at_once, draws=20)
    assert not told.originals.any() and not told.original_draws.any() and told.reposts.sum() > 0
    assert "that tells no rate of new posts, and none are drawn" in repr(told)
    assert "posts and" not in repr(told).splitlines()[0]
    again = tell(params=params | {"beta": np.array([-60.0])}, data=at_once, draws=20)
    np.testing.assert_array_equal(told.repost_draws, again.repost_draws)
    assert "posts and" in repr(tell(draws=2)) and "no rate" not in repr(tell(draws=2))


BAD = [
    ({"horizon": 0.0}, "horizon"),
    ({"horizon": np.inf}, "horizon"),
    ({"horizon": 1e308}, "A horizon of 1e.308 .* hours, and a forecast takes at most 5,000"),
    ({"horizon": 5001}, "5001 is 5001 steps of 1 hours.*Look ahead by 5000 at most"),
    ({"horizon": 6, "bins": 5001}, "bins=5001; a forecast has at most 5,000"),
    ({"draws": 0}, "draws"),
    ({"bins": 0}, "bins"),
    ({"params": PARAMS | {"tau": 0.0}}, "tau is 0; it must be a finite number above 0"),
    ({"params": PARAMS | {"r0": 0.5}}, "1 / max S"),
    (
        {"params": PARAMS | {"p0_mean": -1.0}},
        "p0_mean is -1; it must be a finite number",
    ),
    ({"params": PARAMS | {"beta": np.zeros(2)}}, r"beta has shape \(2,\); needed is \(1,\), one"),
    ({"params": PARAMS | {"p0_mean": [1e-4, 1e-4]}}, r"p0_mean has shape \(2,\); needed is \(\)"),
    ({"params": PARAMS | {"swing": np.zeros(3)}}, r"swing has shape \(3,\); needed is \(2,\)"),
    ({"params": PARAMS | {"swing": 0.0}}, r"swing has shape \(\)"),
    ({"params": PARAMS | {"tau": np.full(1, 30.0)}}, r"tau has shape \(1,\)"),
    ({"params": PARAMS | {"r0": [0.1, 0.1]}}, r"r0 has shape \(2,\)"),
    ({"params": PARAMS | {"phi0": np.zeros((1, 1))}}, r"phi0 has shape \(1, 1\)"),
    (
        {"params": PARAMS | {"p0": np.ones(2)}, "model": hj.RetweetHawkes(p0="free")},
        r"p0 has shape \(2,\); needed is \(3,\), one for each post",
    ),
    ({"params": {"beta": np.zeros(1)}}, r"Parameters .*tau.* are missing"),
]


@pytest.mark.parametrize("options, match", BAD)
def test_bad_calls_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        tell(**options)
