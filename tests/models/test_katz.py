"""Laws of the Katz spike model over a table of links, forms, memories and factors."""

import numpy as np
import pytest

import hawkesjax as hj
from tests import katz_model_reference as reference

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


def case_of(link, form, memory, factor, seed=0, **more):
    network, posts = reference.random_log(np.random.default_rng(seed), weighted=seed % 2 == 1)
    posts[:2] = 0  # silent users
    posts[2, FIT[0]] = 1
    options = {"link": link, "form": form, "memory": memory, "common_factor": factor}
    return network, posts, options


@pytest.mark.parametrize(("link", "form", "memory", "factor"), CASES, ids=IDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_dense_sum_with_free_baselines(link, form, memory, factor, seed):
    network, posts, options = case_of(link, form, memory, factor, seed)
    activity = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike(baseline="free", **options)
    b, alpha = np.random.default_rng(1).uniform(0.01, 0.2, len(network)), 0.02
    expected = reference.user_terms(network, posts, FIT, b, alpha, **options)
    params = {"alpha": alpha, "b": b}
    np.testing.assert_allclose(model.log_likelihood(params, activity), expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(model.pointwise(params, activity), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("link", "form", "memory", "factor"), CASES, ids=IDS)
def test_equals_the_dense_integral(link, form, memory, factor):
    network, posts, options = case_of(link, form, memory, factor)
    activity = reference.activity_of(network, posts, FIT)
    model = hj.KatzSpike(**options)
    params = {"alpha": 0.02, "shape": 2.0, "mean": 0.03}
    expected = reference.integrated_terms(network, posts, FIT, **params, **options)
    found = model.log_likelihood(params, activity)
    accuracy = 1e-7 if link == "clip" else 1e-10
    np.testing.assert_allclose(found, expected.sum(), rtol=accuracy)
    np.testing.assert_allclose(model.pointwise(params, activity), expected, rtol=accuracy)
