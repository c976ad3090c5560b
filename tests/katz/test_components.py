"""A radius that comes from where nobody posts: said in words, and alpha* by component."""

import warnings

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.katz import steady_reference as katz_reference
from tests.katz.networks import activity_of
from tests.refusals import refused


def people_and_farm(hears=False, farm=40, posts=0.0, tail=False):
    """Two people who listen to each other, a farm of accounts that all do, and one who hears."""
    people, loud = np.array([[0.0, 3], [3, 0]]), 1 - np.eye(farm)
    size = 2 + farm + tail
    matrix = np.zeros((size, size))
    matrix[:2, :2], matrix[2 : 2 + farm, 2 : 2 + farm] = people, loud
    matrix[2, 0] = hears
    if tail:
        matrix[-1, 0] = 1
    b = np.append([2.0, 1.0], np.full(farm, posts))
    return matrix, np.append(b, [1.0] * tail)


@pytest.mark.parametrize("hears", [False, True])
@pytest.mark.parametrize("posts", [0.0, 0.01])
def test_a_radius_from_elsewhere_is_said_by_name_and_size(hears, posts):
    activity = activity_of(*people_and_farm(hears, posts=posts))
    assert hj.katz.radius(activity).users.tolist() == list(range(2, 42))
    words = (
        r"radius, 39, is that of 40 users .*\('2', '3', '4', \.\.\. \(40 in all\)\).*the 2 users "
        r"who hold the activity .* is 3, so that alpha_star 0\.4 is 0\.03077 there"
    )
    with pytest.warns(hj.katz.KatzWarning, match=words):
        hj.katz.rank(activity, alpha_star=0.4)


def test_nothing_is_said_where_the_activity_is():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hj.katz.rank(activity_of(*people_and_farm(posts=1.0)), alpha_star=0.4)
        hj.katz.rank(activity_of(*people_and_farm()), alpha=0.01)  # of alpha itself
        hj.katz.rank(activity_of(*people_and_farm()), alpha_star=0.0)
        hj.katz.rank(activity_of(*people_and_farm(farm=3)), alpha_star=0.4)  # the smaller radius


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_alpha_star_by_component_equals_a_dense_solve(form):
    matrix, b = people_and_farm(hears=True, posts=0.01, tail=True)
    if form == "multiplicative":  # fewer posts than people make set the radius of diag(b) A
        b[:2], b[2:42], matrix[:2, :2] = (200, 100), 0.5, matrix[:2, :2] / 300
    activity = activity_of(matrix, b)
    scaled = matrix if form == "additive" else b[:, None] * matrix
    inside, farm = (katz_reference.radius(scaled[part, part]) for part in (slice(2), slice(2, 42)))
    assert farm > inside
    alphas = np.append([0.4 / inside] * 2, [0.4 / farm] * 40 + [0.4 / inside])
    expected = np.linalg.solve(np.eye(43) - alphas[:, None] * scaled, b)
    by = hj.katz.by_component(activity, form=form)
    assert hj.katz.radius(by, form=form).value == pytest.approx(inside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = hj.katz.solve(by, alpha_star=0.4, form=form)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_a_network_whose_activity_sets_the_radius_stays_as_it_is():
    activity = activity_of(*people_and_farm(posts=1.0))
    assert hj.katz.by_component(activity) is activity


def test_without_posts_in_a_cycle_there_is_no_component_to_take():
    matrix, b = people_and_farm()
    b[:] = 0
    with refused("no component holds the activity|alpha="):
        hj.katz.by_component(activity_of(matrix, b))
    chain = np.tril(np.ones((3, 3)), -1)
    with refused("no component holds the activity"):
        hj.katz.by_component(activity_of(chain, np.ones(3)))
    matrix[:2, :2] = 0
    with pytest.warns(hj.katz.KatzWarning, match="alpha_star means nothing to them"):
        hj.katz.rank(activity_of(matrix, np.append([2.0, 1.0], np.zeros(40))), alpha_star=0.4)


def test_the_component_that_sets_the_radius_is_found_in_every_layout():
    rng = np.random.default_rng(0)
    for size in (5, 30, 200):
        order = rng.permutation(size + 12)
        matrix = np.zeros((size + 12, size + 12))
        matrix[:size, :size] = np.roll(np.eye(size), 1, axis=1)  # a large component of radius 1
        matrix[size:, size:] = 1 - np.eye(12)
        matrix[0, size] = 1
        moved = matrix[order][:, order]
        users = hj.katz.radius(activity_of(moved, 1.0)).users
        assert users.tolist() == sorted(np.flatnonzero(order >= size))


def test_radii_of_many_components():
    """Pairs of every weight, one of them active: no pair is left louder than it."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(1, 9, 30)
    matrix = np.zeros((60, 60))
    for pair, weight in enumerate(weights):
        matrix[2 * pair, 2 * pair + 1] = matrix[2 * pair + 1, 2 * pair] = weight
    b = np.zeros(60)
    b[8] = 5
    by = hj.katz.by_component(activity_of(matrix, b)).matrix.toarray()
    left = pd.Series([by[2 * pair, 2 * pair + 1] for pair in range(30)])
    np.testing.assert_allclose(left, np.minimum(weights, weights[4]), rtol=1e-8)
