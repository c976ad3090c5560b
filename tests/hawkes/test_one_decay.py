"""One decay rate and many marks: the profile's maximum is that of the search over everything."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.one_decay import can_profile, profiled

MARKS = 3


@pytest.mark.skipif(not jax.config.jax_enable_x64, reason="a tolerance of 1e-9 nats an event")
def test_profile_finds_the_maximum_of_the_joint_search():
    alpha = np.where(np.eye(MARKS, k=1) > 0, 0.6, 0.1)
    truth = {"mu": np.full(MARKS, 0.2), "alpha": alpha, "gamma": 1.5}
    model = hj.Hawkes(decay="shared", baseline="shared")
    panel = hj.simulate(model, truth, window=(0, 400), key=jax.random.key(0))
    joint = hj.fit(model, panel, errors=False)
    prepared = model.prepare(panel)
    found = profiled(model, prepared, 1e-9)
    assert found is not None and found.gradient <= 1e-9
    assert -found.loss >= joint.log_likelihood - 1e-6
    np.testing.assert_allclose(found.params["gamma"], joint.params["gamma"], rtol=1e-5)
    np.testing.assert_allclose(found.params["alpha"], joint.params["alpha"], atol=1e-5)
    assert not can_profile(model, prepared)  # few marks: the joint search


def test_profile_is_for_many_marks_with_one_rate():
    names = [f"m{i}" for i in range(60)]
    panel = hj.EventPanel.from_arrays([1.0, 2.0], [0, 1], window=(0, 3), mark_names=names)
    assert not can_profile(hj.Hawkes(decay="source"), hj.Hawkes(decay="source").prepare(panel))
    for model in (hj.Hawkes(decay="shared"), hj.Hawkes(decay="shared", baseline="shared")):
        assert can_profile(model, model.prepare(panel))
    tied = hj.Hawkes(decay="shared", tied={"alpha": "all"})
    assert not can_profile(tied, tied.prepare(panel))
