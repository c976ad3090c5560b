"""Sizes of single cascades: learned from cascades that were simulated with known infectivity."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.retweet.ages import fine_edges, posterior, sizes_at
from hawkesjax.retweet.memory.kernel import kernel_quantile
from hawkesjax.retweet.population import CascadePopulation

S0 = 1 / 12
AGES = (0.0, 1.0, 4.0, 12.0, 24.0, 48.0)
LEVELS = np.array([0.0, 0.1, -0.2, -0.5, -1.0])


def simulated(number, seed, r0=0.25):
    """Cascades by generations: log p0 uniform, the same fall, a daily swing; followers of 0 to
    few hundred, so that a repost brings half a repost at most."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 48, number)
    rows = []
    level = np.log(1e-3) + rng.uniform(-0.8, 0.6, number)
    for i in range(number):
        roots = rng.uniform(3e5, 6e5)
        times, d = np.array([0.0]), np.array([roots])
        rows.append((i, 0.0, roots))
        while len(times):
            top = np.exp(level[i] + LEVELS.max()) * (1 + r0)
            owner = np.repeat(np.arange(len(times)), rng.poisson(top * d))
            late = kernel_quantile(rng.random(len(owner)), np.inf, 0.242, S0)
            when = times[owner] + late
            when = when[when < AGES[-1]]
            piece = np.searchsorted(AGES, when, side="right") - 1
            swing = 1 - r0 * np.sin(2 * np.pi * (when + start[i] + 4.0) / 24)
            kept = rng.random(len(when)) < np.exp(level[i] + LEVELS[piece]) * swing / top
            times, d = when[kept], rng.integers(0, 500, kept.sum()).astype(float)
            rows.extend((i, t, f) for t, f in zip(times, d, strict=True))
    frame = pd.DataFrame(rows, columns=["cascade", "hours", "followers"])
    names = dict(enumerate(start))
    cascades = hj.Cascades.from_cascades(
        frame, cascade="cascade", time="hours", followers="followers", start=names,
        window=(0, 100), horizon=48.0, unit="hour",
    )  # fmt: skip
    return cascades, level


@pytest.fixture(scope="module")
def learned():
    cascades, _ = simulated(120, 0)
    return CascadePopulation.learn(cascades, ages=AGES)


def test_the_population_is_recovered(learned):
    assert np.all(np.abs(learned.mean[:5] - (np.log(1e-3) - 0.1 + LEVELS)) < 0.15)
    sd = np.sqrt(np.diag(learned.covariance)[:5])
    assert np.all(np.abs(sd - 1.4 / np.sqrt(12)) < 0.12)
    assert learned.r0 == pytest.approx(0.25, abs=0.04)
    phase = np.arctan2(learned.swing[1], learned.swing[0]) / (2 * np.pi) * 24
    assert phase == pytest.approx(4.0, abs=0.8)
    assert np.exp(learned.mean[5]) == pytest.approx(249.5, rel=0.1)
    assert "r0 0.2" in repr(learned)


def test_sizes_are_told_with_honest_intervals(learned):
    fresh, _ = simulated(120, 1)
    truth = sizes_at(fresh, 48.0)
    errors = []
    for observed in (1.0, 6.0, 24.0):
        told = learned.forecast(fresh, observed=observed, key=jax.random.key(2), draws=100)
        found = told.score(truth)
        assert 0.68 < found["coverage"] < 0.91
        errors.append(found["median_ape"])
        np.testing.assert_array_equal(told.seen, sizes_at(fresh, observed))
        table = told.table()
        assert np.all(table["lower"] <= table["median"])
        assert np.all(np.isfinite(table.to_numpy()))
    assert errors[0] > errors[1] > errors[2]
    naive = sizes_at(fresh, 6.0) * np.median(truth / sizes_at(fresh, 6.0))
    assert errors[1] < np.median(np.abs(naive / truth - 1))


