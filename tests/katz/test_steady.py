"""Steady states, radii and certified tops against dense linear algebra."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import sparse

import hawkesjax as hj
from hawkesjax.katz.steady.krylov import krylov_sweep
from hawkesjax.katz.steady.radius import radius_bounds
from hawkesjax.katz.steady.ties import gains_in_order, membership, walk_order
from hawkesjax.katz.steady.top import certified_top
from tests.katz import steady_reference as katz_reference

STARS = np.array([0.0, 0.2, 0.5, 0.8, 0.95])


def random(rng, size, density=0.15):
    return (rng.random((size, size)) < density) * 1.0


def cycle(rng, size):
    return np.roll(np.eye(size), 1, axis=1) * (0.1 + rng.random(size))


def bipartite(rng, size):
    matrix = random(rng, size, 0.4)
    half = size // 2
    matrix[:half, :half] = matrix[half:, half:] = 0
    return matrix


def two_parts(rng, size):
    """Two cycles with a chord that only one direction joins: reducible, periodic, tied radii."""
    one = np.roll(np.eye(size), 1, axis=1)
    one[0, size // 2] += 1
    matrix = np.kron(np.eye(2), one)
    matrix[0, -1] += 0.5
    return matrix


def weighted(rng, size):
    return random(rng, size) * rng.integers(1, 6, (size, size))


def hub(rng, size):
    matrix = np.zeros((size, size))
    matrix[0, 1:] = matrix[1:, 0] = 1
    return matrix


NETWORKS = {f.__name__: f for f in (random, cycle, bipartite, two_parts, weighted, hub)}


def a_case(name, seed, size=24):
    rng = np.random.default_rng([seed, len(name)])
    matrix = NETWORKS[name](rng, size)
    return matrix, rng.poisson(2.0, len(matrix)).astype(float)


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("seed", range(4))
def test_radius_lies_between_its_bounds(name, seed):
    matrix, _ = a_case(name, seed, size=5 + 9 * seed)
    found = radius_bounds(sparse.csr_array(matrix))
    expected = katz_reference.radius(matrix)
    slack = 1e-9 * (1 + expected)
    assert found.lower - slack <= expected <= found.upper + slack
    assert found.upper - found.lower <= 1.1e-9 * found.upper
    assert found.acyclic == (expected == 0)


@pytest.mark.parametrize("size", [1, 2, 30])
def test_a_network_without_cycles_has_radius_zero_exactly(size):
    rng = np.random.default_rng(size)
    order = rng.permutation(size)
    matrix = np.tril(random(rng, size, 0.4), -1)[np.ix_(order, order)]
    found = radius_bounds(sparse.csr_array(matrix))
    assert found.acyclic and found.value == found.lower == found.upper == 0


def test_one_self_loop_is_a_cycle():
    found = radius_bounds(sparse.csr_array(np.array([[0, 1.0], [0, 0.5]])))
    assert found.value == pytest.approx(0.5, rel=1e-12) and found.components == 1


def test_a_long_thin_cycle_is_solved():
    size = 20_000
    rows = np.append(np.arange(size), 0)
    columns = np.append((np.arange(size) + 1) % size, size // 2)
    found = radius_bounds(sparse.csr_array((np.ones(size + 1), (rows, columns))))
    assert found.upper - found.lower < 1e-9
    # x^size = 1 + x^(size / 2): two walks back to user 0
    assert found.value**size == pytest.approx(1 + found.value ** (size // 2), rel=1e-4)


def test_a_long_path_is_solved():
    size = 3_000
    place = np.arange(size - 1)
    edges = np.append(place, place + 1), np.append(place + 1, place)
    found = radius_bounds(sparse.csr_array((np.ones(2 * size - 2), edges)))
    assert found.upper - found.lower < 1.1e-9 * found.upper
    assert found.value == pytest.approx(2 * np.cos(np.pi / (size + 1)), rel=1e-9)


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("seed", range(2))
def test_all_alphas_at_once_equal_direct_solves(name, seed):
    matrix, b = a_case(name, seed)
    alphas = STARS / katz_reference.radius(matrix)
    found = krylov_sweep(sparse.csr_array(matrix), b, alphas, tolerance=1e-11)
    for alpha, row, left in zip(alphas, found.scores, found.residuals, strict=True):
        expected = katz_reference.scores(matrix, b, alpha)
        np.testing.assert_allclose(row, expected, rtol=1e-7, atol=1e-8 * expected.max())
        true = np.linalg.norm(b - row + alpha * matrix @ row) / np.linalg.norm(b)
        assert true <= max(1.01 * left, 1e-13) and left <= 1e-11


def test_restarts_reach_the_tolerance():
    matrix, b = a_case("random", 1, size=200)
    alphas = STARS / katz_reference.radius(matrix)
    found = krylov_sweep(sparse.csr_array(matrix), b, alphas, tolerance=1e-10, memory=6 * b.nbytes)
    assert found.products > 8
    for alpha, row in zip(alphas, found.scores, strict=True):
        np.testing.assert_allclose(row, katz_reference.scores(matrix, b, alpha), rtol=1e-7)


def test_weights_beyond_single_precision_change_nothing():
    matrix, b = a_case("random", 1, size=200)
    alphas = STARS / katz_reference.radius(matrix)
    usual = krylov_sweep(sparse.csr_array(matrix), b, alphas, tolerance=1e-8)
    large = krylov_sweep(sparse.csr_array(matrix * 2.0**140), b, alphas / 2.0**140, tolerance=1e-8)
    assert large.residuals.max() <= 1e-8 and large.products > usual.products  # done again
    np.testing.assert_allclose(large.scores, usual.scores, rtol=1e-6)


def test_the_sweep_takes_no_more_products_than_its_hardest_alpha():
    matrix, b = a_case("random", 2, size=150)
    value = katz_reference.radius(matrix)
    network = sparse.csr_array(matrix)
    whole = krylov_sweep(network, b, np.linspace(0, 0.95, 20) / value, tolerance=1e-8)
    single = krylov_sweep(network, b, np.array([0.95]) / value, tolerance=1e-8)
    assert whole.products == single.products


@pytest.mark.parametrize("kind", ["uniform", "hubs"])
@pytest.mark.parametrize("star", [0.95, 0.999])
def test_a_looser_tolerance_takes_no_more_products(kind, star):
    rng = np.random.default_rng(3)
    ends = rng.random((2, 1200)) ** (np.array([[1.6], [2.2]]) if kind == "hubs" else 1)
    matrix = np.zeros((200, 200))
    matrix[tuple((200 * ends).astype(int))] = 1
    network, b = sparse.csr_array(matrix), rng.poisson(1.0, 200).astype(float)
    alphas = np.linspace(0, star, 20) / radius_bounds(network).value
    products = []
    for tolerance in (1e-3, 1e-4, 1e-6, 1e-7, 1e-8, 1e-10):
        found = krylov_sweep(network, b, alphas, tolerance=tolerance)
        for alpha, row in zip(alphas, found.scores, strict=True):
            true = np.linalg.norm(b - row + alpha * matrix @ row) / np.linalg.norm(b)
            assert true <= 1.01 * tolerance
        products.append(found.products)
    assert products == sorted(products)


def activity_of(matrix, b):
    return hj.Activity.from_matrix(sparse.csr_array(matrix), b, self_loops=True)


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_solve_on_both_backends(form):
    matrix, b = a_case("random", 3, size=30)
    activity = activity_of(matrix, b)
    used = matrix if form == "additive" else b[:, None] * matrix
    alphas = STARS / katz_reference.radius(used)
    expected = [katz_reference.scores(used, b, alpha) for alpha in alphas]
    host = hj.katz.solve(activity, alpha_star=STARS, form=form)
    np.testing.assert_allclose(host, expected, rtol=1e-6, atol=1e-6)
    device = hj.katz.solve(activity, alpha_star=STARS, form=form, backend="jax")
    assert device.dtype == jnp.asarray(1.0).dtype
    loose = 1e-6 if device.dtype == np.float64 else 2e-3
    np.testing.assert_allclose(device, expected, rtol=loose, atol=loose)
    one = hj.katz.solve(activity, alpha_star=0.5, form=form)
    np.testing.assert_allclose(one, expected[2], rtol=1e-6, atol=1e-6)


def pairs_in_a_row(count, seed):
    """Pairs who listen to each other, each also to the pair before, users in any order."""
    matrix = np.kron(np.eye(count), [[0.0, 1], [1, 0]])
    matrix[range(2, 2 * count, 2), range(0, 2 * count - 2, 2)] = 1
    order = np.random.default_rng(seed).permutation(2 * count)
    return matrix[np.ix_(order, order)], order


@pytest.mark.parametrize("count", [10, 15, 20, 60])
def test_scores_that_grow_along_a_row_of_communities_are_right_in_each(count):
    matrix, order = pairs_in_a_row(count, seed=count)
    activity = activity_of(matrix, 1.0)
    found = hj.katz.solve(activity, alpha_star=[0.5, 0.95], backend="scipy")
    for alpha, row in zip((0.5, 0.95), found, strict=True):
        expected = katz_reference.scores(matrix, np.ones(len(order)), alpha)
        np.testing.assert_allclose(row, expected, rtol=1e-6)
    assert found[1].min() == pytest.approx(20, rel=1e-6)
    if count == 20:
        assert found[1].max() == pytest.approx(1.3605672581e20)
    ranking = hj.katz.rank(activity, alpha_star=0.95, top=4, order=True)
    users = ranking.table["user"].to_numpy(int)
    assert ranking.certified and (order[users] // 2 >= count - 2).all()
    low, high = ranking.table[["lower", "upper"]].to_numpy().T
    best = np.sort(found[1])[:-5:-1]
    assert (low <= best * (1 + 1e-6)).all() and (best * (1 - 1e-6) <= high).all()


def test_a_large_component_at_the_end_of_a_row_is_solved():
    rng = np.random.default_rng(2)
    row, _ = pairs_in_a_row(20, seed=2)
    size = 2_100
    matrix = np.zeros((40 + size, 40 + size))
    matrix[:40, :40] = row
    crowd = random(rng, size, 0.003)
    matrix[40:, 40:] = crowd * 0.8 / radius_bounds(sparse.csr_array(crowd)).value
    matrix[40:50, :40] = 1
    found = hj.katz.solve(activity_of(matrix, 1.0), alpha=0.95, backend="scipy")
    whole = slice(None, 40), slice(40, None)
    first = katz_reference.scores(row, np.ones(40), 0.95)
    right = 1 + 0.95 * matrix[whole[1], whole[0]] @ first
    np.testing.assert_allclose(found[:40], first, rtol=1e-9)
    expected = katz_reference.scores(matrix[40:, 40:], right, 0.95)
    np.testing.assert_allclose(found[40:], expected, rtol=1e-6)


def test_scores_that_rounding_spoils_on_a_device_are_said_to_be():
    activity = activity_of(pairs_in_a_row(20, seed=1)[0], 1.0)
    with pytest.warns(hj.katz.KatzWarning, match="scores are not exact.*backend='scipy'"):
        hj.katz.solve(activity, alpha_star=0.95, backend="jax")


@pytest.mark.parametrize("hears", [False, True])
def test_a_radius_of_silent_accounts_is_said(hears):
    people, farm = np.array([[0.0, 3], [3, 0]]), 1 - np.eye(40)
    matrix = np.block([[people, np.zeros((2, 40))], [np.zeros((40, 2)), farm]])
    matrix[2, 0] = hears
    b = np.append([2.0, 1.0], np.zeros(40))
    with pytest.warns(hj.katz.KatzWarning, match=r"without them it is 3.* 0\.4 is 0\.03077"):
        hj.katz.rank(activity_of(matrix, b), alpha_star=0.4)
    hj.katz.rank(activity_of(matrix, b), alpha=0.01)  # nothing to say of alpha itself
    hj.katz.rank(activity_of(matrix, np.ones(42)), alpha_star=0.4)  # nor where they post


def test_solve_is_differentiable_in_alpha_baseline_and_weights():
    matrix, b = a_case("random", 4, size=12)
    b = b + 0.5
    activity = activity_of(matrix, b)
    alphas = np.array([0.3, 0.7]) / katz_reference.radius(matrix)

    def total(alphas, b, weight):
        moved = dataclasses.replace(activity, baseline=b, weight=weight)
        return jnp.log1p(hj.katz.solve(moved, alpha=alphas, tolerance=1e-12)).sum()

    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        pytest.skip("differences need float64")
    given = (jnp.asarray(alphas), jnp.asarray(b), jnp.asarray(activity.weight))
    check_grads(jax.jit(total), given, order=1, modes=("fwd", "rev"), rtol=1e-5, atol=1e-5)


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


@pytest.mark.parametrize(
    ("matrix", "b"),
    [
        (np.zeros((1, 1)), [2.0]),
        (np.zeros((3, 3)), [1.0, 0, 2]),
        (np.tril(np.ones((4, 4)), -1), 1.0),
    ],
    ids=["one user", "no edges", "acyclic"],
)
def test_networks_without_cycles_take_alpha_itself(matrix, b):
    activity = activity_of(matrix, b)
    assert hj.katz.radius(activity).acyclic
    with pytest.raises(ValueError, match="Give alpha= itself"):
        hj.katz.solve(activity, alpha_star=0.5)
    found = hj.katz.solve(activity, alpha=2.5)
    np.testing.assert_allclose(found, katz_reference.scores(matrix, activity.baseline, 2.5))
    ranking = hj.katz.rank(activity, alpha=2.5, top=1)
    assert ranking.certified and ranking.alpha_star is None
    np.testing.assert_allclose(ranking.table["score"], found.max())


def test_without_baselines_all_scores_are_zero():
    activity = activity_of(np.ones((3, 3)), 0.0)
    assert not hj.katz.solve(activity, alpha_star=[0.1, 0.9]).any()
    assert hj.katz.rank(activity, alpha_star=0.5, top=2).tied == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha_star": 1.0}, "below 1"),
        ({"alpha_star": [0.5, 1.2]}, "below 1"),
        ({"alpha_star": -0.1}, "at least 0"),
        ({"alpha_star": np.nan}, "at least 0"),
        ({"alpha": 0.5}, "finite only below"),
        ({}, "one of"),
        ({"alpha": 0.1, "alpha_star": 0.1}, "one of"),
        ({"alpha": 0.1, "form": "both"}, "form is"),
        ({"alpha": 0.1, "backend": "gpu"}, "backend is"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        hj.katz.solve(activity_of(np.ones((2, 2)), 1.0), **options)


def test_a_tolerance_out_of_reach_is_said():
    matrix, b = a_case("random", 0, size=2_100)  # more users than are factored
    with pytest.warns(hj.katz.KatzWarning, match="residual"):
        hj.katz.solve(activity_of(matrix, b), alpha_star=0.95, limit=3)


def test_traced_networks_need_alpha():
    activity = activity_of(np.ones((3, 3)), 1.0)
    with pytest.raises(ValueError, match="pass alpha="):
        jax.jit(lambda one: hj.katz.solve(one, alpha_star=0.5))(activity)
    found = jax.jit(lambda one: hj.katz.solve(one, alpha=0.1))(activity)
    np.testing.assert_allclose(found, 1 / (1 - 0.3), rtol=1e-4)


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


def test_decay_refuses_several_alphas_and_parts_of_bins():
    activity = activity_of(np.ones((3, 3)), 1.0)
    with pytest.raises(ValueError, match="must be a finite number"):
        hj.katz.decay(activity, alpha_star=[0.1, 0.2])
    with pytest.raises(ValueError, match="bins is -1"):
        hj.katz.decay(activity, alpha_star=0.5, bins=-1)
    with pytest.raises(ValueError, match="memory is 'a'"):
        hj.KatzSpike(memory="a")
