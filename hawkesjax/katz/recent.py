"""A ranking by the baselines that a Katz spike model estimated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hawkesjax.inputs.arguments import Whole, checked
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.data.recency import recency_of
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.remembered import Remembered
from hawkesjax.katz.users import draws_of


@checked
def recent(
    model: KatzLaw, values: Any, data: Activity, *, until: Whole | None = None, lead: Whole = 0
) -> Activity:
    r"""The network with the model's own baselines, for a ranking.

    As `Activity.recent`, with the floor, the weight and the half-life that were estimated:
    :math:`b_i = f + w \bar s_i`, posts (active bins, for the hazard link) per bin.

    Args:
        model: a `KatzSpike` whose `baseline` is `"recent"`.
        values: a `Posterior` (its mean is taken), an `Estimate`, or a dict of natural parameters.
        data: the log.
        until, lead: as in `Activity.recent`.

    Returns:
        An activity for `katz.rank`, `katz.solve`, `katz.sweep` and `katz.evaluate`.

    Raises:
        ValueError: for a model with other baselines, or as `Activity.recent`.

    Example:
        >>> model = hj.KatzSpike(baseline="recent")
        >>> activity = hj.Activity.from_messages(
        ...     time=[0, 1, 2, 5], source=["a", "b", "b", "a"], target=["b", "a", "a", "b"],
        ...     edges="messages", bin=1, usual=(0, 4),
        ... )
        >>> values = {"alpha": 0.1, "floor": 0.1, "weight": 0.8, "half_life": 1}
        >>> model.recent(values, activity).baseline.round(3).tolist()
        [0.153, 0.42]
    """
    if model.baseline != "recent":
        raise ValueError(
            f"The baselines of this model are {model.baseline!r}, and do not weigh posts by age. "
            f"Take KatzSpike(baseline='recent')."
        )
    params = {name: float(draws.mean()) for name, draws in draws_of(values).items()}
    recency = recency_of(data, params["half_life"], until, lead)
    now = Remembered.at(params, model, data, recency.until - lead)
    return replace(data, baseline=now.rates, recency=recency)
