"""Several devices give what one gives; the tests run with two."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from tests.cases import CASES, Case

DOUBLE = jnp.zeros(()).dtype == np.float64
CLOSE = 1e-12 if DOUBLE else 1e-5
SPREAD = ["hawkes", "hawkes-hierarchy-mixture", "retweet", "katz"]


def two():
    if len(jax.local_devices()) < 2:
        pytest.skip("needs two devices")
    return hj.make_mesh(2)


def is_divided(prepared):
    """Whether a device holds a part of some array, and not all of it."""
    return any(not leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(prepared))


@pytest.mark.parametrize("case", [case for case in CASES if case.name in SPREAD], ids=str)
def test_the_likelihood_and_its_gradient_are_those_of_one_device(case: Case):
    model: Any = case.model
    data = case.draw(jax.random.key(5))
    params = {name: jnp.asarray(value, float) for name, value in case.params.items()}
    whole, divided = model.prepare(data), model.prepare(data, mesh=two())
    assert is_divided(divided)
    compute = jax.jit(jax.value_and_grad(model.log_likelihood_inside))
    value, slope = compute(params, whole)
    again, other = compute(params, divided)
    assert float(again) == pytest.approx(float(value), rel=CLOSE)
    for name, one in slope.items():
        np.testing.assert_allclose(other[name], one, rtol=100 * CLOSE, atol=100 * CLOSE)


def test_no_device_gathers_the_events_of_others():
    """What crosses are states at the ends of lanes, and sums; events would be turned and moved at
    every call, even for a condition that never holds."""
    model, mesh = hj.Hawkes(), two()
    params = {"mu": np.ones((1, 2)), "alpha": np.full((2, 2), 0.1), "gamma": np.ones((2, 2))}
    params = {name: jnp.asarray(value, float) for name, value in params.items()}
    rng = np.random.default_rng(0)
    long = np.sort(rng.uniform(0, 1e5, 200_000)), rng.integers(0, 2, 200_000)
    divided = model.prepare(hj.EventPanel.from_arrays(*long, window=(0, 1e5)), mesh=mesh)
    program = jax.jit(jax.value_and_grad(model.log_likelihood)).lower(params, divided).compile()
    assert "all-reduce" in program.as_text() and "all-gather" not in program.as_text()


PANEL = hj.simulate(
    hj.Hawkes(decay="shared"),
    {"mu": [0.5, 0.4], "alpha": [[0.3, 0.1], [0.2, 0.4]], "gamma": 1.0},
    window=(0, 300),
    key=jax.random.key(0),
)


def test_fit_on_two_devices_is_fit_on_one():
    one = hj.fit(hj.Hawkes(decay="shared"), PANEL, mesh=None)
    both = hj.fit(hj.Hawkes(decay="shared"), PANEL, mesh=two())
    assert both.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10 if DOUBLE else 1e-5)
    for part in ("params", "standard_errors", "upper"):
        for name, value in getattr(one, part).items():
            close = 1e-5 if DOUBLE else 5e-2
            np.testing.assert_allclose(getattr(both, part)[name], value, rtol=close, atol=1e-3)


@pytest.mark.parametrize("chains", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_draws_with_a_mesh_are_those_without(chains):
    """One chain over two devices, and two chains on a device each: short runs, before the order of
    sums makes a difference."""
    mesh = hj.make_mesh(two().size, chains=chains)
    some = {"num_warmup": 10, "num_samples": 5, "num_chains": 2, "progress": False}
    model = hj.Hawkes(decay="shared")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.SamplingWarning)  # so few draws
        found = hj.sample(model, PANEL, key=jax.random.key(1), mesh=mesh, **some)
        plain = hj.sample(model, PANEL, key=jax.random.key(1), chain_method="sequential", **some)
    for name in ("alpha", "gamma", "mu"):
        close = 1e-6 if DOUBLE else 0.5
        np.testing.assert_allclose(found.posterior[name], plain.posterior[name], rtol=close)


LONE = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("rows",))
REFUSED = {
    "no mesh": (lambda: hj.fit(hj.Hawkes(), PANEL, mesh=2), "must be a mesh of devices"),
    "another axis": (lambda: hj.fit(hj.Hawkes(), PANEL, mesh=LONE), "needs one named 'data'"),
    "too many": (lambda: hj.make_mesh(4096), "4096 devices are asked for"),
    "three chains": (lambda: hj.make_mesh(2, chains=3), "cannot be divided"),
    "chains that do not divide": (
        lambda: hj.sample(
            hj.Hawkes(), PANEL, key=jax.random.key(0), num_chains=3, mesh=hj.make_mesh(2, chains=2)
        ),
        "3 chains cannot be spread evenly",
    ),
    "event by event": (
        lambda: hj.Hawkes(lag=0.1).prepare(PANEL, mesh=two()),
        "laid out for one device alone",
    ),
    "known decays": (
        lambda: hj.fit(hj.Hawkes(gamma=1.0), PANEL, mesh=two()),
        "laid out for one device alone",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_meshes(name):
    call, words = REFUSED[name]
    two()
    with pytest.raises(ValueError, match=words):
        call()


def test_other_numbers_of_lanes_are_filled_up():
    """Empty lanes weigh nothing: layouts divide by any power of two."""
    from hawkesjax.hawkes.counts.padding import divisible

    form = hj.Hawkes().prepare(PANEL).form
    wide = divisible(form, 256)
    assert wide.wide % 256 == 0 and wide.wide > form.wide
    alpha, gamma = np.array([[0.3, 0.1], [0.2, 0.4]]), np.array([[1.0, 2.0], [0.5, 3.0]])
    baseline = np.array([[0.5, 0.4]])
    for one, other in zip(
        form.event_terms(baseline, alpha, gamma),
        wide.event_terms(baseline, alpha, gamma),
        strict=True,
    ):
        np.testing.assert_allclose(other, one, rtol=CLOSE)