def test_nothing_later_is_used(learned):
    fresh, _ = simulated(12, 3)
    kept = fresh.ages < 6.0
    rows = np.flatnonzero(kept)
    cut = hj.Cascades.from_arrays(
        fresh.post_times, fresh.post_followers, fresh.times[rows], fresh.followers[rows],
        fresh.post[rows], window=(0, 100), horizon=6.0, unit="hour", names=fresh.names,
    )  # fmt: skip
    one, two = (
        learned.forecast(data, observed=6.0, key=jax.random.key(5), draws=20, calibrate=False)
        for data in (fresh, cut)
    )
    np.testing.assert_array_equal(one.sizes, two.sizes)
    again = learned.forecast(fresh, observed=6.0, key=jax.random.key(5), draws=20, calibrate=False)
    np.testing.assert_array_equal(one.sizes, again.sizes)


def test_the_mode_is_where_the_density_is_highest():
    """Poisson counts and a normal prior for two ages, a number known with an error."""
    mean, precision = np.array([-1.0, -2.0, 5.0]), np.linalg.inv(
        np.array([[1.0, 0.6, -0.3], [0.6, 1.2, 0.0], [-0.3, 0.0, 0.8]])
    )  # fmt: skip
    n, f = np.array([[30.0, 0.0]]), np.array([[50.0, 2.0]])
    known, sure = np.array([[4.0]]), np.array([[3.0]])
    x, curvature = posterior(n, f, known, sure, mean, precision)

    def density(v):
        poisson = n[0] @ v[:2] - f[0] @ np.exp(v[:2])
        return poisson - 1.5 * (v[2] - 4.0) ** 2 - 0.5 * (v - mean) @ precision @ (v - mean)

    step = 1e-4 * np.eye(3)
    for i in range(3):
        up, down = density(x[0] + step[i]), density(x[0] - step[i])
        assert abs(up - down) / 2e-4 < 1e-5
        second = (up + down - 2 * density(x[0])) / 1e-8
        assert -second == pytest.approx(curvature[0, i, i], rel=1e-3)


def test_bins_hold_the_ages_and_the_moment():
    edges = fine_edges(np.array(AGES), S0, 5.3)
    assert {0.0, 1.0, 4.0, 5.3} <= set(edges) and edges[-1] == 5.3
    assert np.all(np.diff(edges) > 0)


def test_bad_calls_are_refused(learned):
    cascades, _ = simulated(12, 4)
    key = jax.random.key(0)
    for options, match in (
        ({"observed": 0.0}, "observed"),
        ({"observed": 30.0, "horizon": 20.0}, "in this order"),
        ({"observed": 1.0, "horizon": 60.0}, "last age 48"),
        ({"observed": 1.0, "draws": 0}, "draws"),
    ):
        with pytest.raises(ValueError, match=match):
            learned.forecast(cascades, key=key, **options)
    with pytest.raises(ValueError, match="at least 10"):
        CascadePopulation.learn(cascades.select(range(9)), ages=AGES)
    with pytest.raises(ValueError, match="observed for less than 72"):
        CascadePopulation.learn(cascades, ages=(0, 72))
    with pytest.raises(ValueError, match="ascending"):
        CascadePopulation.learn(cascades, ages=(0, 2, 1))
    with pytest.raises(ValueError, match="theta"):
        CascadePopulation.learn(cascades, model=hj.RetweetHawkes(theta="learned"))
    alone = hj.Cascades.from_cascades(
        pd.DataFrame({"hours": [0.0, 0.2, 3.0]}), cascade=None, time="hours", followers=None,
        unit="hour", window=(0, 48),
    )  # fmt: skip
    with pytest.raises(ValueError, match="known of the population, but not of the cascades"):
        learned.forecast(alone, observed=1.0, key=key)
    told = learned.forecast(cascades, observed=6.0, key=key, draws=5, calibrate=False)
    for q in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            told.quantile(q)
