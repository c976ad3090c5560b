"""What is common to the forms whose decayed counts have one row per event."""

from __future__ import annotations

import abc

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hawkesjax.hawkes.counts.underflow import Events
from hawkesjax.inputs.arrays import AnyArray

Baseline = Float[AnyArray, "sequences marks"] | Float[AnyArray, " events"]
Terms = tuple[Float[Array, ""], Float[Array, "marks marks"]]


class RowForm(abc.ABC):
    """A form with `rows`, from which its excitation follows."""

    gaps: Float[AnyArray, "..."]
    num_marks: int

    @abc.abstractmethod
    def rows(self, gamma: Float[AnyArray, "marks marks"]) -> Float[Array, "events marks"]:
        """R at decay rates by pair."""

    @abc.abstractmethod
    def event_marks(self) -> AnyArray:
        """Mark of each event, in the stream's order."""

    @abc.abstractmethod
    def events(self) -> Events:
        """The stream that the form was built from."""

    def decayed_counts(self, gamma: Float[AnyArray, "..."]) -> Float[Array, "events marks"]:
        """R[n, j] for the row of each event's own mark, in the stream's order."""
        return self.rows(self.by_pair(gamma))

    def excitation(
        self, alpha: Float[AnyArray, "marks marks"], gamma: Float[AnyArray, "..."]
    ) -> Float[Array, " events"]:
        """`sum_j alpha[i, j] gamma[i, j] R[n, j]` with `i` the mark of event n."""
        gamma = self.by_pair(gamma)
        weights = (jnp.asarray(alpha, gamma.dtype) * gamma)[self.event_marks()]
        return jnp.sum(weights * self.rows(gamma), axis=1)

    def by_pair(self, gamma: Float[AnyArray, "..."]) -> Float[Array, "marks marks"]:
        """gamma of every pair, in the form's dtype."""
        return jnp.broadcast_to(jnp.asarray(gamma, self.gaps.dtype), (self.num_marks,) * 2)


def decayed_to_end(
    gamma: Float[AnyArray, "marks marks"], marks: AnyArray, remaining: AnyArray
) -> Float[Array, "marks marks"]:
    """`E[i, j]`: counts of mark j decayed to their window's end."""
    decayed = jnp.exp(-gamma.T[marks] * remaining[:, None])
    return jax.ops.segment_sum(decayed, marks, gamma.shape[0]).T
