"""Reposts to come: the grid solver against a direct solution on a fine grid, and its draws."""

import numpy as np
import pytest
from scipy import integrate

from hawkesjax.retweet.memory import volterra as mv
from hawkesjax.retweet.memory.kernel import kernel_integral

KERNELS = [(0.242, 300.0, 1.0), (0.242, 300.0, 1e-6), (1.0, 0.5, 1.0), (1.7, 2.0, 1.0)]
DAY = 86_400.0


def psi(s, theta, s0, tail=1.0):
    c = theta / (s0 * (1 + theta))
    return np.where(
        s < 0, 0, np.where(s <= s0, c, c * tail * (np.maximum(s, s0) / s0) ** -(1 + theta))
    )


def slow_intensity(times, p, f, dbar, theta, s0):
    """The Volterra equation by the trapezoidal rule, one row of the matrix at a time."""
    step = times[1] - times[0]
    lam = np.zeros(len(times))
    for n, t in enumerate(times):
        weights = np.full(n + 1, step)
        weights[0] = weights[-1] = step / 2 if n else 0
        kernel = psi(t - times[: n + 1], theta, s0)
        past = np.sum(weights[:-1] * kernel[:-1] * lam[:n])
        lam[n] = p[n] * (f[n] + dbar * past) / (1 - p[n] * dbar * weights[-1] * kernel[-1])
    return lam


@pytest.mark.parametrize("theta, s0, tail", KERNELS)
def test_double_integral(theta, s0, tail):
    for x in (-1.0, 0.0, 0.3 * s0, s0, 7 * s0, 1e4 * s0):
        points = [s0] if x > s0 else None
        exact = integrate.quad(
            lambda u: float(kernel_integral(u, theta, s0, tail)), 0, max(x, 0), points=points,
            limit=200,
        )[0]  # fmt: skip
        found = mv.kernel_double_integral(x, theta, s0, tail)
        np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("theta, s0, tail", KERNELS)
def test_transfer_is_the_mean_mass(theta, s0, tail):
    sources, targets = np.array([0.0, 1.0, 4.0]) * s0, np.array([0.5, 2.0, 3.0, 9.0]) * s0
    found = mv.transfer(targets, sources, theta, s0, tail)
    events = np.linspace(0, 4, 40_001)[:-1] * s0 + 5e-5 * s0
    for b in range(3):
        low, high = targets[b] - events, targets[b + 1] - events
        mass = kernel_integral(np.maximum(high, 0), theta, s0, tail) - kernel_integral(
            np.maximum(low, 0), theta, s0, tail
        )
        for c in range(2):
            inside = (events > sources[c]) & (events < sources[c + 1])
            np.testing.assert_allclose(found[b, c], mass[inside].mean(), rtol=1e-3, atol=1e-9)


def test_reach_of_known_events():
    rng = np.random.default_rng(0)
    ages = np.concatenate([[0.0, 1e-3, 300.0, 3 * DAY], np.exp(rng.uniform(0, 12, 300))])
    followers = rng.pareto(1.2, len(ages)) * 100
    cascade = rng.integers(0, 3, len(ages))
    edges = np.array([0.0, 60.0, 300.0, 900.0, 3600.0, DAY, 7 * DAY])
    found = mv.known_reach(edges, ages, followers, cascade, 4, 0.242, 300.0)
    slow = np.zeros((4, 6))
    for age, d, i in zip(ages, followers, cascade, strict=True):
        slow[i] += d * np.diff(kernel_integral(edges + age, 0.242, 300.0))
    np.testing.assert_allclose(found, slow, rtol=1e-4)
    assert np.all(found[3] == 0)


