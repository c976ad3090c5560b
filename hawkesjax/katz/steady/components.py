"""Where a spectral radius comes from: the component that sets it, and the one that is active."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse import csgraph

from hawkesjax.katz.steady.radius import Radius, cyclic_blocks, power_bounds, radius_bounds

QUIET = 0.5  # a component with less than this part of the active one's posts is not the active one
SAME = 1e-6  # radii closer than this part of each other are one: the digits that are printed


class Active(NamedTuple):
    """The component that holds the activity: of those with a cycle, the one with most posts.

    Args:
        users: its rows, sorted.
        posts: the sum of its baselines.
        radius: its own spectral radius, between its bounds.
    """

    users: Int[np.ndarray, " users"]
    posts: float
    radius: Radius


def active_component(matrix: sparse.csr_array, b: Float[np.ndarray, " users"]) -> Active | None:
    """The component that holds the activity; None where no component with a cycle has posts."""
    _, labels = csgraph.connected_components(matrix, directed=True, connection="strong")
    cyclic = np.bincount(labels) > 1
    cyclic[labels[matrix.diagonal() > 0]] = True
    posts = np.where(cyclic, np.bincount(labels, weights=b), 0)
    most = int(posts.argmax())
    if not posts[most] > 0:
        return None
    users = np.flatnonzero(labels == most)
    inside = radius_bounds(sparse.csr_array(matrix[users][:, users]))
    return Active(users, float(posts[most]), inside)


def comes_from_elsewhere(
    radius: Radius, active: Active | None, b: Float[np.ndarray, " users"]
) -> bool:
    """Whether a quiet component sets the radius, and the active one has a smaller one."""
    if radius.acyclic:
        return False
    posts = float(b[radius.users].sum())
    if active is None:
        return posts < b.sum()
    smaller = active.radius.upper < radius.lower * (1 - SAME)
    return smaller and posts < QUIET * active.posts


def louder_than(
    matrix: sparse.csr_array, floor: float
) -> list[tuple[Int[np.ndarray, " users"], float]]:
    """Rows and spectral radius of every component whose radius is above a number."""
    found = []
    for block in cyclic_blocks(matrix):
        for place in np.flatnonzero(power_bounds(block, SAME, floor)[1] > floor):
            inside = radius_bounds(block.component(int(place)).matrix)
            if inside.lower > floor:
                found.append((block.members(int(place)), inside.value))
    return found
