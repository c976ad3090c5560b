"""Steady states against dense linear algebra."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import sparse

import hawkesjax as hj
from hawkesjax.katz.steady.radius import radius_bounds
from tests.katz import steady_reference as katz_reference
from tests.katz.networks import STARS, a_case, activity_of, random


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


def test_decay_refuses_several_alphas_and_parts_of_bins():
    activity = activity_of(np.ones((3, 3)), 1.0)
    with pytest.raises(ValueError, match="must be a finite number"):
        hj.katz.decay(activity, alpha_star=[0.1, 0.2])
    with pytest.raises(ValueError, match="bins is -1"):
        hj.katz.decay(activity, alpha_star=0.5, bins=-1)
    with pytest.raises(ValueError, match="memory is 'a'"):
        hj.KatzSpike(memory="a")