def test_mean_solves_the_equation():
    """Two cascades, one with a falling and swinging rate, against 10-second steps."""
    theta, s0, dbar = 0.242, 300.0, np.array([400.0, 900.0])
    fine = np.arange(0, 8 * 3600 + 1, 20.0)
    edges = np.concatenate([np.arange(0, 3600, 150.0), np.arange(3600, 8 * 3600 + 1, 450.0)])
    known = [(np.array([0.0, 500.0]), np.array([2e5, 5e3])), (np.array([9000.0]), np.array([1e6]))]

    def rates(t):
        return np.array(
            [
                1.2e-3 * np.exp(-t / 2e4) * (1 - 0.3 * np.sin(2 * np.pi * t / DAY)),
                np.full_like(t, 6e-4),
            ]
        )

    middle = (edges[1:] + edges[:-1]) / 2
    reach = np.concatenate(
        [mv.known_reach(edges, a, d, np.zeros(len(a), int), 1, theta, s0) for a, d in known]
    )
    within = mv.transfer(edges, edges, theta, s0)
    found, exploded = mv.mean_reposts(rates(middle), reach, dbar, within)
    assert not exploded.any()
    for i, (ages, followers) in enumerate(known):
        f = sum(d * psi(fine + a, theta, s0) for a, d in zip(ages, followers, strict=True))
        lam = slow_intensity(fine, rates(fine)[i], f, dbar[i], theta, s0)
        np.testing.assert_allclose(found[i].sum(), integrate.trapezoid(lam, fine), rtol=2e-3)
        hour = fine <= 3600
        np.testing.assert_allclose(
            found[i][edges[1:] <= 3600].sum(), integrate.trapezoid(lam[hour], fine[hour]), rtol=3e-3
        )


def test_draws_have_the_mean_and_their_own_spread():
    rng = np.random.default_rng(1)
    edges = np.arange(0, 6 * 3600 + 1, 900.0)
    within = mv.transfer(edges, edges, 0.242, 300.0)
    many = 20_000
    rate = np.full((many, 24), 1e-3)
    reach = np.tile(np.diff(kernel_integral(edges, 0.242, 300.0)) * 1e4, (many, 1))
    dbar, spread = np.full(many, 500.0), np.full(many, 4.0)
    drawn, _ = mv.draw_reposts(rng, rate, reach, dbar, spread, within)
    mean, _ = mv.mean_reposts(rate[:1], reach[:1], dbar[:1], within)
    total = drawn.sum(axis=1)
    error = total.std() / np.sqrt(many)
    assert abs(total.mean() - mean.sum()) < 4.5 * error
    assert total.var() > 1.5 * total.mean()  # reposts come in bursts
    assert np.all(drawn == np.rint(drawn))


def test_explosions_are_told_and_finite():
    edges = np.arange(0, 8 * DAY + 1, 3600.0)
    within = mv.transfer(edges, edges, 0.242, 300.0)
    steps = len(edges) - 1
    rate = np.outer([1e-4, 0.05, 1e-3], np.ones(steps))
    reach = np.ones((3, steps))
    dbar = np.array([700.0, 700.0, 1500.0])
    for cap in (1e3, 1e7):
        mean, exploded = mv.mean_reposts(rate, reach, dbar, within, cap=cap)
        assert exploded.tolist()[:2] == [False, True]
        assert np.all(np.isfinite(mean)) and np.all(mean.sum(axis=1) <= cap)
        drawn, boom = mv.draw_reposts(
            np.random.default_rng(2), rate, reach, dbar, np.ones(3), within, cap=cap
        )
        assert boom[1] and not boom[0]
        assert np.all(np.isfinite(drawn))


def test_nothing_comes_of_nothing():
    edges = np.array([0.0, 1.0, 5.0])
    within = mv.transfer(edges, edges, 0.242, 0.3)
    zero = np.zeros((2, 2))
    for call in (
        lambda: mv.mean_reposts(zero, zero, np.zeros(2), within),
        lambda: mv.draw_reposts(
            np.random.default_rng(0), zero, zero, np.zeros(2), np.ones(2), within
        ),
    ):
        found, exploded = call()
        assert not found.any() and not exploded.any()
