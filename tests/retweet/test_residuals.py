"""Residuals of posts and reposts: sums are the compensator, and known by hand where they can be."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

import hawkesjax as hj
from hawkesjax.evaluation.residual_tests import residual_tests
from hawkesjax.retweet.memory.sums import reach
from tests.retweet.test_forecast import DATA, MODEL, PARAMS, dated
from tests.retweet.test_volterra import psi

VALUES = {name: value for name, value in PARAMS.items() if not name.startswith("p0")}
P0 = np.array([2e-4, 5e-4, 3e-4])
FREE = hj.RetweetHawkes(p0="free")
FREE_VALUES = VALUES | {"p0": P0, "beta": np.array([-1.5])}


def rate(i, t):
    """p_i f_i at one time, from the class's docstring."""
    own = (DATA.post == i) & (DATA.times < t)
    events = np.append(DATA.post_times[i], DATA.times[own])
    weights = np.append(DATA.post_followers[i], DATA.followers[own])
    swing = 1 - DATA.sentiment[i] * 0.2 * np.sin(2 * np.pi / 24 * (t + 3.0))
    fall = np.exp(-(t - DATA.post_times[i]) / 30)
    return P0[i] * swing * fall * np.sum(weights * psi(t - events, 0.242, 1 / 12))


@pytest.mark.parametrize("join", [False, True])
def test_residuals_are_integrals_between_events(join):
    found = hj.residuals(FREE, FREE_VALUES, DATA, join=join)
    assert found["mark"].value_counts().to_dict() == {"repost": 7, "original": 3}
    posts = found[found["mark"] == "original"]
    # The first post is on the window's start: it has waited for no time.
    waits = [np.nan, *np.exp(-1.5) * np.diff([0, 40, 66.0])]
    np.testing.assert_allclose(posts["residual"], waits)
    expected, left = [], 0.0
    for i in range(3):
        previous = DATA.post_times[i]
        for t in DATA.times[DATA.post == i]:
            value = quadrature(i, previous, t)
            expected.append(value + (left if join else 0.0))
            left, previous = 0.0, t
        left += quadrature(i, previous, 72.0)
    reposts = found[found["mark"] == "repost"]
    np.testing.assert_allclose(reposts["residual"], expected, rtol=3e-3)
    np.testing.assert_allclose(reposts["time"], DATA.times)


def quadrature(i, low, high):
    own = np.append(DATA.post_times[i], DATA.times[DATA.post == i])
    kinks = np.concatenate([own, own + 1 / 12])
    kinks = np.sort(kinks[(kinks > low) & (kinks < high)])
    pieces = np.concatenate([[low], kinks, [high]])
    return sum(
        integrate.quad(lambda t: rate(i, t), a, b, limit=100)[0]
        for a, b in zip(pieces[:-1] + 1e-12, pieces[1:] - 1e-12, strict=True)
        if b > a
    )


def test_their_sum_is_the_compensator():
    found = hj.residuals(FREE, FREE_VALUES, DATA, join=True)
    total = found.loc[found["mark"] == "repost", "residual"].sum()
    exposures = np.asarray(FREE.exposures(FREE_VALUES, DATA))
    tail = quadrature(2, 70.0, 72.0)  # after the last repost of all
    assert total + tail == pytest.approx(P0 @ exposures, rel=2e-3)


def test_the_background_follows_the_covariates():
    data = dated()
    params = PARAMS | {"beta": np.array([0.3, -0.8])}
    found = hj.residuals(MODEL, params, data)
    posts = found[found["mark"] == "original"]
    assert np.all(np.diff(posts["time"]) >= 0)
    cut = data.covariates.between(*data.window)
    log_rate = cut.values @ params["beta"]
    last = posts["time"].to_numpy()[-1]
    whole = np.exp(log_rate) * np.clip(last - cut.edges[:-1], 0, cut.durations)
    assert posts["residual"].sum() == pytest.approx(whole.sum(), rel=1e-9)


