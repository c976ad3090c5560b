"""The pairwise form against double sums in plain NumPy, and the laws that every form keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hawkesjax.hawkes.counts.pairs import PairForm
from hawkesjax.hawkes.counts.stream import Stream
from tests.derivatives import check_derivatives
from tests.hawkes import reference

DURATION = 10.0

# number of marks, events in each sequence, marks that occur, chunk and lane sizes
CASES = {
    "one mark": (1, [30], [0], {}),
    "one sequence": (3, [70], [0, 1, 2], {"width": 8, "steps": 4, "block": 12}),
    "sequences": (2, [40, 0, 1, 25, 0], [0, 1], {"width": 8, "steps": 4, "block": 12}),
    "many short": (2, [1, 2, 3, 0, 1, 4] * 5, [0, 1], {}),
    "silent marks": (5, [40, 20], [1, 3], {"width": 4, "steps": 2, "block": 10}),
    "no events": (2, [0, 0], [0, 1], {}),
}


def build(case):
    """Events of a case: times, marks, sequence, stream, keywords."""
    num_marks, counts, used, sizes = CASES[case]
    rng = np.random.default_rng(len(case))
    times, marks, sequence = reference.random_events(rng, len(used), counts, DURATION)
    marks = np.asarray(used)[marks] if marks.size else marks.astype(int)
    sequence = sequence.astype(int)
    first = np.diff(sequence, prepend=-1) != 0
    gaps = np.where(first, times, np.diff(times, prepend=0.0))
    stream = Stream.from_arrays(
        gaps, DURATION - times, marks, sequence, num_marks=num_marks, num_sequences=len(counts)
    )
    return times, marks, sequence, stream, sizes


def parameters(stream, decay="pair", by_event=False):
    rng = np.random.default_rng(3)
    marks = stream.num_marks
    shape = {"pair": (marks, marks), "source": (marks,), "shared": ()}[decay]
    cells = (stream.num_events,) if by_event else (stream.num_sequences, marks)
    return (
        rng.uniform(0.5, 1.0, cells),
        rng.uniform(0.1, 0.6, (marks, marks)),
        np.asarray(rng.uniform(0.3, 2.0, shape)),
    )


def double_sums(times, marks, sequence, stream, baseline, alpha, gamma):
    """R, lambda, E, and the gradient of `sum log lambda` in baseline, alpha, gamma (by pair)."""
    gamma = np.broadcast_to(gamma, alpha.shape)
    counts = reference.counts(times, marks, sequence, gamma)
    weighted = np.zeros_like(counts)
    for n in range(len(times)):
        for k in range(len(times)):
            if sequence[k] == sequence[n] and times[k] < times[n]:
                lag, rate = times[n] - times[k], gamma[marks[n], marks[k]]
                weighted[n, marks[k]] += lag * np.exp(-rate * lag)
    base = baseline if baseline.ndim == 1 else baseline[sequence, marks]
    rate = base + np.sum(alpha[marks] * gamma[marks] * counts, axis=1)
    ends = np.zeros_like(alpha)
    for t, j in zip(times, marks, strict=True):
        ends[:, j] += np.exp(-gamma[:, j] * (DURATION - t))
    by_alpha, by_gamma = np.zeros_like(alpha), np.zeros_like(alpha)
    by_baseline = 1 / rate if baseline.ndim == 1 else np.zeros_like(baseline)
    for n, i in enumerate(marks):
        by_alpha[i] += gamma[i] * counts[n] / rate[n]
        by_gamma[i] += alpha[i] * (counts[n] - gamma[i] * weighted[n]) / rate[n]
        if baseline.ndim == 2:
            by_baseline[sequence[n], i] += 1 / rate[n]
    return counts, rate, ends, (by_baseline, by_alpha, by_gamma)


def fold(by_gamma, decay):
    """A gradient by pair as one by source, or shared."""
    return {"pair": by_gamma, "source": by_gamma.sum(0), "shared": by_gamma.sum()}[decay]


@pytest.mark.parametrize(
    ("case", "decay", "by_event"),
    [(case, "pair", False) for case in CASES]
    + [
        ("sequences", "source", False),
        ("silent marks", "shared", False),
        ("one sequence", "source", True),
        ("sequences", "pair", True),
        ("no events", "pair", True),
    ],
)
def test_equals_double_sums(case, decay, by_event):
    times, marks, sequence, stream, sizes = build(case)
    params = parameters(stream, decay, by_event)
    counts, rate, ends, gradient = double_sums(times, marks, sequence, stream, *params)
    form = PairForm.from_stream(stream, np.float64, **sizes)
    close = {"rtol": 1e-12, "atol": 1e-13}

    np.testing.assert_allclose(jax.jit(form.decayed_counts)(params[2]), counts, **close)
    base = params[0] if by_event else params[0][sequence, marks]
    excitation = jax.jit(form.excitation)(params[1], params[2])
    np.testing.assert_allclose(excitation, rate - base, **close)
    run = jax.jit(jax.value_and_grad(form.event_terms, (0, 1, 2), has_aux=True))
    (total, decayed), found = run(*params)
    np.testing.assert_allclose(total, np.sum(np.log(rate)), **close)
    np.testing.assert_allclose(decayed, ends, **close)
    expected = (*gradient[:2], fold(gradient[2], decay))
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("case", "decay"), [("sequences", "pair"), ("one sequence", "source")])
def test_derivatives_of_both_orders(case, decay):
    *_, stream, sizes = build(case)
    form = PairForm.from_stream(stream, np.float64, **sizes)
    params = parameters(stream, decay)
    weights = np.cos(np.arange(stream.num_marks**2)).reshape(stream.num_marks, -1)

    @jax.jit
    def f(*params):
        total, ends = form.event_terms(*params)
        return total + jnp.sum(weights * ends**2)

    @jax.jit
    def g(alpha, gamma):
        return jnp.sum(jnp.log(2 + form.excitation(alpha, gamma)))

    check_derivatives(f, params)
    check_derivatives(g, params[1:])
    hessian = jax.jit(jax.hessian(f, (0, 1, 2)))(*params)
    for a in range(3):
        for b in range(3):
            block = np.asarray(hessian[a][b]).reshape(params[a].size, params[b].size)
            other = np.asarray(hessian[b][a]).reshape(params[b].size, params[a].size)
            np.testing.assert_allclose(block, other.T, rtol=1e-9, atol=1e-9)


def test_vmap_over_parameters():
    *_, stream, sizes = build("sequences")
    form = PairForm.from_stream(stream, np.float64, **sizes)
    params = parameters(stream)
    stack = [np.stack([p, 1.3 * p, 0.7 * p]) for p in params]
    run = jax.value_and_grad(form.event_terms, (0, 1, 2), has_aux=True)
    together = jax.jit(jax.vmap(run))(*stack)
    alone = jax.jit(run)
    for n in range(3):
        one = alone(*(p[n] for p in stack))
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(a[n], b, rtol=1e-12, atol=1e-13)


def long_stream(num_events, num_marks, num_sequences=1):
    rng = np.random.default_rng(0)
    gaps = rng.exponential(1.0, num_events)
    sequence = np.sort(rng.integers(0, num_sequences, num_events))
    first = np.diff(sequence, prepend=-1) != 0
    times = np.cumsum(gaps)
    start = np.maximum.accumulate(np.where(first, np.arange(num_events), 0))
    times = times - times[start]
    return Stream.from_arrays(
        np.where(first, 0, gaps),
        times.max() + 1 - times,
        rng.integers(0, num_marks, num_events),
        sequence,
        num_marks=num_marks,
        num_sequences=num_sequences,
    )


@pytest.mark.parametrize("num_sequences", [1, 3])
def test_single_precision(num_sequences):
    stream = long_stream(100_000, 3, num_sequences)
    params = parameters(stream)
    results = {}
    for dtype in (np.float32, np.float64):
        form = PairForm.from_stream(stream, dtype)
        run = jax.jit(jax.value_and_grad(form.event_terms, (0, 1, 2), has_aux=True))
        results[dtype] = run(*(p.astype(np.float32).astype(dtype) for p in params))
    for a, b in zip(*map(jax.tree.leaves, results.values()), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6 * np.max(np.abs(b)))


def test_sizes_of_chunks_lanes_and_blocks_change_nothing():
    stream = long_stream(30_000, 2)
    params = parameters(stream)
    results = []
    for sizes in (
        {},
        {"width": 512, "steps": 8, "block": 100},
    ):
        form = PairForm.from_stream(stream, np.float64, **sizes)
        run = jax.jit(jax.value_and_grad(form.event_terms, (0, 1, 2), has_aux=True))
        results.append(jax.tree.leaves(run(*params)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)
