"""Certified tops and their bounds against dense linear algebra."""

import numpy as np
import pytest
from scipy import sparse

import hawkesjax as hj
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.steady.ties import gains_in_order, membership, walk_order
from hawkesjax.katz.steady.top import certified_top
from tests.katz import steady_reference as katz_reference
from tests.katz.networks import NETWORKS, a_case, activity_of


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("star", [0.0, 0.4, 0.9])
def test_certified_top_holds_and_bounds_hold(name, star):
    matrix, b = a_case(name, 5, size=40)
    value = katz_reference.radius(matrix)
    found = certified_top(
        sparse.csr_array(matrix), b, star / value, 7, largest=(1 - 1e-12) / value, order=True
    )
    expected = katz_reference.scores(matrix, b, star / value)
    slack = 1e-11 * expected.max()
    assert (found.lower - slack <= expected).all() and (expected <= found.upper + slack).all()
    cut = np.sort(expected)[-7]
    if found.certified:
        inside = np.zeros(len(b), bool)
        inside[found.users] = True
        assert not found.tied.any()
        assert expected[inside].min() > expected[~inside].max()
        assert (np.diff(expected[found.users]) <= slack).all()
    else:  # only ties stay undecided
        assert found.tied.any()
        np.testing.assert_allclose(expected[found.tied], cut, rtol=1e-8)


def test_rank_reports_ties_at_the_cut():
    matrix = np.zeros((5, 5))
    matrix[0, 1] = matrix[1, 0] = 1
    ranking = hj.katz.rank(activity_of(matrix, [3.0, 3, 2, 2, 2]), alpha_star=0.5, top=3)
    assert not ranking.certified and ranking.tied == 3
    assert ranking.table["user"].tolist() == ["0", "1", "2"]
    assert ranking.table["tied"].tolist() == [False, False, True]
    clear = hj.katz.rank(activity_of(matrix, [3.0, 3, 2, 2, 2]), alpha_star=0.5, top=2)
    assert clear.certified and clear.tied == 0


def test_the_whole_network_as_top_is_certain():
    matrix, b = a_case("random", 6, size=8)
    ranking = hj.katz.rank(activity_of(matrix, b), alpha_star=0.5, top=100)
    assert ranking.certified and len(ranking.table) == 8


@pytest.mark.parametrize("top", [1, 4, 6])
def test_ties_are_scored_in_expectation(top):
    scores = np.array([5.0, 5, 3, 3, 3, 1])
    gains = np.array([1.0, 4, 2, 0, 7, 9])
    expected = katz_reference.expected_top(scores, gains, top)
    assert membership(scores, top) @ gains == pytest.approx(expected, abs=0.15)
    assert membership(scores, top).sum() == pytest.approx(top)
    assert gains_in_order(scores, gains, top).sum() == pytest.approx(
        membership(scores, top) @ gains
    )


def test_small_alpha_ranks_as_the_walk_order():
    matrix, b = a_case("random", 7, size=30)
    small = katz_reference.scores(matrix, b, 1e-3 / katz_reference.radius(matrix))
    order = walk_order(sparse.csr_array(matrix), b)
    assert (np.diff(small[order]) <= 1e-12 * small.max()).all()


def test_higgs_is_certified_within_20_products(real_data):
    activity = hj.read_messages(
        real_data("higgs2012") / "events.csv.gz",
        kind="kind",
        bin=60,
        unit="second",
        usual=(0, 4320 * 60),
        spike="detect",
    )
    assert hj.katz.radius(activity).value == pytest.approx(2.786607366762393, rel=1e-9)
    ranking = hj.katz.rank(activity, alpha_star=0.6, top=100)
    assert ranking.certified and ranking.products <= 20
    scores = hj.katz.solve(activity, alpha_star=0.6, tolerance=1e-13)
    assert set(np.argsort(-scores)[:100]) == set(
        activity.user_names.positions(ranking.table["user"])
    )


@pytest.mark.parametrize("star", [0.99, 0.995, 0.99999])
def test_scores_near_the_limit_are_scores(star):
    rng = np.random.default_rng(0)
    matrix = sparse.csr_array(sparse.random_array((800, 800), density=0.006, rng=rng) > 0) * 1.0
    b = rng.poisson(1.0, 800).astype(float)
    value = radius_bounds(matrix)
    alpha = star / value.value
    found = certified_top(matrix, b, alpha, 20, largest=1 / value.upper)
    expected = katz_reference.scores(matrix.toarray(), b, alpha)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-3)
    assert (found.lower <= expected).all() and (expected <= found.upper).all()


def test_a_tie_at_the_cut_ends_early_and_its_bounds_hold():
    rng = np.random.default_rng(1)
    half = (rng.random((150, 150)) < 0.03) * 1.0
    matrix = sparse.csr_array(np.kron(np.eye(2), half))  # each user has a twin of the same score
    b = np.tile(rng.poisson(2.0, 150).astype(float), 2)
    value = radius_bounds(matrix)
    alpha = 0.6 / value.value
    found = certified_top(matrix, b, alpha, 7, largest=1 / value.upper)
    expected = katz_reference.scores(matrix.toarray(), b, alpha)
    assert not found.certified and found.tied.sum() == 2
    assert found.products < 100
    slack = 1e-13 * expected.max()  # of the dense solve
    assert (found.lower - slack <= expected).all() and (expected <= found.upper + slack).all()
    assert (found.upper - found.lower >= 1e-16 * found.scores).all()


@pytest.mark.parametrize("top", ["x", 0, 1.5, True, np.nan])
def test_a_top_that_is_no_number_of_users_is_refused(top):
    activity = activity_of(np.ones((3, 3)), 1.0)
    for call in (hj.katz.rank, hj.katz.sweep):
        with pytest.raises(ValueError, match=r"top is .*whole number of at least 1"):
            call(activity, top=top, alpha_star=0.5)
