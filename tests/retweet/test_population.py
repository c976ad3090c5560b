"""Sizes of single cascades: learned from cascades that were simulated with known infectivity."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.retweet.ages import sizes_at
from hawkesjax.retweet.features import GROUPS, features, unknown
from hawkesjax.retweet.memory.kernel import kernel_quantile
from tests.refusals import refused

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
    return hj.CascadePopulation.learn(cascades)


@pytest.fixture(scope="module")
def fresh():
    return simulated(120, 1)[0]


def stripped(cascades, *, age=None, author=True, reposters=True, clock=True):
    """The same cascades, of which less is known, up to an age."""
    rows = np.flatnonzero(cascades.ages < (np.inf if age is None else age))
    shift = 0.0 if clock else cascades.post_times
    return hj.Cascades.from_arrays(
        cascades.post_times - shift,
        cascades.post_followers if author else np.ones(cascades.num_posts),
        (cascades.times - (0.0 if clock else cascades.post_times[cascades.post]))[rows],
        (cascades.followers if reposters else np.ones(cascades.num_reposts))[rows],
        cascades.post[rows],
        window=(0, 100), horizon=48.0 if age is None else age, unit="hour", names=cascades.names,
    )  # fmt: skip


def test_sizes_are_told_with_honest_intervals(learned, fresh):
    truth = sizes_at(fresh, 48.0)
    found = []
    for observed in (1.0, 6.0, 24.0):
        told = learned.forecast(fresh, observed=observed, key=jax.random.key(2))
        score = told.score(truth)
        assert 0.68 < score["coverage"] < 0.92
        assert told.score(truth, 0.95)["coverage"] > 0.88
        assert told.sizes.mean(axis=1).sum() == pytest.approx(truth.sum(), rel=0.1)
        found.append(score["median_ape"])
        np.testing.assert_array_equal(told.seen, sizes_at(fresh, observed))
        table = told.table()
        assert np.all(table["lower"] <= table["median"]) and "exploded" not in table
        assert np.all(told.sizes >= told.seen[:, None])
    assert found[0] > found[1] > found[2]
    naive = sizes_at(fresh, 6.0) * np.median(truth / sizes_at(fresh, 6.0))
    assert found[1] < np.median(np.abs(naive / truth - 1))
    assert "120 cascades" in repr(learned)


def test_nothing_later_is_used_and_a_key_gives_the_same_draws(learned, fresh):
    one, two, again = (
        learned.forecast(data, observed=6.0, key=jax.random.key(5), draws=20)
        for data in (fresh, stripped(fresh, age=6.0), fresh)
    )
    np.testing.assert_array_equal(one.sizes, two.sizes)
    np.testing.assert_array_equal(one.sizes, again.sizes)
    other = learned.forecast(fresh, observed=6.0, key=jax.random.key(6), draws=20)
    assert np.any(one.sizes != other.sizes)


def test_the_calibration_leaves_the_median(learned, fresh):
    plain, told = (
        learned.forecast(fresh, observed=1.0, key=jax.random.key(7), calibrate=each).quantile(0.5)
        for each in (False, True)
    )
    np.testing.assert_allclose(plain, told, rtol=0.02)


@pytest.mark.parametrize("lost", [("reposters",), ("author", "reposters"), ("clock",)])
def test_what_is_not_known_is_averaged_over(learned, fresh, lost):
    bare = stripped(fresh, **dict.fromkeys(lost, False))
    truth = sizes_at(fresh, 48.0)
    told = learned.forecast(bare, observed=6.0, key=jax.random.key(8))
    names = {"author": "author's followers", "reposters": "reposters' followers"}
    assert set(told.ignored) == {names.get(name, "time of day") for name in lost}
    assert all(name in repr(told) for name in told.ignored)
    score = told.score(truth)
    assert score["median_ape"] < 0.2 and 0.68 < score["coverage"] < 0.92
    known = told.table()["median"]
    never = hj.CascadePopulation.learn(stripped(learned.training, **dict.fromkeys(lost, False)))
    same = never.forecast(fresh, observed=6.0, key=jax.random.key(8))
    assert same.ignored == told.ignored
    np.testing.assert_array_equal(known, same.table()["median"])


def test_features_are_those_of_their_definition(fresh):
    data, age = fresh.select(range(8)), 3.0
    table = features(data, age)
    for row, name in enumerate(data.names):
        mine = (data.post == row) & (data.ages < age)
        times, d = data.ages[mine], data.followers[mine]
        late = d[times >= 0.75 * age]
        clock = 2 * np.pi * ((data.post_times[row] + age) % 24) / 24
        expected = {
            "size": np.log(1 + len(times)),
            "speed 1/8": np.log((np.sum(times >= 7 / 8 * age) + 0.5) * 8 / (len(times) + 0.5)),
            "reposts' age": np.log(times.mean() / age + 0.01),
            "author": np.log(1 + data.post_followers[row]),
            "reached": np.log(1 + d.sum()),
            "reached last": np.log(1 + late.sum()),
            "reposter": np.log(1 + d).mean(),
            "last reposter": np.log(1 + late.mean()),
            "cos": np.cos(clock),
            "sin": np.sin(clock),
        }
        np.testing.assert_allclose(table.loc[name, list(expected)].to_numpy(float),
                                   list(expected.values()), rtol=1e-9)  # fmt: skip
    assert unknown(table) == ()
    assert unknown(table, features(stripped(data, author=False), age)) == ("author's followers",)
    assert set(sum(GROUPS.values(), ())) < set(table.columns)


def small(number, seed):
    """Cascades of which most end at once."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(-1.5, 1.5, number))
    rows = [
        (i, t, 10.0)
        for i in range(number)
        for t in (0.0, *np.sort(rng.exponential(6.0, rng.poisson(level[i]))))
    ]
    frame = pd.DataFrame(rows, columns=["cascade", "hours", "followers"])
    return hj.Cascades.from_cascades(
        frame, cascade="cascade", time="hours", followers="followers", window=(0, 200), unit="hour"
    )


