"""Laws of the Hawkes model over a table of models and panels."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.infer.util import log_density
from scipy.integrate import quad

import hawkesjax as hj
from tests.derivatives import check_derivatives
from tests.hawkes import reference

DURATION = 10.0
PANELS = {
    "ties, an empty and a one-event sequence": (3, [7, 0, 1, 12]),
    "one mark, one sequence": (1, [15]),
    "one event": (2, [1]),
    "no events": (2, [0, 0]),
}


def panel_of(case, seed=0):
    num_marks, counts = PANELS[case]
    rng = np.random.default_rng(seed)
    times, marks, sequence = reference.random_events(rng, num_marks, counts, DURATION)
    names = [f"s{m}" for m in range(len(counts))]
    panel = hj.EventPanel.from_arrays(
        times,
        marks,
        sequence=sequence,
        window=(0, DURATION),
        mark_names=[f"k{i}" for i in range(num_marks)],
        sequence_names=names,
    )
    return panel, (times, marks, sequence)


def params_of(panel, decay="pair", baseline="sequence", seed=1):
    rng = np.random.default_rng(seed)
    size = panel.num_marks
    shape = {"pair": (size, size), "source": (size,), "shared": ()}[decay]
    rows = (size,) if baseline == "shared" else (panel.num_sequences, size)
    return {
        "mu": rng.uniform(0.1, 1, rows),
        "alpha": rng.uniform(0, 0.9, (size, size)),
        "gamma": rng.uniform(0.3, 3, shape),
    }


def full(params, panel):
    size = panel.num_marks
    mu = np.broadcast_to(params["mu"], (panel.num_sequences, size))
    return mu, params["alpha"], np.broadcast_to(params["gamma"], (size, size))


@pytest.mark.parametrize("case", PANELS)
@pytest.mark.parametrize("decay", ["pair", "source", "shared"])
@pytest.mark.parametrize("compensator", ["exact", "schoenberg"])
def test_equals_the_double_sum(case, decay, compensator):
    panel, events = panel_of(case)
    params = params_of(panel, decay)
    model = hj.Hawkes(decay=decay, compensator=compensator)
    expected = reference.log_likelihood(
        *events, *full(params, panel), panel.duration, compensator == "exact"
    )
    np.testing.assert_allclose(model.log_likelihood(params, panel), expected, rtol=1e-12)


@pytest.mark.parametrize("case", ["ties, an empty and a one-event sequence", "one event"])
@pytest.mark.parametrize("baseline", ["sequence", "shared"])
def test_gradients_and_second_derivatives(case, baseline):
    panel, _ = panel_of(case)
    params = params_of(panel, baseline=baseline)
    model = hj.Hawkes(baseline=baseline)
    check_derivatives(lambda p: model.log_likelihood(p, panel), (params,))


def test_compensator_is_the_integral_of_the_intensity():
    panel, (times, marks, sequence) = panel_of("ties, an empty and a one-event sequence")
    params = params_of(panel)
    mu, alpha, gamma = full(params, panel)
    inside, tails = hj.Hawkes().compensator_increments(params, panel)
    totals = np.zeros((panel.num_sequences, panel.num_marks))
    np.add.at(totals, panel.sequence, np.asarray(inside))
    totals += np.asarray(tails)

    def rate(s, m, i):
        past = (sequence == m) & (times < s)
        j = marks[past]
        terms = alpha[i, j] * gamma[i, j] * np.exp(-gamma[i, j] * (s - times[past]))
        return mu[m, i] + np.sum(terms)

    for m in range(panel.num_sequences):
        knots = np.unique(np.r_[0, times[sequence == m], DURATION])
        for i in range(panel.num_marks):
            parts = [
                quad(rate, a, b, args=(m, i), epsabs=1e-12)[0] for a, b in itertools.pairwise(knots)
            ]
            np.testing.assert_allclose(totals[m, i], np.sum(parts), rtol=1e-9)


@pytest.mark.parametrize("case", PANELS)
@pytest.mark.parametrize("by", ["event", "sequence"])
def test_pointwise_terms_sum_to_the_log_likelihood(case, by):
    panel, _ = panel_of(case)
    params, model = params_of(panel), hj.Hawkes()
    terms = model.pointwise(params, panel, by)
    sizes = {"event": panel.num_events + panel.num_sequences, "sequence": panel.num_sequences}
    assert terms.shape == (sizes[by],)
    np.testing.assert_allclose(
        jnp.sum(terms), model.log_likelihood(params, panel), rtol=1e-12, atol=1e-12
    )


def test_shifting_time_changes_nothing():
    _, (times, marks, sequence) = panel_of("ties, an empty and a one-event sequence")
    values = []
    for shift in (0.0, 1024.0, -4096.0):
        panel = hj.EventPanel.from_arrays(
            times + shift, marks, sequence=sequence, window=(shift, DURATION + shift)
        )
        values.append(float(hj.Hawkes().log_likelihood(params_of(panel), panel)))
    np.testing.assert_allclose(values, values[0], rtol=1e-11)


def test_relabelling_marks_and_sequences_only_permutes():
    panel, (times, marks, sequence) = panel_of("ties, an empty and a one-event sequence")
    params = params_of(panel)
    order, rows = np.array([2, 0, 1]), np.array([3, 1, 0, 2])
    moved = hj.EventPanel.from_arrays(
        times,
        np.argsort(order)[marks],
        sequence=np.argsort(rows)[sequence],
        window=(0, DURATION),
        mark_names=["a", "b", "c"],
        sequence_names=["p", "q", "r", "s"],
    )
    pairs = np.ix_(order, order)
    renamed = {
        "mu": params["mu"][np.ix_(rows, order)],
        "alpha": params["alpha"][pairs],
        "gamma": params["gamma"][pairs],
    }
    model = hj.Hawkes()
    np.testing.assert_allclose(
        model.log_likelihood(renamed, moved), model.log_likelihood(params, panel), rtol=1e-12
    )


def test_a_split_window_loses_just_the_excitation_across_the_cut():
    panel, _ = panel_of("one mark, one sequence")
    params = params_of(panel) | {"alpha": np.zeros((1, 1))}
    model = hj.Hawkes()
    parts = [panel.between(0, 4.05), panel.between(4.05, DURATION)]
    assert [part.num_events for part in parts] != [0, panel.num_events]
    np.testing.assert_allclose(
        sum(model.log_likelihood(params, part) for part in parts),
        model.log_likelihood(params, panel),
        rtol=1e-12,
    )


def test_jit_and_vmap_over_parameters_and_panels():
    model = hj.Hawkes()
    panels = [panel_of("one mark, one sequence", seed)[0] for seed in (0, 1)]
    params = [params_of(panels[0], seed=seed) for seed in (1, 2)]
    expected = [[float(model.log_likelihood(p, d)) for d in panels] for p in params]
    stacked = jax.tree.map(lambda *x: np.stack(x), *params)
    over_params = jax.jit(jax.vmap(model.log_likelihood, (0, None)))(
        stacked, model.prepare(panels[0])
    )
    np.testing.assert_allclose(over_params, [row[0] for row in expected], rtol=1e-12)
    both = jax.tree.map(lambda *x: np.stack(x), *panels)
    over_panels = jax.jit(jax.vmap(model.log_likelihood, (None, 0)))(params[0], both)
    np.testing.assert_allclose(over_panels, expected[0], rtol=1e-12)


def test_float32_in_float32_out():
    panel, _ = panel_of("ties, an empty and a one-event sequence")
    params = params_of(panel)
    model = hj.Hawkes()
    exact = float(model.log_likelihood(params, panel))
    small = {name: np.asarray(value, np.float32) for name, value in params.items()}
    value = model.log_likelihood(small, model.prepare(panel, dtype=np.float32))
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, exact, rtol=1e-5)


def test_fixed_decays_equal_the_same_decays_given():
    panel, _ = panel_of("ties, an empty and a one-event sequence")
    params = params_of(panel)
    fixed = hj.Hawkes(gamma=params["gamma"])
    rest = {name: params[name] for name in ("mu", "alpha")}
    np.testing.assert_allclose(
        fixed.log_likelihood(rest, panel), hj.Hawkes().log_likelihood(params, panel), rtol=1e-12
    )
    check_derivatives(lambda p: fixed.log_likelihood(p, panel), (rest,))


@pytest.mark.parametrize(
    "model",
    [
        hj.Hawkes(),
        hj.Hawkes(priors="o2o", decay="source"),
        hj.Hawkes(baseline="hierarchical", stationary=True),
        hj.Hawkes(baseline="shared", decay="shared"),
        hj.Hawkes(priors={"alpha": dist.Gamma(2.0, 4.0)}, gamma=0.5),
    ],
    ids=lambda model: f"{model.decay}, {model.baseline}",
)
def test_program_adds_priors_to_the_likelihood(model):
    panel, _ = panel_of("ties, an empty and a one-event sequence")
    data = model.prepare(panel)
    sites = model.sites(data)
    assert {name: site.shape() for name, site in sites.items()} == model.shapes(data)
    with numpyro.handlers.seed(rng_seed=0):
        drawn = {name: numpyro.sample(name, site) for name, site in sites.items()}
    joint, _ = log_density(model.program, (data,), {}, drawn)
    prior = sum(float(jnp.sum(site.log_prob(drawn[name]))) for name, site in sites.items())
    np.testing.assert_allclose(joint, prior + model.log_likelihood(drawn, panel), rtol=1e-10)


def test_default_priors_do_not_depend_on_the_unit_of_time():
    _, (times, marks, sequence) = panel_of("ties, an empty and a one-event sequence")
    model, gaps = hj.Hawkes(), []
    for unit in (1.0, 24.0):
        panel = hj.EventPanel.from_arrays(
            times * unit, marks, sequence=sequence, window=(0, DURATION * unit)
        )
        data = model.prepare(panel)
        scaled = params_of(panel)
        scaled |= {name: scaled[name] / unit for name in ("mu", "gamma")}
        sites = model.sites(data)
        density = sum(float(jnp.sum(site.log_prob(scaled[name]))) for name, site in sites.items())
        gaps.append(density - np.log(unit) * (scaled["mu"].size + scaled["gamma"].size))
    np.testing.assert_allclose(gaps[0], gaps[1], rtol=1e-12)


@pytest.mark.parametrize(
    "settings, word",
    [
        ({"decay": "pairs"}, "decay"),
        ({"baseline": "users"}, "baseline"),
        ({"compensator": "none"}, "compensator"),
        ({"form": "fast"}, "form"),
        ({"priors": "flat"}, "priors"),
        ({"priors": {"beta": dist.Normal(0, 1)}}, "beta"),
        ({"gamma": -1.0}, "gamma"),
        ({"gamma": [1.0, np.nan]}, "gamma"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, word):
    with pytest.raises(ValueError, match=word):
        hj.Hawkes(**settings)


def test_bad_shapes_are_refused_by_name():
    panel, _ = panel_of("ties, an empty and a one-event sequence")
    with pytest.raises(ValueError, match="gamma"):
        hj.Hawkes(gamma=[1.0, 2.0]).prepare(panel)
    with pytest.raises(ValueError, match="alpha"):
        model = hj.Hawkes(priors={"alpha": dist.Exponential(jnp.ones(7))})
        model.sites(model.prepare(panel))
    with pytest.raises(ValueError, match="EventPanel"):
        hj.Hawkes().log_likelihood({}, {"times": [1.0]})
