"""Small networks of every kind, and their activity."""

import numpy as np
from scipy import sparse

import hawkesjax as hj

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


def activity_of(matrix, b):
    return hj.Activity.from_matrix(sparse.csr_array(matrix), b, self_loops=True)
