"""The pass of the full recursion over the steps of many pieces at once, whatever their layout."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.hawkes.counts.rows import Baseline, RowForm, Terms
from hawkesjax.hawkes.counts.underflow import is_low, unless
from hawkesjax.inputs.arrays import AnyArray

BLOCKS = 8  # of lanes, whose numbers are padded to multiples of 8


class Swept(NamedTuple):
    """What the loop over the steps leaves.

    Args:
        product: of the events' intensities, by lane (`empty_product`).
        sums: of S / lambda and Q / lambda, (D, D, lanes), and of 1 / lambda, (D, lanes), over the
            events of each mark; of the first two alone where the baseline is by event; none without
            derivatives.
        inverses: 1 / lambda of each event, (steps, lanes), where the baseline is by event.
    """

    product: Any
    sums: Any
    inverses: Any


class PassForm(RowForm):
    """A form by steps and lanes: a layout, and the recursion of a step.

    A state is a pair: `(S,)` or `(S, Q)` just before a step's events and without the simultaneous
    ones, each (D, D, lanes); and whatever else the recursion carries.
    """

    marks: Any  # (steps, lanes), -1 where there is no event

    @property
    @abstractmethod
    def wide(self) -> int:
        """Number of lanes."""

    @property
    @abstractmethod
    def places(self) -> int:
        """Number of events, with padding."""

    @abstractmethod
    def laid(self, values: Array) -> Array:
        """Values by event as (steps, lanes); any where there is no event."""

    @abstractmethod
    def in_order(self, values: Array) -> Array:
        """(steps, lanes, ...) as values by event, in the stream's order."""

    @abstractmethod
    def by_lane(self, baseline: Float[AnyArray, "sequences marks"]) -> Array | None:
        """The baseline of each lane's sequence, (D, lanes); None where lanes hold several."""

    @abstractmethod
    def by_sequence(self, values: Array) -> Array:
        """(D, lanes) summed over the lanes of each sequence, (M, D)."""

    @abstractmethod
    def by_cell(self, baseline: Float[AnyArray, "sequences marks"]) -> Array:
        """The baseline of each event."""

    @abstractmethod
    def starts(self, gamma: Array, *, weighted: bool) -> tuple[Any, Array, Array | None]:
        """The state at each lane's start; E, and its derivative by gamma if `weighted`."""

    @abstractmethod
    def steps(self) -> tuple[AnyArray, ...]:
        """What a step of the recursion reads beside the marks, each (steps, ..., lanes)."""

    @abstractmethod
    def advance(self, gamma: Array, state: Any, mark: Array, read: Any) -> Any:
        """The state one step later, from the events' marks and what `steps` says of the step."""

    def plain(self) -> PassForm:
        """The form with a loop that can be differentiated."""
        return self

    def swept(
        self, start: Any, gamma: Any, weights: Any, by_lane: Any, alone: Any, *, weighted: bool
    ) -> Swept:
        """Run over the steps.

        Args:
            start: the states at the lanes' starts (`starts`).
            gamma: decay rates, by pair.
            weights: alpha gamma, by pair.
            by_lane: (D, lanes) baselines, or None for baselines by event.
            alone: (steps, lanes) those, or None.
            weighted: whether to add up what the gradient needs.
        """
        return _swept(self, start, gamma, weights, by_lane, alone, weighted=weighted)

    def rows(self, gamma: Float[AnyArray, "marks marks"]) -> Float[Array, "events marks"]:
        return _counts(gamma, self)

    def event_terms(
        self,
        baseline: Baseline,
        alpha: Float[AnyArray, "marks marks"],
        gamma: Float[AnyArray, "..."],
    ) -> Terms:
        """`sum_n log lambda_n`, and `E[i, j]`: counts of mark j decayed to their window's end."""
        gamma = self.by_pair(gamma)
        alpha = jnp.asarray(alpha, gamma.dtype)
        baseline = jnp.asarray(baseline, gamma.dtype)
        if not self.places:
            return jnp.zeros((), gamma.dtype), jnp.zeros_like(gamma)
        if baseline.ndim == 2 and self.by_lane(baseline) is None:
            baseline = self.by_cell(baseline)
        return _terms(baseline, alpha, gamma, self)


# ---------------------------------------------------------------- decayed counts


@jax.custom_jvp
def _counts(gamma, form: PassForm):
    return _recursion(gamma, form, weighted=False)[0]


