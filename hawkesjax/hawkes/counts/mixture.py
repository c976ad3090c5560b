"""Kernels that are sums of exponentials: the decayed counts of each term, added up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.counts.choose import choose_form
from hawkesjax.hawkes.counts.rows import Baseline, Terms, decayed_to_end
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import Events, sum_of_logs
from hawkesjax.inputs.arrays import AnyArray

LARGE = 30_000_000  # numbers of R that a gradient may keep before it computes them twice


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class MixtureForm:
    r"""Excitation through kernels `sum_k w_k gamma r_k exp(-gamma r_k t)`, term by term.

    Every term is a pass of the decayed counts at the rates `gamma r_k`, so that the cost grows
    with the number of terms K and stays linear in the events. Weights may add up to less than
    one: the remainder is the share of children that never come.

    Args:
        marks, sequence, remaining: of each event, as in `Stream`.
        form: the decayed counts' form; of fixed rates, one form per term, stacked.
        num_marks: D.
        stacked: whether the rates are fixed.
        large: numbers of R beyond which a gradient computes them twice.
    """

    form: Any
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    remaining: Float[AnyArray, " events"]
    ratios: Float[AnyArray, " terms"]
    num_marks: int = field(metadata={"static": True})
    stacked: bool = field(metadata={"static": True})
    large: int = field(default=LARGE, metadata={"static": True})

    @classmethod
    def from_stream(
        cls,
        stream: Stream,
        ratios: Any,
        *,
        form: str = "auto",
        dtype: Any = np.float64,
        gamma: np.ndarray | np.floating | None = None,
    ) -> MixtureForm:
        """Build the form of every term; arguments as in `choose_form`."""
        ratios = np.asarray(ratios, dtype)
        stacked = gamma is not None and form == "auto"
        if stacked:
            forms = [choose_form(stream, dtype=dtype, gamma=gamma * ratio) for ratio in ratios]
            built: Any = jax.tree.map(lambda *leaves: np.stack(leaves), *forms)
        else:
            built = choose_form(stream, form=form, dtype=dtype)
        return cls(
            form=built,
            marks=stream.marks,
            sequence=stream.sequence,
            remaining=stream.remaining.astype(dtype),
            ratios=ratios,
            num_marks=stream.num_marks,
            stacked=stacked,
        )

    def filled(self, form: Any) -> MixtureForm:
        """With a padded form of the decayed counts, and arrays by event padded to match: what is
        no event has no mark, and less than no time remaining."""
        more = len(form.slots) - len(self.marks)
        marks, sequence, remaining = (
            np.pad(np.asarray(column), (0, more), constant_values=filling)
            for column, filling in (
                (self.marks, self.num_marks),
                (self.sequence, 0),
                (self.remaining, -1),
            )
        )
        return replace(self, form=form, marks=marks, sequence=sequence, remaining=remaining)

    def excitation(
        self,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
        weights: Float[AnyArray, " terms"],
    ) -> Float[Array, " events"]:
        r"""`sum_k w_k sum_j alpha[i, j] gamma[i, j] r_k R_k[n, j]`, i the mark of event n."""
        zero = jnp.zeros(self.marks.shape, self.remaining.dtype)
        total = self._over_terms(self._excitation, zero, alpha, gamma, weights)
        return jnp.maximum(total, 0)  # terms of both signs cancel but for rounding

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
        weights: Float[AnyArray, " terms"],
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: expected share of the children of each mark's
        events that would come after their window's end, summed over the events."""
        baseline = jnp.asarray(baseline, self.remaining.dtype)
        if baseline.ndim == 2:
            baseline = baseline[self.sequence, self.marks]
        intensity = baseline + self.excitation(alpha, gamma, weights)
        intensity = jnp.where(jnp.asarray(self.remaining) < 0, 1, intensity)
        total = sum_of_logs(intensity, self.terms(alpha, gamma, weights)[0])
        counts = jnp.zeros(self.num_marks, total.dtype).at[self.marks].add(1)
        never = jnp.broadcast_to((1 - jnp.sum(weights)) * counts, (self.num_marks,) * 2)
        return total, self._over_terms(self._ends, never, alpha, gamma, weights)

    def events(self) -> Events:
        """The stream that the form was built from."""
        form = jax.tree.map(lambda leaf: leaf[0], self.form) if self.stacked else self.form
        return form.events()

    def terms(
        self,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
        weights: Float[AnyArray, " terms"],
    ) -> tuple[Float[Array, "terms marks marks"], Float[Array, "terms marks marks"]]:
        """What each term adds to an intensity right after an event, and its decay rate."""
        dtype = self.remaining.dtype
        alpha, gamma, weights = (jnp.asarray(x, dtype) for x in (alpha, gamma, weights))
        gamma = jnp.broadcast_to(gamma, alpha.shape)[None] * jnp.asarray(self.ratios)[:, None, None]
        return weights[:, None, None] * alpha[None] * gamma, gamma

    def _excitation(self, form, alpha, gamma, weight):
        return weight * form.excitation(alpha, gamma)

    def _ends(self, form, alpha, gamma, weight):
        gamma = jnp.broadcast_to(gamma, (self.num_marks,) * 2)
        return weight * decayed_to_end(gamma, self.marks, self.remaining)

    def _over_terms(self, what, start, alpha, gamma, weights):
        alpha, gamma, weights = (jnp.asarray(x, start.dtype) for x in (alpha, gamma, weights))
        ratios = jnp.asarray(self.ratios)
        forms = self.form if self.stacked else None

        def add(total, term):
            ratio, weight, form = term
            form = form if self.stacked else self.form
            return total + what(form, alpha, gamma * ratio, weight), None

        if self.marks.shape[0] * len(ratios) * self.num_marks > self.large:
            add = jax.checkpoint(add)
        return jax.lax.scan(add, start, (ratios, weights, forms))[0]
