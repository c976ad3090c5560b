"""Laws of the Katz spike model over a table of links, forms, memories and factors."""

import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

import hawkesjax as hj
from hawkesjax.katz.counts import count_spikes
from hawkesjax.katz.grid import gamma_grid, nodes_needed
from hawkesjax.katz.heard import Senders, heard_at, heard_everywhere, heard_in_all
from hawkesjax.katz.law import CircularityWarning, SaturationWarning
from tests.derivatives import check_derivatives
from tests.katz import model_reference as reference

FIT = (8, 25)
FACTOR = tuple(np.linspace(0.5, 2, FIT[1] - FIT[0]))
CASES = [
    ("hazard", "additive", 0.0, None),
    ("hazard", "additive", 0.6, None),
    ("hazard", "additive", 0.0, FACTOR),
    ("hazard", "multiplicative", 0.0, None),
    ("hazard", "multiplicative", 0.4, "volume"),
    ("poisson", "additive", 0.0, None),
    ("poisson", "additive", 0.3, FACTOR),
    ("poisson", "multiplicative", 0.0, "volume"),
    ("clip", "additive", 0.0, None),
    ("clip", "multiplicative", 0.0, FACTOR),
    ("clip", "additive", 0.5, FACTOR),
]
IDS = [f"{a}-{b}-memory {c}-factor {type(d).__name__}" for a, b, c, d in CASES]
PARAMS = {"alpha": 0.02, "shape": 2.0, "mean": 0.03}


def case_of(link, form, memory, factor, seed=0):
    network, posts = reference.random_log(np.random.default_rng(seed), weighted=seed % 2 == 1)
    posts[:2] = 0  # silent users
    posts[2, FIT[0]] = 1
    options = {"link": link, "form": form, "memory": memory, "common_factor": factor}
    return network, posts, options


@pytest.mark.parametrize(("link", "form", "memory", "factor"), CASES, ids=IDS)
def test_equals_the_dense_sum_with_free_baselines(link, form, memory, factor):
    network, posts, options = case_of(link, form, memory, factor, seed=1)
    activity = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike(baseline="free", **options)
    b, alpha = np.random.default_rng(1).uniform(0.01, 0.2, len(network)), 0.02
    expected = reference.user_terms(network, posts, FIT, b, alpha, **options)
    found = model.pointwise({"alpha": alpha, "b": b}, activity)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    total = model.log_likelihood({"alpha": alpha, "b": b}, activity)
    np.testing.assert_allclose(total, expected.sum(), rtol=1e-12)


@pytest.mark.parametrize(("link", "form", "memory", "factor"), CASES, ids=IDS)
def test_equals_the_dense_integral(link, form, memory, factor):
    network, posts, options = case_of(link, form, memory, factor)
    activity = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike(**options)
    expected = reference.integrated_terms(network, posts, FIT, **PARAMS, **options)
    # Where a silent bin bounds a baseline, the trapezoids end in the middle of the density.
    accuracy = 1e-7 if link == "clip" else 1e-10
    np.testing.assert_allclose(model.pointwise(PARAMS, activity), expected, rtol=accuracy)
    total = model.log_likelihood(PARAMS, activity)
    np.testing.assert_allclose(total, expected.sum(), rtol=accuracy)


@pytest.mark.parametrize("model", [hj.KatzSpike(), hj.KatzSpike(form="multiplicative")])
def test_gradients_and_second_derivatives(model):
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    prepared = model.prepare(reference.activity_of(network, posts, FIT))
    logs = {name: np.log(value) for name, value in PARAMS.items()}
    check_derivatives(lambda p: model.log_likelihood(jax.tree.map(jnp.exp, p), prepared), (logs,))


def test_single_precision_is_close_to_double():
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike()
    single = model.prepare(activity, dtype=np.float32)
    params = {name: jnp.asarray(value, jnp.float32) for name, value in PARAMS.items()}
    found = model.log_likelihood(params, single)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, model.log_likelihood(PARAMS, activity), rtol=2e-6)


