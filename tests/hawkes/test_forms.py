"""Laws that every form of the decayed counts obeys; the plain one-event-a-step scan is the twin."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.hawkes.compensator import excitation_increments
from hawkesjax.hawkes.counts.choose import choose_form
from hawkesjax.hawkes.counts.even import EvenForm
from hawkesjax.hawkes.counts.fixed import FixedForm
from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.pairs import PairForm
from hawkesjax.hawkes.counts.scan import ScanForm
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.perron import spectral_radius
from tests.derivatives import check_derivatives
from tests.hawkes import reference

DURATION = 10.0
FORMS = {"scan": ScanForm, "lanes": LaneForm, "even": EvenForm, "pairs": PairForm}
CASES = {
    "ties, empty and one-event sequences": (3, [7, 0, 1, 12]),
    "one mark": (1, [40]),
    "a mark without events, five marks": (5, [30]),
    "one event": (2, [1]),
    "no events": (2, [0]),
}


def events_of(case, seed=0):
    num_marks, counts = CASES[case]
    rng = np.random.default_rng(seed)
    times, marks, sequence = reference.random_events(rng, num_marks, counts, DURATION)
    if "without" in case:
        marks[marks == 2] = 0
    return times, marks, sequence


def stream_of(case, seed=0):
    times, marks, sequence = events_of(case, seed)
    gaps = np.diff(times, prepend=0.0)
    first = np.r_[True, sequence[1:] != sequence[:-1]][: len(times)]
    gaps[first] = times[first]
    num_marks, counts = CASES[case]
    return Stream.from_arrays(
        gaps, DURATION - times, marks, sequence, num_marks=num_marks, num_sequences=len(counts)
    )


def params_of(case, decay="pair", seed=1):
    num_marks, counts = CASES[case]
    rng = np.random.default_rng(seed)
    shape = {"pair": (num_marks, num_marks), "source": (num_marks,), "shared": ()}[decay]
    return (
        rng.uniform(0.1, 1, (len(counts), num_marks)),
        rng.uniform(0, 0.9, (num_marks, num_marks)),
        rng.uniform(0.3, 3, shape),
    )


def expected_of(case, mu, alpha, gamma):
    num_marks, _ = CASES[case]
    pair = np.broadcast_to(gamma, (num_marks, num_marks))
    times, marks, sequence = events_of(case)
    rates = reference.intensities(times, marks, sequence, mu, alpha, pair)
    ends = np.zeros((num_marks, num_marks))
    for t, j in zip(times, marks, strict=True):
        ends[:, j] += np.exp(-pair[:, j] * (DURATION - t))
    counts = reference.counts(times, marks, sequence, pair)
    return counts, rates, np.sum(np.log(rates)), ends


def summed(form, mu, alpha, gamma):
    total, ends = form.event_terms(mu, alpha, gamma)
    return total + jnp.sum(jnp.cos(1 + jnp.arange(ends.size)).reshape(ends.shape) * ends)


@jax.jit  # one program for all: op by op, they are some thirty
def quantities(form, stream, mu, alpha, gamma):
    baseline = mu[stream.sequence, stream.marks]
    return {
        "counts": form.decayed_counts(gamma),
        "rates": form.excitation(alpha, gamma) + baseline,
        "terms": form.event_terms(mu, alpha, gamma),
        "terms by event": form.event_terms(baseline, alpha, gamma),
    }


@pytest.mark.parametrize("decay", ["pair", "source", "shared"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FORMS)
def test_equals_the_double_sum(name, case, decay):
    form = FORMS[name].from_stream(stream_of(case), np.float64)
    mu, alpha, gamma = params_of(case, decay)
    counts, rates, total, ends = expected_of(case, mu, alpha, gamma)
    found = quantities(form, stream_of(case), mu, alpha, gamma)
    expected = {"counts": counts, "rates": rates, "terms": (total, ends)}
    expected["terms by event"] = expected["terms"]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13), found, expected
    )


@pytest.mark.parametrize("decay", ["pair", "source"])
@pytest.mark.parametrize("name", FORMS)
def test_derivatives(name, decay):
    case = "ties, empty and one-event sequences"
    form = FORMS[name].from_stream(stream_of(case), np.float64)
    check_derivatives(lambda *p: summed(form, *p), params_of(case, decay))


@pytest.mark.parametrize("name", ["lanes", "even", "pairs"])
@pytest.mark.parametrize("case", ["one mark", "a mark without events, five marks"])
def test_gradient_and_hessian_equal_the_plain_twins(name, case):
    mu, alpha, gamma = params_of(case)
    forms = [FORMS[key].from_stream(stream_of(case), np.float64) for key in ("scan", name)]

    def derivatives(form):
        def value(packed):
            return summed(form, *packed)

        return jax.jit(lambda packed: (jax.grad(value)(packed), jax.hessian(value)(packed)))(
            (mu, alpha, gamma)
        )

    expected, found = (derivatives(form) for form in forms)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-11), expected, found
    )


@pytest.mark.parametrize("name", FORMS)
def test_jit_vmap_and_float32(name):
    case = "ties, empty and one-event sequences"
    form = FORMS[name].from_stream(stream_of(case), np.float64)
    params = [params_of(case, seed=seed) for seed in (1, 2)]
    stacked = jax.tree.map(lambda *x: np.stack(x), *params)
    both = jax.jit(jax.vmap(lambda f, p: summed(f, *p), (None, 0)))(form, stacked)
    one = jax.jit(summed)
    np.testing.assert_allclose(both, [one(form, *p) for p in params], rtol=1e-12)
    small = FORMS[name].from_stream(stream_of(case), np.float32)
    terms = jax.jit(lambda form, *p: form.event_terms(*p))
    value, ends = terms(small, *params[0])
    assert value.dtype == ends.dtype == np.float32
    np.testing.assert_allclose(value, terms(form, *params[0])[0], rtol=1e-5)


def test_fixed_decays_equal_the_same_decays_given():
    for case in CASES:
        stream = stream_of(case)
        mu, alpha, gamma = params_of(case)
        fixed = choose_form(stream, dtype=np.float64, gamma=gamma)
        assert isinstance(fixed, FixedForm)
        learned = choose_form(stream, dtype=np.float64)
        terms = jax.jit(lambda form, *p: form.event_terms(*p))
        for a, b in zip(
            terms(fixed, mu, alpha, gamma), terms(learned, mu, alpha, gamma), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_increments_add_up_to_the_excitation_until_the_end():
    case = "ties, empty and one-event sequences"
    stream = stream_of(case)
    _, alpha, gamma = params_of(case)
    inside, tails = excitation_increments(stream, alpha, gamma)
    _, _, _, ends = expected_of(case, np.ones((4, 3)), alpha, gamma)
    counts = np.bincount(stream.marks, minlength=3)
    np.testing.assert_allclose(
        inside.sum(0) + tails.sum(0), np.sum(alpha * (counts - ends), axis=1), rtol=1e-12
    )


@pytest.mark.parametrize("size", [1, 2, 20])
def test_spectral_radius_and_its_gradient(size):
    matrix = np.random.default_rng(0).uniform(0, 1, (size, size))
    expected = np.abs(np.linalg.eigvals(matrix)).max()
    np.testing.assert_allclose(spectral_radius(matrix), expected, rtol=1e-12)
    check_derivatives(spectral_radius, (matrix,))


@pytest.mark.parametrize(
    "matrix, radius", [(np.zeros((2, 2)), 0), ([[0, 1.0], [0, 0]], 0), ([[0, 2.0], [2.0, 0]], 2)]
)
def test_spectral_radius_of_degenerate_matrices(matrix, radius):
    np.testing.assert_allclose(spectral_radius(jnp.asarray(matrix)), radius, atol=1e-9)


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="lanes"):
        choose_form(stream_of("one mark"), form="fast")


def test_the_kernel_of_a_gpu_says_where_it_does_not_belong():
    model = hj.Hawkes(form="registers")
    marks = list("abcde")
    many = hj.EventPanel.from_arrays([1.0, 2.0], ["a", "b"], window=(0, 3), mark_names=marks)
    with pytest.raises(ValueError, match="at most 4 marks, and the panel has 5"):
        model.prepare(many)
    times = np.arange(1, 10_002.0)
    panel = hj.EventPanel.from_arrays(times, np.zeros(times.size, int), window=(0, times[-1]))
    with pytest.warns(UserWarning, match="on a CPU it is interpreted"):
        model.prepare(panel)
    short = hj.EventPanel.from_arrays([1.0, 2.0], [0, 0], window=(0, 3))
    with pytest.raises(ValueError, match="laid out for one device alone"):
        hj.fit(model, short, mesh=hj.make_mesh(2))
