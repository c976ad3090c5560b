"""Panels whose arrays are traced take a form that is laid out in JAX, or say that they do not."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj

TRUTH = {"mu": [[0.5, 0.3]], "alpha": [[0.4, 0.2], [0.1, 0.3]], "gamma": [[1.0, 3], [0.5, 2]]}
MODELS = {
    "one sequence": (hj.Hawkes(), {}, 1),
    "several": (hj.Hawkes(baseline="shared"), {}, 3),
    "slow decays": (hj.Hawkes(decay="shared"), {"gamma": 1e-6}, 1),
    "a sum": (
        hj.Hawkes(baseline="shared", kernel=hj.SumOfExponentials(2)), {"split": [0.6]}, 2,
    ),
}  # fmt: skip


def panels_of(sequences, count=2, size=40):
    rng = np.random.default_rng(0)
    for _ in range(count):
        times = np.round(rng.uniform(0, 20, size), 1)  # with ties
        where = {"sequence": np.sort(rng.integers(0, sequences, size)), "window": (0, 20)}
        names = {"sequence_names": range(sequences), "mark_names": ["a", "b"]}
        yield hj.EventPanel.from_arrays(times, rng.integers(0, 2, size), **where, **names)


@pytest.mark.parametrize("case", MODELS)
def test_a_traced_panel_has_the_likelihood_of_the_prepared_one(case):
    model, more, sequences = MODELS[case]
    params = {name: jnp.asarray(value) for name, value in (TRUTH | more).items()}
    panels = list(panels_of(sequences))
    both = jax.value_and_grad(lambda p, panel: model.log_likelihood(p, panel))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *panels)
    found = jax.jit(jax.vmap(both, (None, 0)))(params, stacked)  # jit, vmap and grad at once
    given = jax.jit(both)
    rtol = 1e-11 if jax.config.jax_enable_x64 else 1e-4
    for k, panel in enumerate(panels):
        expected = given(params, model.prepare(panel))
        jax.tree.map(
            lambda a, b, k=k: np.testing.assert_allclose(a[k], b, rtol=rtol, atol=rtol),
            found,
            expected,
        )


def test_many_marks_say_that_they_go_one_event_a_step():
    rng = np.random.default_rng(0)
    panels = {
        marks: hj.EventPanel.from_arrays(
            np.sort(rng.uniform(0, 100, 12_000)), rng.integers(0, marks, 12_000), window=(0, 100)
        )
        for marks in (2, 9)
    }

    def traced(panel):
        size = panel.num_marks
        params = {"mu": np.ones((1, size)), "alpha": np.full((size, size), 0.01), "gamma": 1.0}
        jax.eval_shape(lambda p: hj.Hawkes(decay="shared").log_likelihood(params, p), panel)

    with pytest.warns(UserWarning, match="one a step: pass the result of model.prepare"):
        traced(panels[9])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        traced(panels[2])
