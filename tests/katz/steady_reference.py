"""Slow, obvious versions of what a log of messages and a network give."""

from __future__ import annotations

import math

import numpy as np


def network(messages, usual, bin_length):
    """Users, baseline posts and edges of `(time, source, target, way)` rows, by dictionaries.

    `way` is "source" where the source listens to the target, "target" for the reverse.
    """
    inside = [row for row in messages if usual[0] <= row[0] < usual[1]]
    users = sorted({row[1] for row in inside} | {row[2] for row in inside if row[2] is not None})
    posts = {(row[0], row[1]) for row in inside}
    baseline = {user: sum(1 for _, who in posts if who == user) for user in users}
    edges = {}
    for _, source, target, way in inside:
        if target is None or source == target or way is None:
            continue
        pair = (source, target) if way == "source" else (target, source)
        edges[pair] = edges.get(pair, 0) + 1
    return users, baseline, edges


def volume(messages, start, count, bin_length):
    """Posts per bin: distinct pairs of time and author."""
    out = np.zeros(count, int)
    for time, _ in {(row[0], row[1]) for row in messages}:
        out[math.floor((time - start) / bin_length)] += 1
    return out


def heard(messages, start, count, bin_length):
    """Messages to the author within one bin's length before each post, summed by bin."""
    out = np.zeros(count)
    for time, author in {(row[0], row[1]) for row in messages}:
        received = [
            1
            for when, source, target, _ in messages
            if target == author and source != author and time - bin_length <= when < time
        ]
        out[math.floor((time - start) / bin_length)] += len(received)
    return out


def scores(matrix, b, alpha):
    """Steady state by a dense direct solve."""
    return np.linalg.solve(np.eye(len(b)) - alpha * matrix, b)


def radius(matrix):
    """Largest modulus of an eigenvalue, by strongly connected component (dense)."""
    size = len(matrix)
    reach = (np.eye(size) + (matrix > 0)) > 0
    for _ in range(max(1, size.bit_length())):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    together = reach & reach.T
    best = 0.0
    for user in range(size):
        members = np.flatnonzero(together[user])
        part = matrix[np.ix_(members, members)]
        if part.any():
            best = max(best, float(np.abs(np.linalg.eigvals(part)).max()))
    return best


def expected_top(values, gains, top, orders=4000, seed=0):
    """Expected gain of the top when ties are broken at random, by trying many orders."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(orders):
        order = np.lexsort([rng.random(len(values)), -np.asarray(values)])
        total += np.asarray(gains)[order[:top]].sum()
    return total / orders
