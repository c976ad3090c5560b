"""The forms for hundreds of marks equal the double sum, and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.counts.blocks import BlockForm
from hawkesjax.hawkes.counts.edges import EdgeForm
from tests.derivatives import check_derivatives
from tests.hawkes.test_forms import CASES, expected_of, params_of, stream_of

EXACT = 1e-10 if jax.config.jax_enable_x64 else 1e-4


@pytest.mark.parametrize("width, height", [(4, 2), (16, 3)])
@pytest.mark.parametrize("case", CASES)
def test_blocks_equal_the_double_sum(case, width, height):
    stream = stream_of(case)
    form = BlockForm.from_stream(stream, np.float64, width=width, height=height)
    mu, alpha, gamma = params_of(case, "shared")
    _, rates, total, ends = expected_of(case, mu, alpha, gamma)
    by_event = mu[stream.sequence, stream.marks]
    for baseline in (mu, by_event):
        found, late = jax.jit(lambda *p: form.event_terms(*p))(baseline, alpha, gamma)
        np.testing.assert_allclose(found, total, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(late, ends, rtol=1e-12, atol=1e-13)
    excited = jax.jit(form.excitation)(alpha, gamma)
    np.testing.assert_allclose(excited + by_event, rates, rtol=1e-12)


def test_derivatives_of_blocks():
    case = "ties, empty and one-event sequences"
    form = BlockForm.from_stream(stream_of(case), np.float64, width=4, height=2)
    mu, alpha, gamma = params_of(case, "shared")
    check_derivatives(lambda *p: form.event_terms(*p)[0], (mu, alpha, gamma))
    check_derivatives(lambda *p: jnp.sum(jnp.sqrt(1 + form.excitation(*p))), (alpha, gamma))


KERNELS = {"exponential": {}, "a sum": {"split": np.array([0.3])}}


def crowded(marks=9, sequences=3, events=600):
    """Rounded times, of which many more coincide than a chunk holds."""
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 50, events)
    times[100:160] = times[100]
    order = np.argsort(times)
    names = [str(mark) for mark in range(marks)]
    return hj.EventPanel.from_arrays(
        np.round(times[order], 1), rng.integers(0, marks, events),
        sequence=rng.integers(0, sequences, events), window=(0, 60), mark_names=names,
    )  # fmt: skip


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    "decay, form", [("shared", "blocks"), ("shared", "auto"), ("source", "auto")]
)
def test_value_and_gradient_equal_the_plain_scan(kernel, decay, form):
    panel, rng = crowded(), np.random.default_rng(1)
    marks = panel.num_marks
    network = np.where(rng.random((marks, marks)) < 0.2, np.nan, 0.0)
    settings = {
        "decay": decay,
        "kernel": hj.SumOfExponentials(2) if KERNELS[kernel] else "exponential",
        "fixed": {"alpha": network} if form == "auto" else None,
    }
    free = np.isnan(network) | (form == "blocks")
    params = KERNELS[kernel] | {
        "mu": rng.uniform(0.1, 1, (panel.num_sequences, marks)),
        "alpha": np.where(free, rng.uniform(0, 0.5, (marks, marks)), 0),
        "gamma": rng.uniform(0.5, 2, () if decay == "shared" else marks),
    }
    fast, slow = hj.Hawkes(**settings, form=form), hj.Hawkes(**settings, form="scan")
    kind = BlockForm if form == "blocks" else EdgeForm
    assert isinstance(fast.prepare(panel).form, kind)
    (value, slope), (plain, own) = (
        jax.value_and_grad(model.log_likelihood)(params, panel) for model in (fast, slow)
    )
    np.testing.assert_allclose(value, plain, rtol=EXACT)
    for name, part in own.items():
        where = free if name == "alpha" else np.ones(np.shape(part), bool)
        np.testing.assert_allclose(
            np.asarray(slope[name])[where], np.asarray(part)[where], rtol=EXACT, atol=EXACT
        )
    logs = (model.log_intensity(params, panel) for model in (fast, slow))
    np.testing.assert_allclose(*logs, rtol=EXACT, atol=EXACT)


def test_many_marks_with_one_decay_go_by_blocks_and_share_compilations():
    rng = np.random.default_rng(2)
    model = hj.Hawkes(decay="shared", baseline="shared")
    names = [str(mark) for mark in range(70)]
    params = {"mu": np.full(70, 0.01), "alpha": np.full((70, 70), 0.01), "gamma": np.array(0.1)}
    compute = jax.jit(model.log_likelihood)
    for events in (3000, 3007):
        times = np.cumsum(rng.exponential(size=events))
        panel = hj.EventPanel.from_arrays(
            times, rng.integers(0, 70, events), window=(0, times[-1] + 1), mark_names=names
        )
        prepared = model.prepare(panel)
        assert isinstance(prepared.form, BlockForm)
        plain = hj.Hawkes(decay="shared", baseline="shared", form="pairs")
        expected = plain.log_likelihood(params, panel)
        np.testing.assert_allclose(compute(params, prepared), expected, rtol=EXACT)
    assert compute._cache_size() == 1


def test_blocks_are_for_one_decay():
    with pytest.raises(ValueError, match='decay="shared"'):
        hj.Hawkes(form="blocks").prepare(crowded())


def test_a_target_without_edges_keeps_the_errors_of_the_others():
    panel = crowded(marks=3)
    network = np.array([[np.nan, 0, 0], [np.nan, np.nan, 0], [0, 0, 0]])
    model = hj.Hawkes(decay="shared", baseline="shared", fixed={"alpha": network})
    errors = hj.fit(model, panel).standard_errors
    assert np.all(np.isfinite(errors["mu"]))
