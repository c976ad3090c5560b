"""Filled layouts give the same likelihood, and are of one size."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.bootstrap import _increments
from hawkesjax.hawkes.sizes import prepare_alike

TRUTH = {"mu": [0.5, 0.3], "alpha": [[0.4, 0.2], [0.1, 0.3]], "gamma": [[1.0, 3], [0.5, 2]]}
WEEK = hj.Covariates(np.arange(0, 36.0), (np.arange(35) % 7 >= 5).astype(float)[:, None], ("end",))
CASES = {  # models, parameters beside the truth, ends of the panels' windows
    "constant": ({"baseline": "shared"}, {}, (5, 90)),
    "covariates": (
        {"covariates": WEEK}, {"mu": np.full((3, 2), 0.4), "beta": [[-0.5], [1.0]]}, (35, 35),
    ),
    "a sum": ({"baseline": "shared", "kernel": hj.SumOfExponentials(2)}, {"split": [0.6]}, (5, 90)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_filled_forms_are_of_one_size_and_give_the_same_value_and_gradient(case):
    settings, more, ends = CASES[case]
    params = {name: np.array(value) for name, value in (TRUTH | more).items()}
    model, slow = hj.Hawkes(**settings), hj.Hawkes(**settings, form="scan")
    panels = [
        hj.simulate(model, params, window=(0, end), num_sequences=3, key=jax.random.key(seed))
        for seed, end in enumerate(ends)
    ]
    size = max(panel.num_events for panel in panels)
    prepared = prepare_alike(model, panels)
    shapes = {str(jax.tree.map(np.shape, one)) for one in prepared}
    assert len(shapes) == 1
    compute = jax.jit(jax.value_and_grad(model.log_likelihood))
    for panel, filled in zip(panels, prepared, strict=True):
        value, slope = compute(params, filled)
        rtol = 1e-10 if jax.config.jax_enable_x64 else 1e-4
        plain = slow.log_likelihood(params, panel)
        np.testing.assert_allclose(value, plain, rtol=rtol)
        own = jax.grad(model.log_likelihood)(params, panel)
        for name, part in own.items():
            np.testing.assert_allclose(slope[name], part, rtol=100 * rtol)
    assert compute._cache_size() == 1
    found = _increments(model, params, panels[0], size)
    expected = model.compensator_increments(params, panels[0])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=100 * rtol, atol=rtol)


@pytest.mark.parametrize("kernel", ["exponential", hj.SumOfExponentials(2)], ids=str)
def test_fits_of_nearly_as_many_events_share_their_compilations(kernel):
    """The first of these panels compiles; the others only run, and keep every digit."""
    compiled = []

    def listen(event, seconds, **more):
        compiled.append(event)

    model, slow = hj.Hawkes(kernel=kernel), hj.Hawkes(kernel=kernel, form="scan")
    rng = np.random.default_rng(0)
    spent = []
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for size in (300, 290, 320, 311):
            times, marks = np.sort(rng.uniform(0, 100, size)), rng.integers(0, 2, size)
            panel = hj.EventPanel.from_arrays(times, marks, window=(0, 100))
            compiled.clear()
            found = hj.fit(model, panel)
            spent.append(sum("backend_compile" in event for event in compiled))
            plain = slow.log_likelihood(found.params, panel)
            single = not jax.config.jax_enable_x64
            np.testing.assert_allclose(found.log_likelihood, plain, rtol=1e-4 if single else 1e-11)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert spent[0] > 2 and spent[1:] == [0, 0, 0]
