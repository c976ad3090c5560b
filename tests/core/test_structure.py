"""Structure that is known: fixed values and tied entries, in every model."""

import json

import jax
import numpy as np
import pytest

import hawkesjax as hj

NAN = np.nan


def panel_of(case):
    return hj.EventPanel.from_arrays(
        case["times"], case["marks"], window=case["window"], mark_names=range(6)
    )


def test_a_given_network_with_one_effect(reference_results):
    case = json.loads(reference_results("cases/mask_tied.json").read_text())
    network, want = np.array(case["network"]), case["right"]
    model = hj.Hawkes(
        decay="shared",
        baseline="shared",
        fixed={"alpha": np.where(network > 0, NAN, 0)},
        tied={"alpha": "all", "mu": "all"},
    )
    found = hj.fit(model, panel_of(case))
    assert found.num_parameters == 3
    np.testing.assert_allclose(found.log_likelihood, want["log_likelihood"], rtol=1e-8)
    np.testing.assert_allclose(found.params["mu"], want["mu"], rtol=1e-3)
    np.testing.assert_allclose(found.params["gamma"], want["gamma"], rtol=1e-3)
    np.testing.assert_allclose(found.params["alpha"], want["alpha_on_network"] * network, rtol=1e-3)
    errors = found.standard_errors["alpha"]
    assert np.isnan(errors[network == 0]).all() and len(set(errors[network > 0])) == 1
    assert "Fixed: 24 entries of alpha. Tied: mu, 12 entries of alpha." in found.message


def small(size=60):
    rng = np.random.default_rng(0)
    times, marks = np.sort(rng.uniform(0, 30, size)), rng.integers(0, 2, size)
    return hj.EventPanel.from_arrays(times, marks, window=(0, 30), mark_names=["a", "b"])


def test_fixing_at_the_maximum_changes_nothing_else():
    """With all others at their best, and the error of the rest as from the rest's own curvature."""
    panel = small()
    free = hj.fit(hj.Hawkes(gamma=2.0), panel)
    held = hj.Hawkes(gamma=2.0, fixed={"mu": free.params["mu"]})
    found = hj.fit(held, panel)
    np.testing.assert_allclose(found.log_likelihood, free.log_likelihood, rtol=1e-6)
    assert found.num_parameters == 4 and np.isnan(found.standard_errors["mu"]).all()
    np.testing.assert_array_equal(found.params["mu"], free.params["mu"])


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("off-diagonal", [[NAN, 0, 0], [0, NAN, 0], [0, 0, NAN]]),
        ("symmetric", [[0, 1, 2], [1, 3, 4], [2, 4, 5]]),
    ],
)
def test_kinds_of_ties_are_labels(kind, labels):
    """Also beside fixed entries, which stay out."""
    data = hj.EventPanel.from_arrays(
        np.linspace(1, 29, 40), np.arange(40) % 3, window=(0, 30), mark_names=["a", "b", "c"]
    )
    for known in (np.full((3, 3), NAN), [[NAN, 0.0, NAN], [0.0, NAN, NAN], [NAN, NAN, 0.1]]):
        free = np.where(np.isnan(known), labels, NAN)
        named, labelled = (
            hj.Hawkes(gamma=2.0, fixed={"alpha": known}, tied={"alpha": tied}).structures(data)
            for tied in (kind, free)
        )
        named, labelled = named["alpha"], labelled["alpha"]
        np.testing.assert_array_equal(named.index, labelled.index)
        np.testing.assert_array_equal(named.values, labelled.values)


def test_labels_tie_entries_and_names_stay():
    panel = small()
    model = hj.Hawkes(decay="shared", tied={"alpha": [[0, 1], [1, 0]]})
    found = hj.fit(model, panel)
    alpha = found.params["alpha"]
    assert alpha[0, 0] == alpha[1, 1] and alpha[0, 1] == alpha[1, 0]
    assert found.num_parameters == 5
    swapped = hj.EventPanel.from_arrays(
        panel.times, 1 - panel.marks, window=(0, 30), mark_names=["b", "a"]
    )
    again = hj.fit(model, swapped)
    np.testing.assert_allclose(again.log_likelihood, found.log_likelihood, rtol=1e-8)


def test_a_posterior_holds_what_is_known(tmp_path):
    panel = small()
    model = hj.Hawkes(
        decay="shared", fixed={"alpha": [[NAN, 0], [0.25, NAN]], "gamma": 1.5}, tied={"mu": "all"}
    )
    found = hj.sample(
        model, panel, key=jax.random.key(0), num_chains=2, num_warmup=300, num_samples=500
    )  # fmt: skip
    draws = found.draws()
    assert (draws["alpha"][:, 0, 1] == 0).all() and (draws["alpha"][:, 1, 0] == 0.25).all()
    assert (draws["gamma"] == 1.5).all() and np.ptp(draws["alpha"][:, 0, 0]) > 0
    np.testing.assert_array_equal(draws["mu"][..., 0], draws["mu"][..., 1])
    assert not any("never moved" in line for line in found.problems())
    path = tmp_path / "post.nc"
    found.save(path)
    again = hj.load(path)
    assert again.model == model
    hj.simulate(model, hj.fit(model, panel), window=(0, 10), key=jax.random.key(1))


def test_other_models_take_what_is_known():
    truth = {"beta": [0.5], "tau": 2.0, "r0": 0.0, "phi0": 0.0, "p0_mean": 3e-4, "p0_shape": 2.0}
    model = hj.RetweetHawkes(fixed={"tau": 2.0})
    rng = np.random.default_rng(0)
    followers = np.round(rng.lognormal(6, 1, 200))
    cascades = hj.simulate(
        hj.RetweetHawkes(), truth, window=(0, 96), followers=followers, unit="hour",
        key=jax.random.key(0),
    )  # fmt: skip
    found = hj.fit(model, cascades)
    free = hj.fit(hj.RetweetHawkes(), cascades)
    assert found.params["tau"] == 2.0 and np.isnan(found.standard_errors["tau"])
    assert found.num_parameters == free.num_parameters - 1
    assert found.log_likelihood <= free.log_likelihood + 1e-6


BAD = {
    "no dict": ({"fixed": 3}, "it must be a dict"),
    "unknown": ({"fixed": {"delta": 3}}, "names delta; this model has the parameters mu, alpha"),
    "outside": ({"fixed": {"alpha": [[0, -1], [0, 0]]}}, "holds -1; it must be a number of at"),
    "infinite": ({"fixed": {"mu": np.inf}}, "must be finite"),
    "text": ({"fixed": {"mu": "x"}}, "a number or an array"),
    "a word": ({"tied": {"mu": "every"}}, "'all', 'off-diagonal', 'symmetric', or"),
    "pairs": ({"tied": {"mu": "symmetric"}}, r"for a parameter of pairs; its shape is \(1, 2\)"),
    "fractions": ({"tied": {"alpha": [[0.5, 0], [0, 0]]}}, "whole numbers"),
    "shape": ({"fixed": {"alpha": np.zeros((3, 3))}}, r"shape \(3, 3\).*must be \(2, 2\)"),
    "half fixed": (
        {"fixed": {"alpha": [[0, NAN], [NAN, NAN]]}, "tied": {"alpha": [[1, 1], [2, 2]]}},
        r"ties entries of which some are fixed, as at \(0, 0\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_of_structure(case):
    given, said = BAD[case]
    with pytest.raises(ValueError, match=said):
        hj.fit(hj.Hawkes(**given), small(10))
