"""What a known exposure does to the likelihood: it multiplies the baseline, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.checks import Rows, refuse
from hawkesjax.inputs.moments import shown


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Exposed:
    r"""The exposure as the likelihood needs it.

    With :math:`\lambda_{mi}(t) = E_m(t) \mu_{mi} + \dots` these are :math:`E_m(t_n)` at each event
    and :math:`\int E_m(t) dt` over the observed time of each sequence.

    Args:
        at: (N,) at the events.
        totals: (M,) integrals.
    """

    at: Float[AnyArray, " events"]
    totals: Float[AnyArray, " sequences"]

    @classmethod
    def of(cls, panel: EventPanel, dtype: Any) -> Exposed | None:
        """The exposure of a panel; None without one."""
        if not len(panel.exposure):
            return None
        at = panel.exposure.at(np.asarray(panel.times), np.asarray(panel.sequence))
        return cls(at.astype(dtype), np.asarray(panel.exposed, dtype))


def intervals(
    panel: EventPanel,
) -> tuple[Float[np.ndarray, " intervals"], Float[np.ndarray, " intervals"], Any, Any]:
    """Start and end (since their windows' starts), sequence and length of the time before each
    event, (N,), and after each sequence's last one, (M,)."""
    sequence, times = np.asarray(panel.sequence), np.asarray(panel.times)
    heads = np.flatnonzero(np.diff(sequence, prepend=-1))
    ends = np.flatnonzero(np.diff(sequence, append=panel.num_sequences))
    before = np.roll(times, 1)
    before[heads] = 0
    last, tails = np.zeros(panel.num_sequences), np.array(panel.duration)
    last[sequence[ends]], tails[sequence[ends]] = times[ends], np.asarray(panel.remaining)[ends]
    return (
        np.concatenate([before, last]),
        np.concatenate([times, np.asarray(panel.duration)]),
        np.concatenate([sequence, np.arange(panel.num_sequences)]),
        np.concatenate([np.asarray(panel.waits), tails]),
    )


def refuse_impossible(panel: EventPanel, copies: int, lag: float = 0.0) -> None:
    """Refuse events that nothing can have caused: where the exposure is 0, and no known event came
    early enough in their sequence.

    Args:
        panel: the data.
        copies: for data with a resolution, how many sets of spread times the likelihood uses.
        lag: time from an event to the start of its effect.

    Raises:
        ValueError: names the events.
    """
    if not np.any(np.asarray(panel.exposure.factor) == 0):
        return
    wrong = np.zeros(panel.num_events, bool)
    if panel.resolution:
        for seed in range(copies):
            moved, order = spread(panel, panel.resolution, seed=seed)
            wrong |= _impossible(moved, lag)[np.argsort(order)]
    else:
        wrong = _impossible(panel, lag)
    owner = np.asarray(panel.sequence)
    at = np.asarray(panel.start)[owner] + np.asarray(panel.times)

    def called(event: int) -> str:
        return (
            f"at {shown(panel, at[event : event + 1])[0]} of {panel.sequence_names[owner[event]]!r}"
        )

    remedy = (
        "It is among the first of its sequence: correct the exposure there, or keep the events "
        "before the window (keep_history=True)."
    )
    what = "an event where the exposure is 0 that no earlier event could trigger"
    if panel.resolution:
        remedy = f"Its time is known only to within {panel.resolution:g}. {remedy}"
    refuse(wrong, "exposure", what, remedy, None, Rows("event", called))


def _impossible(panel: EventPanel, lag: float) -> Bool[np.ndarray, " events"]:
    """Events where the exposure is 0 before any effect of the first of their sequence."""
    owner, times = np.asarray(panel.sequence), np.asarray(panel.times)
    none = panel.exposure.at(times, owner) == 0
    first = np.full(panel.num_sequences, np.inf)
    np.minimum.at(first, owner, times)
    np.minimum.at(first, np.asarray(panel.history.sequence), -np.asarray(panel.history.age))
    return none & (times <= first[owner] + lag)