def test_no_influence_and_poisson_have_a_closed_form():
    network, posts, _ = case_of("poisson", "additive", 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    shape, mean, bins = 0.7, 0.2, FIT[1] - FIT[0]
    n = posts[:, FIT[0] : FIT[1]].sum(axis=1)
    rate = shape / mean
    expected = shape * np.log(rate) - gammaln(shape) + gammaln(shape + n)
    expected -= (shape + n) * np.log(rate + bins)
    expected -= gammaln(posts[:, FIT[0] : FIT[1]] + 1).sum(axis=1)
    params = {"alpha": 0.0, "shape": shape, "mean": mean}
    for form in ("additive", "multiplicative"):
        found = hj.KatzSpike(link="poisson", form=form).pointwise(params, activity)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_relabelling_users_permutes_their_terms():
    network, posts, options = case_of("hazard", "additive", 0.0, None)
    order = np.random.default_rng(4).permutation(len(network))
    model = hj.KatzSpike(**options)
    terms = model.pointwise(PARAMS, reference.activity_of(network, posts, FIT))
    moved = reference.activity_of(network[np.ix_(order, order)], posts[order], FIT)
    np.testing.assert_allclose(model.pointwise(PARAMS, moved), np.asarray(terms)[order], rtol=1e-12)


@pytest.mark.parametrize("low", [0.02, 0.3, 1.0, 5.0, 40.0, 1000.0])
def test_the_grid_integrates_gamma_densities(low):
    """Also those of the largest shape that it was made for."""
    high = 1.3 * low + 2
    nodes = int(nodes_needed(np.array([low]), np.array([high]))[0])
    for own in (low, high):
        log_y, log_weight = gamma_grid(jnp.array([low]), jnp.array([high]), nodes)
        total = jax.nn.logsumexp(own * log_y - jnp.exp(log_y) + log_weight)
        np.testing.assert_allclose(total, gammaln(own), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("memory", [0.0, 0.7])
def test_what_is_heard_equals_the_recursion(memory):
    network, posts = reference.random_log(np.random.default_rng(5), weighted=True)
    expected = reference.heard(network, posts.astype(float), memory)
    activity = reference.activity_of(network, posts, FIT)
    bins, users = np.nonzero(posts.T)
    senders = Senders.from_pairs(users, bins, posts[users, bins], memory=memory)
    user, bin = np.divmod(np.arange(posts.size), posts.shape[1])
    later = bin > 0
    found = heard_at(activity.matrix, senders, user[later], bin[later] - 1)
    np.testing.assert_allclose(found, expected[user[later], bin[later]], rtol=1e-12)
    weight = np.zeros(posts.shape[1])
    weight[:-1] = np.linspace(1, 2, posts.shape[1] - 1)
    sums = heard_in_all(activity.matrix, senders, weight)
    np.testing.assert_allclose(sums, expected[:, 1:] @ weight[:-1], rtol=1e-12)
    i, k, r = heard_everywhere(activity.matrix, senders, 3, 20)
    dense = np.zeros(posts.shape)
    dense[i, k + 1] = r
    np.testing.assert_allclose(dense[:, 4:21], expected[:, 4:21], rtol=1e-12)


def test_users_of_one_kind_are_counted_once():
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    many = np.kron(np.eye(50), network)
    activity = reference.activity_of(many, np.tile(posts, (50, 1)), FIT)
    one = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike()
    prepared, single = model.prepare(activity), model.prepare(one)
    assert [b.nodes for b in prepared.blocks] == [b.nodes for b in single.blocks]
    assert prepared.blocks[0].term_cell.shape == single.blocks[0].term_cell.shape
    total = 50 * model.log_likelihood(PARAMS, single)
    np.testing.assert_allclose(model.log_likelihood(PARAMS, prepared), total, rtol=1e-12)


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_activity_that_is_filled_up_says_the_same(form):
    model = hj.KatzSpike(form=form)
    network, posts, _ = case_of("hazard", form, 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    plain = model.prepare(activity)
    least = {place: size + 9 for place, size in plain.sizes.items()}
    least[128, "terms"] = 40  # a block that these data do not have
    filled = model.prepare(activity, least=least)
    assert all(filled.sizes[place] >= size for place, size in least.items())
    again = model.prepare(activity, least=filled.sizes)
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(made)] for made in (filled, again)]
    assert shapes[0] == shapes[1]
    assert jax.tree.structure(filled) == jax.tree.structure(again)
    total = model.log_likelihood(PARAMS, plain)
    np.testing.assert_allclose(model.log_likelihood(PARAMS, filled), total, rtol=1e-12)
    with pytest.raises(ValueError, match="has no groups that can be filled up"):
        replace(model, baseline="free").prepare(activity, least=least)


def test_nearly_as_many_users_share_a_compilation():
    """What is prepared has the same shapes and nothing static that differs, and the priors still
    know how many users there are."""
    model, found = hj.KatzSpike(), []
    for users in (60, 57):
        network, posts = reference.random_log(np.random.default_rng(5), users, edges=0.03)
        made = model.prepare(reference.activity_of(network, posts, FIT))
        found.append(made)
        rate = made.events / (users * made.exposure)
        np.testing.assert_allclose(made.rate, rate, rtol=1e-6)
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(made)] for made in found]
    assert shapes[0] == shapes[1]
    assert jax.tree.structure(found[0]) == jax.tree.structure(found[1])


