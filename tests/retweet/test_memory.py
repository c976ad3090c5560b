"""The memory kernel's integrals and history against 30-digit values and plain pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from hawkesjax.retweet.memory.exposure import build_exposure
from hawkesjax.retweet.memory.kernel import (
    PRINTED_TAIL,
    kernel_integral,
    kernel_quantile,
    memory_kernel,
    scale,
)
from hawkesjax.retweet.memory.phases import build_phases
from hawkesjax.retweet.memory.sums import exponential_sum, sum_log_reach
from tests.retweet import reference as slow

S0, THETA = 300 / 86400, 0.242  # days
DOUBLE = jnp.zeros(()).dtype == np.float64

# (tau, x): K(1/tau; x), and real and imaginary part of K(1/tau - 2 pi i; x), in days, for s0 of
# 300 s and theta = 0.242, from the closed form with incomplete Gamma functions at complex argument,
# `K(z; x) = c (1 - e^(-z min(x, s0))) / z + c s0^(1 + theta) z^theta (Gamma(-theta, z s0) -
# Gamma(-theta, z x))`, evaluated by mpmath 1.4 (`mp.gammainc`) at 50 digits and rounded to 20.
EXACT = {
    (0.002, 0.001): (0.044159805379498069096, 0.044159550387900535636, 0.00012721860596612507259),
    (0.002, 0.0104): (0.10513339718873330602, 0.10512273608312273307, 0.0011128334039283909905),
    (0.002, 0.26): (0.10526451969816224069, 0.10525347294531360558, 0.0011227824756987882268),
    (0.002, 1.9): (0.10526451969816224069, 0.10525347294531360558, 0.0011227824756987882268),
    (0.002, 30): (0.10526451969816224069, 0.10525347294531360558, 0.0011227824756987882268),
    (0.002, 411): (0.10526451969816224069, 0.10525347294531360558, 0.0011227824756987882268),
    (0.05, 0.001): (0.055558505040756137537, 0.055558141307733186422, 0.00017395981707631312086),
    (0.05, 0.0104): (0.35431170002003675569, 0.35416315054875843035, 0.0083820889979370893303),
    (0.05, 0.26): (0.49793526081121712773, 0.49355573128527157372, 0.034717057532388842473),
    (0.05, 1.9): (0.49799543022358875196, 0.49353736927029149809, 0.034772180081626827463),
    (0.05, 30): (0.497995430223588752, 0.49353736927029149812, 0.034772180081626827453),
    (0.05, 411): (0.497995430223588752, 0.49353736927029149812, 0.034772180081626827453),
    (0.5, 0.001): (0.056059863478886706685, 0.056059494804914693099, 0.0001760579704644943388),
    (0.5, 0.0104): (0.37960187790682230826, 0.37943372075224663694, 0.0092879363279413761935),
    (0.5, 0.26): (0.67549001032309410898, 0.64123290713706823697, 0.10448940514347485774),
    (0.5, 1.9): (0.70707877178895791415, 0.62704425245142481933, 0.11446257037996989706),
    (0.5, 30): (0.70727418985881938914, 0.62710641321273549957, 0.11450053261155397381),
    (0.5, 411): (0.70727418985881938914, 0.62710641321273549957, 0.11450053261155397381),
    (2, 0.001): (0.056101915381350270771, 0.056101546292412695337, 0.00017623409801789208931),
    (2, 0.0104): (0.38182941146093849469, 0.38165949454156590837, 0.0093686305436082331521),
    (2, 0.26): (0.70551568444581261148, 0.66221348059014680895, 0.12111223021918089466),
    (2, 1.9): (0.78110256625442475954, 0.63639203936931599448, 0.13257776518587875221),
    (2, 30): (0.79018849834050072581, 0.63735949794842385229, 0.13350593998124178721),
    (2, 411): (0.79018849875150661379, 0.63735949795143976248, 0.13350594001624532547),
    (30, 0.001): (0.056115006773676778673, 0.056114637555537217162, 0.00017628893367878409554),
    (30, 0.0104): (0.38252636333453744627, 0.38235589476656691382, 0.0093939072762091507924),
    (30, 0.26): (0.71591297613572427876, 0.66924448883198879402, 0.12711272276576409008),
    (30, 1.9): (0.82144174946708015196, 0.63768744163841176063, 0.13744195453072319551),
    (30, 30): (0.88663284398507382962, 0.63988923909862446013, 0.13983902887956306761),
    (30, 411): (0.89092762164111329331, 0.63988974338337591142, 0.13988143076744390163),
}


def test_integrals_agree_with_closed_form_to_thirty_digits():
    """One post of one follower for every x, watched for x."""
    lengths = np.array(sorted({x for _, x in EXACT}))
    size = len(lengths)
    made = build_exposure(
        np.zeros(size),
        np.ones(size),
        np.arange(size),
        np.zeros(size),
        lengths,
        0.0,
        s0=S0,
        tail=1.0,
        period=1.0,
        dtype=jnp.zeros(()).dtype,
    )
    sums = jax.jit(lambda tau: made.sums(tau, THETA))
    tolerance = 1e-12 if DOUBLE else 2e-6
    for (tau, x), value in EXACT.items():
        ours = np.asarray(sums(tau))[np.searchsorted(lengths, x)]
        assert np.abs(ours - value).max() < tolerance * value[0], (tau, x, ours, value)


def test_kernel_integrates_to_one_and_is_continuous_unless_as_printed():
    assert memory_kernel(S0, THETA, S0) == pytest.approx(float(scale(THETA, S0)), rel=1e-6)
    assert memory_kernel(S0 * (1 + 1e-6), THETA, S0) == pytest.approx(scale(THETA, S0), rel=1e-4)
    assert 300 / 86400 * scale(THETA, 300.0) * 86400 == pytest.approx(0.19484702)
    assert kernel_integral(1e300, THETA, S0) == pytest.approx(1)
    assert kernel_integral(1e300, THETA, S0, PRINTED_TAIL) == pytest.approx(0.19, abs=0.006)
    assert memory_kernel(-1.0, THETA, S0) == 0
    for x in (1e-4, 0.01, 2.0):
        steps = [S0] if x > S0 else None
        exact = quad(lambda s: slow.psi(s, THETA, S0), 0, x, points=steps, epsabs=1e-13)[0]
        assert kernel_integral(x, THETA, S0) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("tail", [1.0, PRINTED_TAIL])
def test_quantile_inverts_integral(tail):
    p = np.linspace(0, 1, 101)
    for x in (1e-3, 0.1, 30.0):
        s = kernel_quantile(p, x, THETA, S0, tail)
        whole = kernel_integral(x, THETA, S0, tail)
        np.testing.assert_allclose(kernel_integral(s, THETA, S0, tail), p * whole, rtol=1e-9)
        assert s[0] == 0
        assert s[-1] == pytest.approx(x)


CASES = {  # posts since the window's start, and how long each is watched
    "inside": ([0.0, 1.7, 6.9999], [30.0, 30.0, 30.0]),
    "history": ([-3.2, -0.01, 2.0], [30.0, 30.0, 0.5]),
    "over before the window": ([-20.0, 0.5], [1.0, 3.0]),
}


def events(case, size, seed=0):
    rng = np.random.default_rng(seed)
    posts, watched = (np.array(v) for v in CASES[case])
    until = np.minimum(posts + watched, 7.0)
    ages, weights, cascade = [], [], []
    for row, (post, end) in enumerate(zip(posts, until, strict=True)):
        own = np.sort(rng.gamma(0.3, 1.5, size))
        own = np.concatenate([[0.0], own[own < end - post]])
        ages.append(own)
        weights.append(np.floor(rng.lognormal(3, 2, len(own))))
        cascade.append(np.full(len(own), row))
    return *(np.concatenate(part) for part in (ages, weights, cascade)), posts, until


@pytest.mark.parametrize(
    ("case", "size"), [("inside", 200), ("history", 6), ("history", 200), (list(CASES)[2], 200)]
)
def test_exposure_equals_quadrature_event_by_event(case, size):
    ages, weights, cascade, posts, until = events(case, size)
    options = {"s0": S0, "tail": 1.0, "period": 1.0, "dtype": jnp.zeros(()).dtype}
    made = build_exposure(ages, weights, cascade, posts, until, 0.37, **options)
    sums = jax.jit(lambda tau: made.sums(tau, THETA))
    for tau in (0.03, 0.6, 25.0):
        ours = np.asarray(sums(tau), np.float64)
        exact = slow.exposures(ages, weights, cascade, posts, until, 0.37, tau, THETA, S0, 1.0)
        error = np.abs(ours - exact).max(axis=1) / np.maximum(exact[:, 0], 1e-12)
        assert error.max() < (1e-10 if DOUBLE else 3e-5), (tau, error)


def test_exposure_of_more_events_than_nodes_at_one_moment():
    size = 50
    ages = np.concatenate([[0.0], np.full(size, 0.01)])
    weights, cascade = np.ones(size + 1), np.zeros(size + 1, int)
    options = {"s0": S0, "tail": 1.0, "period": 1.0, "dtype": np.float64}
    ends = np.zeros(1), np.array([2.0])
    made = build_exposure(ages, weights, cascade, *ends, 0.0, **options)
    exact = slow.exposures(ages, weights, cascade, *ends, 0.0, 0.7, THETA, S0, 1.0)
    ours = jax.jit(lambda tau: made.sums(tau, THETA))(0.7)
    np.testing.assert_allclose(ours, exact, rtol=1e-10 if DOUBLE else 1e-5)


def test_exponential_sum_states_its_error():
    for ratio, most in ((1.5, 1e-8), (2016, 1e-8), (1.2e5, 1e-7)):
        fitted = exponential_sum(ratio, np.array([THETA]))
        s = np.geomspace(1, ratio, 3333)
        relative = np.exp(-np.outer(s, fitted.rates)) @ fitted.weights[:, 0] * s ** (1 + THETA)
        assert np.abs(relative - 1).max() <= 1.1 * fitted.error <= most
    with pytest.raises(ValueError, match="pairs"):
        exponential_sum(1e5, np.array([4.0]))


@pytest.mark.parametrize("sizes", [[40], [0, 1, 300, 0, 2000], [3] * 50], ids=len)
@pytest.mark.parametrize("whole", [True, False], ids=["whole followers", "fractions"])
def test_history_equals_pairs_with_ties_in_order_of_rows(sizes, whole):
    rng = np.random.default_rng(1)
    ages, weights, first = [], [], []
    for size in sizes:
        first.append(sum(map(len, ages)))
        own = np.sort(rng.gamma(0.4, 1.0, size).round(2))  # about 900 s: many ties
        ages.append(np.concatenate([[0.0], own]))
        heavy = rng.lognormal(2, 2, size + 1)
        weights.append((np.floor(heavy) if whole else heavy) * (rng.random(size + 1) < 0.8))
        weights[-1][0] = 100.0
    stream = np.concatenate(ages), np.concatenate(weights), np.array(first)
    counted = rng.random(len(stream[0])) < 0.9
    counted[first] = False
    options = {"thetas": np.array([0.1, THETA, 0.5]), "s0": S0}
    fast = sum_log_reach(*stream, counted, **options)
    pairs = sum_log_reach(*stream, counted, **options, form="pairs")
    np.testing.assert_allclose(fast, pairs, rtol=0, atol=1e-7 * max(sizes))
    for column, theta in enumerate(options["thetas"]):
        np.testing.assert_allclose(
            pairs[:, column], slow.sum_log_reach(*stream, counted, theta, S0), rtol=1e-11
        )


def test_history_without_followers_is_minus_infinity():
    ages, counted = np.array([0.0, 1.0, 2.0]), np.array([False, True, True])
    logs = sum_log_reach(
        ages, np.array([0.0, 0.0, 9.0]), np.array([0]), counted, thetas=np.array([0.3]), s0=S0
    )
    assert logs[0, 0] == -np.inf


@pytest.mark.parametrize("r0", [0.0, 0.3, 0.99, 0.999])
def test_phases_equal_the_sum_over_events(r0):
    rng = np.random.default_rng(2)
    times = np.concatenate([rng.normal(0.4, 0.2, 6000), rng.uniform(-3, 9, 50)])
    group = np.repeat([0, 1], [6000, 50])
    levels = np.array([1.0, 0.5])
    made = build_phases(times, group, levels, 1.0, jnp.zeros(()).dtype)
    assert len(made.weight) < 5000
    for phi0 in (0.0, 0.3, 0.85):
        u, v = r0 * np.cos(2 * np.pi * phi0), r0 * np.sin(2 * np.pi * phi0)
        exact = np.log(1 - levels[group] * r0 * np.sin(2 * np.pi * (times + phi0))).sum()
        error = abs(float(made.terms(u, v).sum()) - exact)
        assert error < 1e-8 * 6000 if DOUBLE else 1e-5 * 6000


def test_phases_without_swing_are_left_out():
    made = build_phases(np.arange(3.0), np.array([0, 0, 1]), np.zeros(2), 1.0, np.float64)
    assert made.weight.size == 0