def poisson_cascades(p0):
    """Posts whose reposters have no audience: reposts are a Poisson process of rate p d psi."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 24, 200_001)
    shape = psi(grid, 0.242, 1 / 12) * np.exp(-grid / 30)
    total = np.concatenate([[0], np.cumsum((shape[1:] + shape[:-1]) / 2)]) * (grid[1] - grid[0])
    times, owner = [], []
    for i, p in enumerate(p0):
        size = rng.poisson(p * 1e5 * total[-1])
        times.append(i + np.interp(np.sort(rng.random(size)) * total[-1], total, grid))
        owner.append(np.full(size, i))
    times = np.concatenate(times)
    return hj.Cascades.from_arrays(
        np.arange(len(p0), dtype=float), np.full(len(p0), 1e5), times, np.zeros(len(times)),
        np.concatenate(owner), window=(0, len(p0) + 24), horizon=24.0, unit="hour", sentiment=0,
    )  # fmt: skip


def test_reposts_of_a_known_rate_are_unit_exponential():
    p0 = np.full(40, 5e-4)
    data = poisson_cascades(p0)
    values = {"beta": np.array([0.0]), "tau": 30.0, "p0": p0}
    table = residual_tests(hj.residuals(FREE, values, data, join=True))
    assert table.loc[("all", "repost"), "mean"] == pytest.approx(1, abs=0.1)
    assert table.loc[("all", "repost"), "ks p"] > 0.01
    wrong = residual_tests(hj.residuals(FREE, values | {"tau": 5.0}, data, join=True))
    assert wrong.loc[("all", "repost"), "ks p"] < 1e-6


def test_reposts_of_posts_that_differ_are_unit_exponential():
    """p0 of each post is drawn from its law and not told; a quarter of the posts have none."""
    p0 = np.random.default_rng(4).gamma(0.7, 1e-4 / 0.7, 400)
    data = poisson_cascades(p0)
    values = {"beta": np.array([0.0]), "tau": 30.0, "p0_mean": 1e-4, "p0_shape": 0.7}
    table = residual_tests(hj.residuals(MODEL, values, data, join=True))
    assert table.loc[("all", "repost"), "mean"] == pytest.approx(1, abs=0.08)
    assert table.loc[("all", "repost"), "ks p"] > 0.01
    even = residual_tests(hj.residuals(MODEL, values | {"p0_shape": 50.0}, data, join=True))
    assert even.loc[("all", "repost"), "ks p"] < 1e-6


def test_reach_by_sums_and_by_pairs():
    rng = np.random.default_rng(1)
    ages = np.concatenate([np.sort(rng.exponential(5, 50)), np.sort(rng.exponential(9, 30))])
    ages[[0, 50]] = 0.0
    weights = np.where(rng.random(80) < 0.3, 0.0, rng.integers(1, 900, 80))
    first = np.array([0, 50])
    options = {"theta": 0.242, "s0": 1 / 12}
    sums, pairs = (reach(ages, weights, first, form=f, **options) for f in ("sums", "pairs"))
    np.testing.assert_allclose(sums, pairs, rtol=1e-7)
    slow = sum(
        w * psi(ages[49] - t, 0.242, 1 / 12) for t, w in zip(ages[:49], weights, strict=False)
    )
    assert pairs[49] == pytest.approx(slow)
    assert pairs[50] == 0


def timeless():
    """Cascades with times since their posts alone."""
    rows = [("a", 0, 900), ("a", 2, 30), ("a", 5, 400), ("b", 0, 500), ("b", 1, 20), ("c", 0, 7)]
    frame = pd.DataFrame(rows, columns=["cascade", "hours", "followers"])
    return hj.Cascades.from_cascades(
        frame, cascade="cascade", time="hours", followers="followers", unit="hour"
    )


def test_without_calendar_time_posts_have_no_waiting_times():
    found = hj.residuals(MODEL, PARAMS, timeless(), join=True)
    assert list(found["mark"]) == ["repost"] * 3
    tests = residual_tests(found)
    assert tests.loc[("all", "all"), "events"] == 3
    assert tests.loc[("all", "original"), "in words"] == found.attrs["left out"]["original"]
    assert "no waiting times" in found.attrs["left out"]["original"]
    assert not hj.residuals(MODEL, PARAMS, DATA).attrs


def test_without_reposts_there_are_posts_only():
    data = hj.Cascades.from_arrays([1.0, 2.0], [10, 10], [], [], [], window=(0, 5), unit="hour")
    found = hj.residuals(MODEL, PARAMS, data)
    assert list(found["mark"]) == ["original", "original"]
    np.testing.assert_allclose(found["residual"], np.exp(-60.0))