def test_counts_do_not_depend_on_silent_bins():
    """The sums of the hazard link equal those over all bins."""
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    counts = count_spikes(
        reference.activity_of(network, posts, FIT), link="hazard", form="additive"
    )
    heard = reference.heard(network, (posts > 0).astype(float), 0.0)[:, FIT[0] : FIT[1]]
    np.testing.assert_allclose(counts.heard_in_all, heard.sum(axis=1))
    np.testing.assert_allclose(counts.events_by_user, (posts[:, FIT[0] : FIT[1]] > 0).sum(axis=1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"link": "logit"}, "link is 'logit'"),
        ({"form": "both"}, "form is 'both'"),
        ({"memory": 1.0}, "memory is 1.0"),
        ({"common_factor": "size"}, "common_factor is 'size'"),
        ({"common_factor": [1.0, -1.0]}, "at least 0"),
        ({"priors": {"b": None}}, "does not sample"),
        ({"priors": "wide"}, "priors is 'wide'"),
    ],
)
def test_unknown_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        hj.KatzSpike(**settings)


def test_data_that_cannot_be_fitted_are_refused():
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    bare = hj.Activity.from_matrix(network, np.ones(len(network)))
    with pytest.raises(ValueError, match="no log of activity"):
        hj.KatzSpike().prepare(bare)
    with pytest.raises(ValueError, match="no bin that has another before it"):
        hj.KatzSpike().prepare(reference.activity_of(network, posts, (0, 1)))
    with pytest.raises(ValueError, match="must be an Activity"):
        hj.fit(hj.KatzSpike(), pd.DataFrame())
    with pytest.raises(ValueError, match="3 numbers, the fit 17 bins"):
        hj.KatzSpike(common_factor=[1.0, 2.0, 3.0]).prepare(activity)
    silent = np.zeros(FIT[1] - FIT[0])
    silent[0] = 1
    with pytest.raises(ValueError, match="common factor is 0"):
        hj.KatzSpike(common_factor=silent, form="multiplicative").prepare(activity)


def test_a_table_of_silent_bins_beyond_memory_is_refused(monkeypatch):
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    monkeypatch.setattr("hawkesjax.katz.counts.MOST", len(network))
    hj.KatzSpike(link="clip").prepare(activity)
    with pytest.raises(ValueError, match="values of the common factor, more than"):
        hj.KatzSpike(link="clip", common_factor="volume").prepare(activity)


def test_circularity_and_saturation_are_warned():
    network, posts, _ = case_of("hazard", "additive", 0.0, None)
    activity = reference.activity_of(network, posts, FIT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hj.KatzSpike().check(activity)
    with pytest.warns(CircularityWarning, match="2 of the 17 bins"):
        hj.KatzSpike().check(replace(activity, network=(0, 10)))
    posts[3, FIT[0] :] = 1
    busy = reference.activity_of(network, posts, FIT)
    with pytest.warns(SaturationWarning, match="User u3 is active in 100 %"):
        hj.KatzSpike().check(busy)


def test_a_network_without_cycles_has_no_alpha_star():
    chain = np.diag(np.ones(4), -1)
    posts = np.ones((5, 25), int) * (np.arange(25) % 3 == 0)
    prepared = hj.KatzSpike().prepare(reference.activity_of(chain, posts, FIT))
    assert prepared.acyclic
    assert hj.KatzSpike().derived(PARAMS, prepared) == {}
    assert np.isfinite(hj.KatzSpike().log_likelihood(PARAMS, prepared))
