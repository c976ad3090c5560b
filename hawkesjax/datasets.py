"""Panels that ship with the package."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array

from hawkesjax.core.verbs import simulate
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.model import Hawkes


def spillover(
    *, key: Array | int, users: int = 10, days: float = 200.0
) -> tuple[EventPanel, dict[str, np.ndarray]]:
    """A simulated panel of online and offline events, and the parameters that made it.

    Each user posts online and acts offline; both kinds set off more of both. The parameters are
    the defaults of o2o-process: 0.3 online and 0.1 offline events per day of their own accord,
    `alpha` 0.8 online on online, 0.2 offline on online, 0.1 online on offline and 0.6 offline on
    offline, with half-lives between 3 and 17 hours. About 3.2 events per user and day result.

    Args:
        key: PRNG key.
        users: number of sequences.
        days: length of the window.

    Returns:
        The panel (marks "online" and "offline", unit "day"), and the truth: `mu` (users, 2),
        `alpha` (2, 2), `gamma` (2, 2), row = target.

    Example:
        >>> panel, truth = hj.datasets.spillover(key=jax.random.key(0))

    Source: the simulator of o2o-process 3.10.30. There, only the first user's events have
    offspring and index 0 is offline; here every user's do, and index 0 is online.
    """
    truth = {
        "mu": np.tile([0.3, 0.1], (users, 1)),
        "alpha": np.array([[0.8, 0.2], [0.1, 0.6]]),
        "gamma": np.array([[2.0, 3.0], [1.0, 5.0]]),
    }
    width = len(str(users))
    panel = simulate(
        Hawkes(),
        truth,
        window=(0.0, days),
        key=key,
        sequence_names=[f"user {number:0{width}d}" for number in range(1, users + 1)],
        mark_names=["online", "offline"],
        unit="day",
    )
    return panel, truth