@_counts.defjvp
def _counts_jvp(primals, tangents):
    gamma, form = primals
    counts, weighted = _recursion(gamma, form, weighted=True)
    return counts, -weighted * tangents[0][form.event_marks()]


def _recursion(gamma, form: PassForm, *, weighted: bool):
    """R, and Q if `weighted`, of every event, in the stream's order."""
    start = form.starts(gamma, weighted=weighted)[0]

    def step(state, row):
        mark, *read = row
        state = form.advance(gamma, state, mark, read)
        own = mark[None] == jnp.arange(form.num_marks, dtype=mark.dtype)[:, None]
        return state, jax.tree.map(lambda a: jnp.sum(jnp.where(own[:, None], a, 0), 0), state[0])

    _, rows = jax.lax.scan(step, start, (form.marks, *form.steps()))
    return jax.tree.map(lambda a: form.in_order(jnp.moveaxis(a, 1, 2)), rows)


# ---------------------------------------------------------------- event terms


@jax.custom_jvp
def _terms(baseline, alpha, gamma, form: PassForm):
    return _pass(baseline, alpha, gamma, form, weighted=False)[:2]


@_terms.defjvp
def _terms_jvp(primals, tangents):
    total, ends, slopes = _fused(*primals)
    return (total, ends), _along(slopes, tangents)


@jax.custom_jvp
def _fused(baseline, alpha, gamma, form: PassForm):
    """The terms and their slopes in `baseline`, `alpha` and `gamma`, from one forward pass."""
    return _pass(baseline, alpha, gamma, form, weighted=True)


@_fused.defjvp
def _fused_jvp(primals, tangents):
    *parameters, form = primals

    def fused(baseline, alpha, gamma):
        total, ends, slopes = _pass(baseline, alpha, gamma, form.plain(), weighted=True)
        return slopes, (total, ends)

    slopes, d_slopes, (total, ends) = jax.jvp(
        fused, tuple(parameters), tuple(tangents[:3]), has_aux=True
    )
    return (total, ends, slopes), (*_along(slopes, tangents), d_slopes)


def _along(slopes, tangents):
    """The terms' tangents: a product that reverse mode transposes."""
    of_total, of_ends = slopes
    d_total = sum(jnp.sum(s * t) for s, t in zip(of_total, tangents[:3], strict=True))
    return d_total, of_ends * tangents[2]


def _pass(baseline, alpha, gamma, form: PassForm, *, weighted: bool):
    by_event = baseline.ndim == 1
    weights = alpha * gamma
    start, ends, ends_slope = form.starts(gamma, weighted=weighted)
    by_lane: Any = None if by_event else form.by_lane(baseline)
    alone = form.laid(baseline) if by_event else None
    product, sums, inverses = form.swept(start, gamma, weights, by_lane, alone, weighted=weighted)
    low = is_low(jnp.min(product[2]), weights)
    total = unless(low, _log_product(product, form.marks.shape[0]), -jnp.inf)
    if not weighted:
        return total, ends, None
    counts, lagged = jnp.sum(sums[0], 2), jnp.sum(sums[1], 2)
    slope = form.in_order(inverses) if by_event else form.by_sequence(sums[2])
    slopes = slope, gamma * counts, alpha * (counts - gamma * lagged)
    return total, ends, (unless(low, slopes, 0), ends_slope)


def _swept(form: PassForm, start, gamma, weights, by_lane, alone, *, weighted: bool) -> Swept:
    num_marks, num_lanes, dtype = form.num_marks, form.wide, gamma.dtype
    by_event = alone is not None

    def step(carry, row):
        state, product, sums = carry
        one, mark, *read = row
        state = form.advance(gamma, state, mark, read)
        moments = state[0]
        rate = jnp.ones(num_lanes, dtype)
        for i in range(num_marks):
            own = sum(weights[i, j] * moments[0][i, j] for j in range(num_marks))
            rate = jnp.where(mark == i, own + (one if by_event else by_lane[i]), rate)
        out = None
        if weighted:
            marks = jnp.arange(num_marks, dtype=mark.dtype)[:, None]
            inverse = jnp.where(mark[None] == marks, 1 / rate[None], 0)
            sums = tuple(a + b * inverse[:, None] for a, b in zip(sums, moments, strict=False)) + (
                () if by_event else (sums[-1] + inverse,)
            )
            if by_event:
                out = jnp.sum(inverse, 0)
        return (state, multiplied(product, rate), sums), out

    sums: Any = ()
    if weighted:
        zero = jnp.zeros((num_marks, num_marks, num_lanes), dtype)
        sums = (zero, zero) + (() if by_event else (zero[0],))
    rows = (alone, form.marks, *form.steps())
    carry, inverses = jax.lax.scan(step, (start, empty_product(num_lanes, dtype), sums), rows)
    return Swept(carry[1], carry[2], inverses)


