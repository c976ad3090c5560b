"""alpha* by component: what is loud in the network but not in the log sets no other's scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hawkesjax.inputs.arguments import checked
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.steady.components import active_component, louder_than
from hawkesjax.katz.steady.solve import matrix_of


@checked
def by_component(activity: Activity, *, form: str = "additive") -> Activity:
    r"""The network with alpha* relative to the component that holds the activity.

    Of the strongly connected components with a cycle, let H be the one whose users have the largest
    sum of baselines, and :math:`\rho_c` each one's own spectral radius. What a user i of component
    c hears is weighed by

    .. math:: A_{ij} \leftarrow A_{ij} \min(1, \rho_H / \rho_c),

    so that the network's radius is :math:`\rho_H` and alpha* = x means
    :math:`\alpha = x / \max(\rho_H, \rho_c)` for users of c, and :math:`x / \rho_H` for users of no
    cycle. Where no component has a larger radius than H, nothing changes.

    Args:
        activity: network and baselines.
        form: as in `solve`, which must then have the same.

    Returns:
        The activity with these weights, `weighted`, for `rank`, `solve`, `sweep` and `evaluate`.

    Raises:
        ValueError: where no component with a cycle has posts.

    Example:
        >>> people, farm = np.array([[0, 2], [2, 0]]), 1 - np.eye(30)
        >>> network = np.block([[people, np.zeros((2, 30))], [np.zeros((30, 2)), farm]])
        >>> activity = hj.Activity.from_matrix(network, np.append([3, 1], np.zeros(30)))
        >>> hj.katz.radius(activity).value, hj.katz.radius(hj.katz.by_component(activity)).value
        (29.0, 2.0)
    """
    matrix, b = matrix_of(activity, form), np.asarray(activity.baseline, np.float64)
    active = active_component(matrix, b)
    if active is None:
        raise ValueError(
            "No users who post can be reached from themselves, so no component holds the activity "
            "and alpha_star has no meaning. Give alpha= itself."
        )
    factor = np.ones(activity.num_users)
    for users, radius in louder_than(matrix, active.radius.upper):
        factor[users] = active.radius.value / radius
    if (factor == 1).all():
        return activity
    weight = np.asarray(activity.weight) * factor[activity.listener]
    return replace(activity, weight=weight, weighted=True)
