"""How long a spike lasts once nothing feeds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import Level, Positive, Whole, checked, numbers
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.steady.solve import attenuation, matrix_of


def half_life(alpha_star: Any) -> Any:
    r"""Bins until what the network keeps alive has halved, in the long run.

    :math:`\log 2 / |\log \alpha^*|`: the asymptotic rate. A network is far from normal, and its
    activity may rise first; `decay` says what happens in finite time.

    Args:
        alpha_star: alpha times the spectral radius, in (0, 1); 0 gives 0.

    Raises:
        ValueError: for alpha_star outside [0, 1).
    """
    value = np.asarray(alpha_star, np.float64)
    if not ((value >= 0) & (value < 1)).all():
        raise ValueError(f"alpha_star is {alpha_star}; a half-life needs it in [0, 1).")
    with np.errstate(divide="ignore"):
        out = np.where(value > 0, np.log(2) / np.abs(np.log(value)), 0.0)
    return out if out.ndim else float(out)


@checked
def implied_alpha_star(bins: Positive, fraction: Level = 0.25) -> float:
    """The alpha* whose asymptotic decay falls to a fraction in so many bins.

    It describes the volume's decay. It is not the alpha* that ranks best.

    Args:
        bins: from the peak to the end, `spike[1] - 1 - spike[0]` for a detected spike.
        fraction: of the peak that is left.
    """
    return float(fraction ** (1 / bins))


@checked
def decay(
    activity: Activity,
    *,
    alpha_star: float | None = None,
    alpha: float | None = None,
    bins: Whole = 60,
    start: Any = None,
    form: str = "additive",
) -> pd.Series:
    r"""What is left of a start after k bins, :math:`1^T (\alpha A)^k s_0 / 1^T s_0`.

    Args:
        activity: the network.
        alpha_star, alpha, form: as in `katz.solve`; one number.
        bins: how many.
        start: (N,) activity at the start; by default the baselines.

    Returns:
        A series by bin, 1 at bin 0.

    Raises:
        ValueError: for a start that is negative or nothing.
    """
    attenuated, _ = attenuation(activity, alpha_star, alpha, form)
    if np.ndim(attenuated):
        raise ValueError("decay takes one alpha_star or alpha.")
    vector: Any = numbers(activity.baseline if start is None else start, "start")
    if vector.shape != (activity.num_users,) or (vector < 0).any() or not vector.sum() > 0:
        raise ValueError(
            f"start needs a number of at least 0 for each of the {activity.num_users:,} users, "
            f"and one above 0."
        )
    matrix, total = matrix_of(activity, form), vector.sum()
    left = [1.0]
    for _ in range(bins):
        vector = float(attenuated) * (matrix @ vector)
        left.append(vector.sum() / total)
    return pd.Series(left, index=pd.RangeIndex(bins + 1, name="bin"), name="left")