# A sum of logarithms is computed as the logarithm of a product, kept as a mantissa in [1, 2) and an
# integer exponent. That costs a few integer operations per event, where a logarithm costs as much
# as four exponentials, and its rounding error does not grow with the sum.


def empty_product(num_lanes: int, dtype):
    """The product of no intensities: mantissas, exponents, the least factor."""
    one = jnp.ones(num_lanes, dtype)
    return one, jnp.zeros(num_lanes, _FORMATS[dtype.name][0]), one


def multiplied(product, rate):
    """The product with one more intensity of each lane."""
    mantissa, exponent, least = product
    integer, width, _ = _FORMATS[rate.dtype.name]
    bits = jax.lax.bitcast_convert_type(mantissa * rate, integer)
    one = np.ones((), rate.dtype).view(integer)
    mantissa = jax.lax.bitcast_convert_type((bits & integer((1 << width) - 1)) | one, rate.dtype)
    return mantissa, exponent + (bits >> width), jnp.minimum(least, rate)


def _log_product(product, steps: int):
    mantissa, exponent, least = product
    dtype = mantissa.dtype
    _, _, bias = _FORMATS[dtype.name]
    whole = jnp.sum(exponent - steps * bias).astype(dtype)
    total = jnp.sum(jnp.log(mantissa)) + whole * dtype.type(np.log(2))
    least = jnp.min(least)
    return jnp.where(least >= 0, total, jnp.nan)


_FORMATS = {"float32": (np.int32, 23, 127), "float64": (np.int64, 52, 1023)}


def link(factor, span, state, depth: int):
    """States at the lanes' ends: each lane's affine map applied to the lane before it.

    `S1 = P S0 + s` and `Q1 = P (Q0 + span S0) + q`, composed over 1, 2, 4, ... lanes: in each of
    `BLOCKS` blocks of lanes, then over the blocks, so that several devices meet in three rounds and
    not in all (11.5 and not 12.5 ms a gradient of 10^6 events on two cores).
    """
    span = jnp.broadcast_to(span, factor.shape)
    stacked = jnp.stack((factor, span, *state) if len(state) == 2 else (factor, *state))
    if depth <= 2 * BLOCKS or stacked.shape[-1] % BLOCKS:
        return tuple(_composed(stacked, depth)[-len(state) :])
    blocks = stacked.reshape(*stacked.shape[:-1], BLOCKS, -1)
    blocks = _composed(blocks, min(depth, blocks.shape[-1]))
    before = _earlier(_composed(blocks[..., -1], BLOCKS), 1)
    return tuple(_after(before[..., None], blocks).reshape(stacked.shape)[-len(state) :])


def _composed(maps, depth: int):
    """The maps of up to `depth` lanes, each after those before it. One stacked array per round:
    otherwise the compiler would evaluate every round again inside the next."""
    distance = 1
    while distance < depth:
        maps = jax.lax.optimization_barrier(_after(_earlier(maps, distance), maps))
        distance *= 2
    return maps


def _earlier(maps, distance: int):
    """Each lane's map `distance` lanes earlier; where none is, one that changes nothing."""
    same = jnp.zeros((len(maps), *(1,) * (maps.ndim - 1)), maps.dtype).at[0].set(1)
    return shift(maps, distance, same)


def _after(before, maps):
    """Maps applied after others."""
    factor = maps[0]
    if len(maps) == 2:
        return jnp.stack((factor * before[0], maps[1] + factor * before[1]))
    _, span, counts, lagged = maps
    return jnp.stack(
        (
            factor * before[0],
            span + before[1],
            counts + factor * before[2],
            lagged + factor * (before[3] + span * before[2]),
        )
    )


def shift(array, distance: int, fill=0):
    """Each lane's value `distance` lanes earlier; `fill` where there is none."""
    shape = (*array.shape[:-1], min(distance, array.shape[-1]))
    head = jnp.broadcast_to(jnp.asarray(fill, array.dtype), shape)
    return jnp.concatenate([head, array[..., :-distance]], -1)
