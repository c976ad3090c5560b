"""Filled layouts give the same likelihood, and are of one size."""

import jax
import numpy as np

import hawkesjax as hj
from hawkesjax.models.prepared import prepare_alike


def test_filled_forms_are_of_one_size_and_give_the_same_value_and_gradient():
    truth = {"mu": [0.5, 0.3], "alpha": [[0.4, 0.2], [0.1, 0.3]], "gamma": [[1.0, 3], [0.5, 2]]}
    params = {name: np.array(value) for name, value in truth.items()}
    model = hj.Hawkes(baseline="shared")
    panels = [
        hj.simulate(model, truth, window=(0, end), num_sequences=3, key=jax.random.key(seed))
        for seed, end in enumerate((5, 90, 30))
    ]
    prepared = prepare_alike(model, panels)
    shapes = {str(jax.tree.map(np.shape, one)) for one in prepared}
    assert len(shapes) == 1
    compute = jax.jit(jax.value_and_grad(model.log_likelihood))
    for panel, filled in zip(panels, prepared, strict=True):
        value, slope = compute(params, filled)
        rtol = 1e-10 if jax.config.jax_enable_x64 else 1e-4
        plain = hj.Hawkes(baseline="shared", form="scan").log_likelihood(params, panel)
        np.testing.assert_allclose(value, plain, rtol=rtol)
        own = jax.grad(model.log_likelihood)(params, panel)
        for name, part in own.items():
            np.testing.assert_allclose(slope[name], part, rtol=100 * rtol)
    assert compute._cache_size() == 1
