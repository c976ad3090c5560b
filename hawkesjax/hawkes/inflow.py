"""What events before the windows set off within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Inflow:
    r"""The excitation that a known history carries into the windows.

    With :math:`H_{mij} = \sum_h e^{-\gamma_{ij} a_h}` over the events h of mark j before the window
    of sequence m, at age a, the rate at an event n of mark i is higher by
    :math:`\sum_j \alpha_{ij} \gamma_{ij} H_{mij} e^{-\gamma_{ij} t_n}`, and
    :math:`\alpha_{ij} H_{mij} (1 - e^{-\gamma_{ij} T_m})` children come within the window.

    Args:
        age, source, owner: (H,) of the events before: age at the window's start, mark, sequence.
        times, marks, sequence: (N,) of the events within.
        durations: (M,) lengths of the windows.
    """

    age: Float[AnyArray, " past"]
    source: Int[AnyArray, " past"]
    owner: Int[AnyArray, " past"]
    times: Float[AnyArray, " events"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    durations: Float[AnyArray, " sequences"]

    @classmethod
    def of(cls, panel: EventPanel, dtype: Any) -> Inflow | None:
        """The inflow of a panel; None without a history."""
        past = panel.history
        if not len(past):
            return None
        return cls(
            age=np.asarray(past.age, dtype),
            source=np.asarray(past.marks),
            owner=np.asarray(past.sequence),
            times=np.asarray(panel.times, dtype),
            marks=np.asarray(panel.marks),
            sequence=np.asarray(panel.sequence),
            durations=np.asarray(panel.duration, dtype),
        )

    def per_effect(
        self,
        gamma: Float[AnyArray, "marks marks"],
        ratios: Float[AnyArray, " terms"],
        weights: Float[AnyArray, " terms"],
    ) -> Float[Array, "events marks"]:
        """The rate at each event per unit of alpha of each source on the event's own mark; of a
        kernel `sum_k w_k gamma r_k exp(-gamma r_k t)`."""

        def add(total, term):
            ratio, weight = term
            rates = gamma * ratio
            own = rates[self.marks]
            state = self._states(rates)[self.sequence, self.marks]
            return total + weight * own * state * jnp.exp(-own * self.times[:, None]), None

        gamma, terms = self._typed(gamma, ratios, weights)
        return jax.lax.scan(add, jnp.zeros((len(self.marks), len(gamma)), gamma.dtype), terms)[0]

    def children(
        self,
        gamma: Float[AnyArray, "marks marks"],
        ratios: Float[AnyArray, " terms"],
        weights: Float[AnyArray, " terms"],
    ) -> Float[Array, "marks marks"]:
        """Children within the windows of all events before, per unit of alpha."""

        def add(total, term):
            ratio, weight = term
            rates = gamma * ratio
            within = -jnp.expm1(-rates * self.durations[:, None, None])
            return total + weight * jnp.sum(self._states(rates) * within, axis=0), None

        gamma, terms = self._typed(gamma, ratios, weights)
        return jax.lax.scan(add, jnp.zeros_like(gamma), terms)[0]

    def _states(self, rates: Array) -> Float[Array, "sequences marks marks"]:
        """H at these decay rates."""
        size, count = rates.shape[0], self.durations.shape[0]
        decayed = jnp.exp(-rates.T[self.source] * self.age[:, None])
        sums = jax.ops.segment_sum(decayed, self.owner * size + self.source, count * size)
        return jnp.swapaxes(sums.reshape(count, size, size), 1, 2)

    def _typed(self, gamma: Any, ratios: Any, weights: Any) -> tuple[Array, tuple[Array, Array]]:
        gamma = jnp.asarray(gamma, self.durations.dtype)
        return gamma, (jnp.asarray(ratios, gamma.dtype), jnp.asarray(weights, gamma.dtype))
