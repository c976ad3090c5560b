"""The forms by steps and lanes against double sums in NumPy, and against their plain twin."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hawkesjax.hawkes.counts.even import EvenForm
from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.registers import RegisterForm
from hawkesjax.hawkes.counts.scan import ScanForm
from hawkesjax.hawkes.counts.stream import Stream
from tests.derivatives import check_derivatives
from tests.hawkes import reference

DURATION = 10.0
KINDS = [LaneForm, EvenForm, RegisterForm]
# name: number of marks, events of each sequence, ties
CASES = {
    "two marks, ties": (2, (30, 0, 1, 17, 60), True),
    "two marks": (2, (40, 25), False),
    "one mark": (1, (50,), True),
    "one event": (1, (1,), False),
    "no event": (2, (0, 0), False),
    "no sequence": (2, (), False),
    "four marks, short": (4, (3, 2, 1, 0, 5) * 4, True),
    "three marks": (3, (80,), True),
    "all at once": (2, (0, "tied"), True),
}
x64_only = pytest.mark.skipif(not jax.config.jax_enable_x64, reason="64-bit tolerances")


class Case:
    def __init__(self, name, seed=0, decay="pair"):
        rng = np.random.default_rng(seed)
        self.num_marks, counts, ties = CASES[name]
        if "tied" in counts:
            counts = (0, 20)
        if counts:
            events = reference.random_events(rng, self.num_marks, counts, DURATION, ties=ties)
        else:
            events = (np.zeros(0), np.zeros(0, int), np.zeros(0, int))
        self.times, self.marks, self.sequence = events
        if name == "all at once":
            self.times = np.repeat([2.0, 2.5], 10)
        first = np.ones(self.times.size, bool)
        first[1:] = self.sequence[1:] != self.sequence[:-1]
        self.stream = Stream.from_arrays(
            np.where(first, self.times, np.diff(self.times, prepend=0.0)),
            DURATION - self.times,
            self.marks,
            self.sequence,
            num_marks=self.num_marks,
            num_sequences=len(counts),
        )
        d = self.num_marks
        shape = {"pair": (d, d), "source": (d,), "shared": ()}[decay]
        self.mu = rng.uniform(0.2, 1.0, (len(counts), d))
        self.alpha = rng.uniform(0.1, 0.5, (d, d))
        self.gamma = rng.uniform(0.3, 3.0, shape)

    @property
    def pair(self):
        return np.broadcast_to(self.gamma, (self.num_marks, self.num_marks))

    @property
    def parameters(self):
        return jnp.asarray(self.mu), jnp.asarray(self.alpha), jnp.asarray(self.gamma)

    def ends(self):
        out = np.zeros((self.num_marks, self.num_marks))
        for t, j in zip(self.times, self.marks, strict=True):
            out[:, j] += np.exp(-self.pair[:, j] * (DURATION - t))
        return out


def terms(form):
    def value(baseline, alpha, gamma):
        total, ends = form.event_terms(baseline, alpha, gamma)
        return total + jnp.sum(jnp.sin(ends + alpha))

    return value


@jax.jit
def everything(form, parameters, background):
    _, alpha, gamma = parameters
    return (
        form.event_terms(*parameters),
        form.event_terms(background, alpha, gamma)[0],
        form.decayed_counts(gamma),
        form.excitation(alpha, gamma),
    )


@jax.jit
def gradients(form, *parameters):
    return jax.grad(terms(form), argnums=(0, 1, 2))(*parameters)


@x64_only
@pytest.mark.parametrize(
    ("name", "decay", "lanes"),
    [(name, "pair", lanes) for name in CASES for lanes in (None, 7)]
    + [("two marks, ties", "source", 7), ("two marks, ties", "shared", 7)]
    + [("two marks, ties", "pair", 1), ("two marks, ties", "pair", 1000)],
)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_double_sums(kind, name, decay, lanes):
    case = Case(name, decay=decay)
    of = (case.times, case.marks, case.sequence)
    rates = reference.intensities(*of, case.mu, case.alpha, case.pair)
    background = case.mu[case.sequence, case.marks]
    form = kind.from_stream(case.stream, np.float64, lanes)
    (total, ends), by_event, counts, excitation = everything(form, case.parameters, background)
    np.testing.assert_allclose(total, np.sum(np.log(rates)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_event, total, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ends, case.ends(), rtol=1e-12)
    np.testing.assert_allclose(counts, reference.counts(*of, case.pair), rtol=1e-12)
    np.testing.assert_allclose(excitation, rates - background, rtol=1e-11, atol=1e-13)


@x64_only
@pytest.mark.parametrize("by", ["sequence", "event"])
@pytest.mark.parametrize("name", ["two marks, ties", "no event", "all at once", "three marks"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_equals_the_plain_twins(kind, name, by):
    case = Case(name)
    baseline = case.mu if by == "sequence" else case.mu[case.sequence, case.marks]
    at = (jnp.asarray(baseline), *case.parameters[1:])
    ours = gradients(kind.from_stream(case.stream, np.float64, 7), *at)
    theirs = gradients(ScanForm.from_stream(case.stream), *at)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), ours, theirs
    )


@x64_only
def test_derivatives_equal_differences():
    case = Case("two marks, ties")
    form = LaneForm.from_stream(case.stream, np.float64, 7)
    check_derivatives(terms(form), case.parameters)
    check_derivatives(lambda *p: jnp.sum(jnp.cos(form.excitation(*p))), case.parameters[1:])


@x64_only
@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives(kind):
    case = Case("two marks, ties")
    form = kind.from_stream(case.stream, np.float64, 7)
    twin = ScanForm.from_stream(case.stream)
    ours, theirs = (
        jax.jit(jax.hessian(terms(f), argnums=(0, 1, 2)))(*case.parameters) for f in (form, twin)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10), ours, theirs)
    # the tangent of the value beside the gradient's
    direction = jax.tree.map(jnp.ones_like, case.parameters)
    both = jax.value_and_grad(terms(form), argnums=(0, 1, 2))
    (_, slopes), (along, _) = jax.jit(lambda p, d: jax.jvp(both, p, d))(case.parameters, direction)
    np.testing.assert_allclose(along, sum(jnp.sum(s) for s in slopes), rtol=1e-12)


@x64_only
@pytest.mark.parametrize("kind", [LaneForm, RegisterForm])
def test_vmap_over_parameters(kind):
    case = Case("two marks, ties")
    form = kind.from_stream(case.stream, np.float64, 7)
    stacked = jax.tree.map(lambda a: jnp.stack([a, 1.1 * a, 0.7 * a]), case.parameters)
    both = jax.jit(jax.value_and_grad(terms(form), argnums=(0, 1, 2)))
    together = jax.jit(jax.vmap(both))(*stacked)
    for k in range(3):
        alone = both(*jax.tree.map(lambda a, k=k: a[k], stacked))
        jax.tree.map(
            lambda a, b, k=k: np.testing.assert_allclose(a[k], b, rtol=1e-12), together, alone
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [LaneForm, RegisterForm])
def test_dtype_in_is_dtype_out(kind, dtype):
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        pytest.skip("64-bit floats are off")
    case = Case("two marks, ties")
    form = kind.from_stream(case.stream, dtype)
    at = jax.tree.map(lambda a: a.astype(dtype), case.parameters)
    background = jnp.ones(case.marks.size, dtype)
    outputs = (everything(form, at, background), gradients(form, *at))
    assert {leaf.dtype for leaf in jax.tree.leaves(outputs)} == {np.dtype(dtype)}


@x64_only
def test_single_precision_of_a_long_stream():
    rng = np.random.default_rng(0)
    n = 200_000
    times = np.cumsum(rng.exponential(1.0, n))
    marks = rng.integers(0, 2, n)
    stream = Stream.from_arrays(
        np.diff(times, prepend=0.0),
        times[-1] - times,
        marks,
        np.zeros(n, int),
        num_marks=2,
        num_sequences=1,
    )
    at = (
        np.array([[0.3, 0.4]]),
        np.array([[0.3, 0.1], [0.2, 0.2]]),
        np.array([[1.0, 2], [0.5, 3]]),
    )
    values = []
    for dtype in (np.float64, np.float32):
        for kind in (LaneForm, RegisterForm):
            form = jax.device_put(kind.from_stream(stream, dtype))
            one = [jnp.asarray(a, dtype) for a in at]
            values.append(jax.jit(lambda f, *p: f.event_terms(*p))(form, *one))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-13), *values[:2])
    for singles in values[2:]:
        for exact, single in zip(values[0], singles, strict=True):
            np.testing.assert_allclose(single, exact, rtol=1e-6)


@x64_only
@pytest.mark.parametrize(
    ("baseline", "expected"), [(0.0, -np.inf), (-1.0, np.nan), (np.nan, np.nan)]
)
def test_intensities_without_a_logarithm(baseline, expected):
    case = Case("two marks")
    form = LaneForm.from_stream(case.stream)
    value = jax.jit(lambda mu: form.event_terms(mu, *case.parameters[1:])[0])
    total = value(jnp.full_like(case.mu, baseline))
    np.testing.assert_equal(float(total), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["one mark", "two marks", "four marks, short"])
def test_a_gpu_gets_the_register_form_as_one_kernel(name, dtype):
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        pytest.skip("64-bit floats are off")
    case = Case(name)
    form = RegisterForm.from_stream(case.stream, dtype)
    at = jax.tree.map(lambda a: a.astype(dtype), case.parameters)
    for wanted in (lambda f, *p: terms(f)(*p), gradients):
        program = jax.jit(wanted).trace(form, *at).lower(lowering_platforms=("cuda",))
        assert program.as_text().count('name = "hawkes_lanes"') == 1
