"""Radii, and all alphas at once, against dense linear algebra."""

import numpy as np
import pytest
from scipy import sparse

from hawkesjax.katz.steady.krylov import Effort, krylov_sweep
from hawkesjax.katz.steady.radius import radius_bounds
from tests.katz import steady_reference as katz_reference
from tests.katz.networks import NETWORKS, STARS, a_case, random


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
    found = krylov_sweep(sparse.csr_array(matrix), b, alphas, Effort(1e-11))
    for alpha, row, left in zip(alphas, found.scores, found.residuals, strict=True):
        expected = katz_reference.scores(matrix, b, alpha)
        np.testing.assert_allclose(row, expected, rtol=1e-7, atol=1e-8 * expected.max())
        true = np.linalg.norm(b - row + alpha * matrix @ row) / np.linalg.norm(b)
        assert true <= max(1.01 * left, 1e-13) and left <= 1e-11


def test_restarts_reach_the_tolerance():
    matrix, b = a_case("random", 1, size=200)
    alphas = STARS / katz_reference.radius(matrix)
    found = krylov_sweep(sparse.csr_array(matrix), b, alphas, Effort(1e-10, memory=6 * b.nbytes))
    assert found.products > 8
    for alpha, row in zip(alphas, found.scores, strict=True):
        np.testing.assert_allclose(row, katz_reference.scores(matrix, b, alpha), rtol=1e-7)


def test_weights_beyond_single_precision_change_nothing():
    matrix, b = a_case("random", 1, size=200)
    alphas = STARS / katz_reference.radius(matrix)
    usual = krylov_sweep(sparse.csr_array(matrix), b, alphas, Effort(1e-8))
    large = krylov_sweep(sparse.csr_array(matrix * 2.0**140), b, alphas / 2.0**140, Effort(1e-8))
    assert large.residuals.max() <= 1e-8 and large.products > usual.products  # done again
    np.testing.assert_allclose(large.scores, usual.scores, rtol=1e-6)


def test_the_sweep_takes_no_more_products_than_its_hardest_alpha():
    matrix, b = a_case("random", 2, size=150)
    value = katz_reference.radius(matrix)
    network = sparse.csr_array(matrix)
    whole = krylov_sweep(network, b, np.linspace(0, 0.95, 20) / value, Effort(1e-8))
    single = krylov_sweep(network, b, np.array([0.95]) / value, Effort(1e-8))
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
        found = krylov_sweep(network, b, alphas, Effort(tolerance))
        for alpha, row in zip(alphas, found.scores, strict=True):
            true = np.linalg.norm(b - row + alpha * matrix @ row) / np.linalg.norm(b)
            assert true <= 1.01 * tolerance
        products.append(found.products)
    assert products == sorted(products)