def test_small_cascades_are_not_told_worse_than_that_nothing_comes():
    cascades = small(400, 0)
    assert np.mean(cascades.counts == 0) > 0.5
    table = hj.CascadePopulation.learn(cascades).evaluate(
        [1.0, 6.0], folds=3, key=jax.random.key(0)
    )
    for age in (1.0, 6.0):
        ours, nothing = (table.loc[age].loc[name] for name in ("population", "nothing more comes"))
        assert ours["mean_error"] <= nothing["mean_error"] * 1.01
        assert ours["median_ape"] <= nothing["median_ape"]
        assert ours["coverage_80"] > 0.77 and ours["coverage_95"] > 0.92


def test_few_cascades_make_a_population(fresh):
    population = hj.CascadePopulation.learn(fresh.select(range(20)))
    table = population.evaluate(6.0, folds=2, key=jax.random.key(1))
    assert table.index[0] == (6.0, "population") and len(table) == 5
    assert table.loc[(6.0, "population"), "median_ape"] < 0.4
    assert np.isfinite(table.loc[6.0].loc["population"]).all()


def test_a_selection_by_size_is_told_or_seen(learned, fresh):
    large = learned.training.select(learned.training.counts >= 500)
    seen, told = hj.CascadePopulation.learn(large), hj.CascadePopulation.learn(large, least=500)
    young = fresh.select(fresh.counts >= 500)
    sizes = [
        each.forecast(young, observed=1.0, key=jax.random.key(2)).sizes for each in (seen, told)
    ]
    assert sizes[0].min() >= 450 and sizes[1].min() >= 500
    np.testing.assert_allclose(*[np.median(each, axis=1) for each in sizes], rtol=0.03)
    with refused("least=600, but a cascade has|smaller least="):
        hj.CascadePopulation.learn(large, least=600)


def test_cascades_of_another_kind_are_said_to_be(learned):
    with pytest.warns(hj.ExtrapolationWarning, match="than any of the population"):
        learned.forecast(small(40, 3), observed=6.0, key=jax.random.key(0), draws=5)


def test_bad_calls_are_refused(learned):
    cascades, _ = simulated(12, 4)
    key = jax.random.key(0)
    for options, words in (
        ({"observed": 0.0}, "observed"),
        ({"observed": 30.0, "horizon": 20.0}, "in this order"),
        ({"observed": 1.0, "horizon": 60.0}, "last age 48"),
        ({"observed": 1.0, "draws": 0}, "draws"),
    ):
        with refused(words):
            learned.forecast(cascades, key=key, **options)
    with refused("at least 10"):
        hj.CascadePopulation.learn(cascades.select(range(9)))
    with refused("observed for less than 72|horizon="):
        hj.CascadePopulation.learn(cascades, horizon=72.0)
    with refused("in 'minute', the population in 'hour'"):
        minutes = hj.Cascades.from_arrays(
            [0.0], [5], [1.0], [3], [0], window=(0, 90), unit="minute"
        )
        learned.forecast(minutes, observed=1.0, key=key)
    with refused("folds"):
        learned.evaluate(1.0, folds=1, key=key)
    told = learned.forecast(cascades, observed=6.0, key=key, draws=5)
    for q in (0.0, 1.0):
        with refused("q is"):
            told.quantile(q)
