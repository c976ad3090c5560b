"""Baselines with covariates and kernels that are sums, against double sums over events."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.core.labels import entries
from tests.derivatives import check_derivatives
from tests.hawkes.double_sums import (
    COVARIATES,
    EDGES,
    EVENTS,
    MODELS,
    OWN,
    SUM,
    WINDOWS,
    expected,
    kernel,
    log_intensities,
    panel_of,
    params_of,
)


@pytest.mark.parametrize("case", MODELS)
def test_equals_the_double_sum(case):
    model = MODELS[case]
    panel, params = panel_of(), params_of(model)
    model.prepare(panel)
    close = {"rtol": 1e-5 if isinstance(model.kernel, hj.PowerLaw) else 1e-10}
    logs = log_intensities(model)
    total = logs.sum()
    for m, (low, high) in enumerate(WINDOWS):
        for i in range(2):
            total -= expected(model, low, high, m, i)
    if model.compensator != "exact":
        for time, source, owner in zip(*EVENTS, strict=True):
            for i in range(2):
                left = 1 - kernel(model, i, source, WINDOWS[owner, 1] - time)[1]
                total -= OWN["alpha"][i, source] * left

    @jax.jit
    def compute(params):
        found = model.log_likelihood(params, panel), model.log_intensity(params, panel)
        if model.compensator != "exact":
            return found
        return *found, *model.compensator_increments(params, panel), model.pointwise(params, panel)

    value, found, *rest = compute(params)
    np.testing.assert_allclose(value, total, **close)
    np.testing.assert_allclose(np.exp(found), np.exp(logs), **close)
    if model.compensator != "exact":
        return
    inside, tails, terms = rest
    order = np.lexsort((EVENTS[0], EVENTS[2]))
    times, owners = EVENTS[0][order], EVENTS[2][order]
    wanted = np.zeros((len(times), 2))
    last = WINDOWS[:, 0].copy()
    for n, (time, owner) in enumerate(zip(times, owners, strict=True)):
        wanted[n] = [expected(model, last[owner], time, owner, i) for i in range(2)]
        last[owner] = time
    close["atol"] = 1e-10
    np.testing.assert_allclose(inside, wanted, **close)
    wanted = [[expected(model, last[m], WINDOWS[m, 1], m, i) for i in range(2)] for m in range(4)]
    np.testing.assert_allclose(tails, wanted, **close)
    np.testing.assert_allclose(terms.sum(), value, rtol=1e-10)


@pytest.mark.parametrize("case", ["both", "power law"])
def test_gradients_and_second_derivatives(case):
    model, panel = MODELS[case], panel_of()
    check_derivatives(lambda p: model.log_likelihood(p, panel), (params_of(model),))


def test_long_gradients_compute_twice_what_they_do_not_keep():
    model, panel = MODELS["sum"], panel_of()
    params = params_of(model)
    data = model.prepare(panel)
    kept = jax.jit(jax.grad(lambda p: model.log_likelihood(p, data)))(params)
    frugal = replace(data, form=replace(data.form, large=0))
    twice = jax.jit(jax.grad(lambda p: model.log_likelihood(p, frugal)))(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), kept, twice)


def test_time_is_absolute_and_dates_are_exact():
    """Epoch seconds and dates give what small numbers give."""
    model = MODELS["by sequence"]
    params = params_of(model)
    plain = model.log_likelihood(params, panel_of())
    far = hj.Covariates(EDGES + 2.0**30, COVARIATES.values, COVARIATES.feature_names)
    moved = hj.Hawkes(covariates=far).log_likelihood(params, panel_of(2.0**30))
    np.testing.assert_allclose(moved, plain, rtol=1e-6)
    zero = np.datetime64("2024-03-30T12:00", "ns")
    dates = lambda hours: zero + np.rint(np.asarray(hours) * 3.6e12).astype("m8[ns]")  # noqa: E731
    times, marks, sequence = EVENTS
    panel = hj.EventPanel.from_arrays(
        dates(times), marks, sequence=sequence, window=dates(WINDOWS), unit="hour"
    )
    dated = hj.Covariates(
        EDGES / 24, COVARIATES.values, COVARIATES.feature_names, "day", "2024-03-30T12:00"
    )
    value = hj.Hawkes(covariates=dated).log_likelihood(params, panel)
    np.testing.assert_allclose(value, plain, rtol=1e-9)


def test_float32():
    model, panel = MODELS["both"], panel_of()
    params = {name: np.asarray(value, np.float32) for name, value in params_of(model).items()}
    value = model.log_likelihood(params, model.prepare(panel, dtype=np.float32))
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, model.log_likelihood(params_of(model), panel), rtol=1e-5)


def test_panels_under_a_transformation():
    panel, model = panel_of(), MODELS["sum"]
    params = params_of(model)
    value = jax.jit(model.log_likelihood)(params, panel)
    np.testing.assert_allclose(value, model.log_likelihood(params, panel), rtol=1e-10)
    with pytest.raises(ValueError, match="prepare"):
        jax.jit(MODELS["both"].log_likelihood)(params_of(MODELS["both"]), panel)


def test_priors_do_not_depend_on_units():
    """Neither on that of time, nor on that of a feature."""
    values = COVARIATES.values * [1, 1, 10.0]
    scaled = hj.Covariates(24 * EDGES, values, COVARIATES.feature_names)
    times, marks, sequence = EVENTS
    other = hj.EventPanel.from_arrays(24 * times, marks, sequence=sequence, window=24 * WINDOWS)
    one = MODELS["intercept"].sites(MODELS["intercept"].prepare(panel_of()))["beta"]
    model = hj.Hawkes(baseline=scaled)
    two = model.sites(model.prepare(other))["beta"]
    beta = OWN["beta"]
    moved = beta / [1, 1, 10.0] - np.log(24) * np.array([1, 0, 0])
    np.testing.assert_allclose(two.log_prob(moved) - np.log([1, 1, 10.0]), one.log_prob(beta))


@pytest.mark.parametrize("span, error", [(10.0, 0.05), (1e4, 0.01), (1e5, 1e-4)])
def test_the_power_law_keeps_its_error(span, error):
    law = hj.PowerLaw(span=span, error=error)
    times = np.concatenate([[0], np.geomspace(1e-4, span, 777)])
    for theta in (0.05, 0.242, 0.5, 1.0):
        weights = np.asarray(law.weights({"theta": theta}))
        found = np.exp(-np.outer(times, law.ratios)) @ (weights * law.ratios)
        off = np.abs(found / (theta * (1 + times) ** -(1 + theta)) - 1).max()
        assert off <= error and law.max_error(theta) == pytest.approx(off, rel=0.2)
        assert law.half_life({"theta": theta}) == pytest.approx(2 ** (1 / theta) - 1)


def test_half_lives_of_sums():
    draws = {"split": np.random.default_rng(0).uniform(size=(5, 2))}
    half, weights = SUM.half_life(draws), SUM.weights(draws)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    left = np.sum(weights * np.exp(-SUM.ratios * half[:, None]), axis=1)
    np.testing.assert_allclose(left, 0.5, rtol=1e-10)
    check_derivatives(lambda split: SUM.half_life({"split": split}), (draws["split"][0],))


def test_features_that_say_nothing_are_on_the_boundary():
    panel = panel_of()
    quiet = hj.Covariates(
        np.array([-5.0, 9.9, 10, 20]),
        np.array([[1.0, 0, 0], [1, 1, 0], [1, 0, 1]]),
        ("intercept", "before the end", "after it"),
    )
    short = panel.between(-5, 10)  # the last cell is beyond every window
    model = hj.Hawkes(baseline=quiet, decay="shared")
    params = {"beta": np.array([[0, 1.0, 2], [0, -9, 0]]), "alpha": np.ones((2, 2)), "gamma": 1.0}
    edge = model.at_boundary(params, model.prepare(short))["beta"]
    # 4 sequences share 0.1 before the end: 0.4 events of the one mark, 5e-5 of the other.
    assert edge.tolist() == [[False, False, True], [False, True, True]]
    named = entries({"beta": edge}, params, model.dims, model.coords(short))
    assert named[1] == "beta[b, before the end] at -9"


REFUSED = {
    "no intercept": (lambda: hj.Hawkes(baseline=COVARIATES.select(["on"])), "intercept"),
    "twice": (lambda: hj.Hawkes(baseline=COVARIATES, covariates=COVARIATES), "twice"),
    "shared": (lambda: hj.Hawkes(baseline="shared", covariates=COVARIATES), "baseline=covariates"),
    "nothing": (lambda: hj.Hawkes(covariates=COVARIATES.select(["intercept"])), "no feature"),
    "a table": (lambda: hj.Hawkes(covariates=COVARIATES.to_dataframe()), "DataFrame"),
    "a kernel": (lambda: hj.Hawkes(kernel="power"), "'power'"),
    "one term": (lambda: hj.SumOfExponentials(1), "2 or more"),
    "ratio": (lambda: hj.SumOfExponentials(2, ratio=1.0), "above 1"),
    "theta": (lambda: hj.PowerLaw(theta=3.0), "0.05"),
    "span": (lambda: hj.PowerLaw(span=0.0), "span"),
    "error": (lambda: hj.PowerLaw(error=0.0), "error"),
    "not covered": (
        lambda: hj.Hawkes(baseline=COVARIATES.between(0, 10)).prepare(panel_of()),
        "reach from 0 to 10, but are needed from -3 to 12.5",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, word = REFUSED[case]
    with pytest.raises(ValueError) as error:
        call()
    assert word in str(error.value)
