"""The form with known decay rates against the pairwise form and its double sums."""

import jax
import numpy as np
import pytest

from hawkesjax.hawkes.counts.fixed import FixedForm
from tests.derivatives import check_derivatives
from tests.hawkes.test_pairs import CASES, build, double_sums, long_stream, parameters


@pytest.mark.parametrize(
    ("case", "decay", "by_event"),
    [(case, "pair", False) for case in CASES]
    + [("sequences", "source", True), ("silent marks", "shared", False)],
)
def test_equals_double_sums(case, decay, by_event):
    times, marks, sequence, stream, sizes = build(case)
    params = parameters(stream, decay, by_event)
    counts, rate, ends, gradient = double_sums(times, marks, sequence, stream, *params)
    sizes = {k: v for k, v in sizes.items() if k == "width"}
    form = FixedForm.from_stream(stream, np.float64, gamma=params[2], **sizes)
    close = {"rtol": 1e-12, "atol": 1e-13}

    np.testing.assert_allclose(form.decayed_counts(), counts, **close)
    base = params[0] if by_event else params[0][sequence, marks]
    np.testing.assert_allclose(form.excitation(params[1]), rate - base, **close)
    run = jax.jit(jax.value_and_grad(form.event_terms, (0, 1), has_aux=True))
    (total, decayed), found = run(*params[:2])
    np.testing.assert_allclose(total, np.sum(np.log(rate)), **close)
    np.testing.assert_allclose(decayed, ends, **close)
    for value, wanted in zip(found, gradient[:2], strict=True):
        np.testing.assert_allclose(value, wanted, **close)


def test_derivatives_of_both_orders():
    *_, stream, _ = build("sequences")
    mu, alpha, gamma = parameters(stream)
    form = FixedForm.from_stream(stream, np.float64, gamma=gamma, width=8)
    f = jax.jit(lambda mu, alpha: form.event_terms(mu, alpha)[0])
    check_derivatives(f, (mu, alpha))
    hessian = jax.jit(jax.hessian(f, 1))(mu, alpha).reshape(alpha.size, alpha.size)
    assert np.linalg.eigvalsh(hessian).max() < 1e-9  # concave


def test_vmap_over_parameters():
    *_, stream, _ = build("sequences")
    mu, alpha, gamma = parameters(stream)
    form = FixedForm.from_stream(stream, np.float64, gamma=gamma, width=8)
    run = jax.jit(jax.value_and_grad(lambda mu, alpha: form.event_terms(mu, alpha)[0], (0, 1)))
    together = jax.vmap(run)(np.stack([mu, 2 * mu]), np.stack([alpha, alpha / 2]))
    for n, one in enumerate((run(mu, alpha), run(2 * mu, alpha / 2))):
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(a[n], b, rtol=1e-12)


def test_gamma_of_the_methods_is_ignored():
    *_, stream, _ = build("sequences")
    mu, alpha, gamma = parameters(stream)
    form = FixedForm.from_stream(stream, np.float64, gamma=gamma)
    assert form.event_terms(mu, alpha, 5 * gamma)[0] == form.event_terms(mu, alpha)[0]
    slope = jax.grad(lambda g: form.event_terms(mu, alpha, g)[0])(gamma)
    assert not np.any(slope)


def test_gamma_is_required():
    with pytest.raises(ValueError, match="needs gamma"):
        FixedForm.from_stream(build("one mark")[3], np.float64)


def test_single_precision():
    stream = long_stream(100_000, 3)
    mu, alpha, gamma = (p.astype(np.float32) for p in parameters(stream))
    results = []
    for dtype in (np.float32, np.float64):
        form = FixedForm.from_stream(stream, dtype, gamma=gamma)
        run = jax.jit(jax.value_and_grad(form.event_terms, (0, 1), has_aux=True))
        results.append(jax.tree.leaves(run(mu.astype(dtype), alpha.astype(dtype))))
    for a, b in zip(*results, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-6)
