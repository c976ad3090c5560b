"""The `steps x lanes` form as one kernel of a GPU: the recursion stays in its registers."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as on_gpu

from hawkesjax.hawkes.counts.lane_passes import Swept, empty_product, multiplied
from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.lanes_layout import lane_layout
from hawkesjax.hawkes.counts.padding import divisible
from hawkesjax.hawkes.counts.stream import Stream

# Lanes of a program: one for each thread of four warps.
WIDE = 128
# Lanes that keep 132 multiprocessors busy, each with 1,024 threads of at most 64 registers. For
# sm_90, ptxas counts 40, 48, 96 and 165 registers a thread for one to four marks in single
# precision, 44, 112, 222 and 255 in double, and the last alone goes to memory (104 bytes).
ENOUGH = 132 * 1024
MOST_MARKS = 4
FEWEST = 16  # steps, below which starting a lane costs more than its events
MOST = 2**31  # numbers of an array: a kernel counts its places in 32 bits


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class RegisterForm(LaneForm):
    r"""Decayed counts of few marks on a GPU, by one kernel for all steps.

    The mathematics, the arrays and their order are those of `LaneForm`, whose loop over the steps
    starts a few kernels a step, each of which reads and writes the states of all lanes. Here a
    thread keeps the states, the products and the sums of its lane in registers over all steps,
    reads each event once, :math:`4 (2 + D)` bytes in single precision, and writes
    :math:`2 D^2 + D + 3` numbers at its lane's end.

    A baseline by event, derivatives of the gradient, and arrays of 2^31 numbers take the loop of
    `LaneForm`. On a CPU the kernel is interpreted: right, and slower than that loop.

    Args: those of `LaneForm`.
    """

    whole: ClassVar[int] = WIDE

    @classmethod
    def from_stream(
        cls, stream: Stream, dtype: np.dtype | type = np.float64, lanes: int | None = None
    ) -> LaneForm:
        """Lay a stream out on the host; arguments as in `LaneForm.from_stream`.

        Raises:
            ValueError: for more than four marks, whose states do not fit into registers.
        """
        if stream.num_marks > MOST_MARKS:
            raise ValueError(
                f'form="registers" holds at most {MOST_MARKS} marks, and the panel has '
                f'{stream.num_marks}: leave form out, or use "lanes" or "pairs".'
            )
        if lanes is None:
            lanes = max(1, min(ENOUGH, stream.num_events // FEWEST))
        return divisible(cls(**lane_layout(stream, np.dtype(dtype), lanes)), WIDE)

    def plain(self) -> LaneForm:
        return LaneForm(**{part.name: getattr(self, part.name) for part in fields(self)})

    def swept(
        self, start: Any, gamma: Any, weights: Any, by_lane: Any, alone: Any, *, weighted: bool
    ) -> Swept:
        if alone is not None or self.wide % WIDE or self.jumps.size >= MOST:
            return super().swept(start, gamma, weights, by_lane, alone, weighted=weighted)
        moments = start[0] if weighted else start[0][:1]
        given = (gamma, weights, jnp.asarray(by_lane, self.gaps.dtype), *moments)
        product, sums = jax.lax.platform_dependent(
            *given,
            *(self.gaps, self.jumps, self.marks),
            cpu=functools.partial(_swept, weighted=weighted, interpret=True),
            default=functools.partial(_swept, weighted=weighted, interpret=False),
        )
        return Swept(product, sums, None)


def _swept(gamma: Any, *rest: Any, weighted: bool, interpret: bool) -> Any:
    """Products and sums by lane, from (D, D) decay rates, and in this order: weights of the same
    shape; baselines, (D, lanes); states; gaps, jumps and marks."""
    *moments, gaps, _, _ = rest[2:]
    steps, wide = gaps.shape
    num_marks, dtype = gamma.shape[0], gaps.dtype
    pairs, rates = (num_marks, num_marks), (num_marks,)

    def along(*before: int) -> pl.BlockSpec:
        return pl.BlockSpec((*before, WIDE), lambda i: (*(0 for _ in before), i))

    def whole(*shape: int) -> pl.BlockSpec:
        return pl.BlockSpec(shape, lambda i: tuple(0 for _ in shape))

    def output(*before: int, kind: Any = dtype) -> Any:
        return jax.ShapeDtypeStruct((*before, wide), kind)

    sums = [pairs, pairs, rates] if weighted else []
    integer = empty_product(1, dtype)[1].dtype
    kernel = functools.partial(_kernel, steps=steps, num_marks=num_marks, states=len(moments))
    out = pl.pallas_call(
        kernel,
        grid=(wide // WIDE,),
        in_specs=[
            whole(*pairs),
            whole(*pairs),
            along(*rates),
            *(along(*pairs) for _ in moments),
            along(steps),
            along(steps, num_marks),
            along(steps),
        ],
        out_specs=[along(), along(), along(), *(along(*shape) for shape in sums)],
        out_shape=[
            output(),
            output(kind=integer),
            output(),
            *(output(*shape) for shape in sums),
        ],
        compiler_params=on_gpu.CompilerParams(num_warps=WIDE // 32),
        interpret=interpret,
        name="hawkes_lanes",
    )(gamma, *rest)
    return tuple(out[:3]), tuple(out[3:])


def _kernel(gamma, weights, baseline, *rest, steps: int, num_marks: int, states: int) -> None:
    """One program: WIDE lanes from their first step to their last."""
    starts, (gaps, jumps, marks), out = rest[:states], rest[states : states + 3], rest[states + 3 :]
    dtype, every = gaps.dtype, range(num_marks)
    pairs = [(i, j) for i in every for j in every]
    rate_of = {pair: gamma[pair] for pair in pairs}
    weight_of = {pair: weights[pair] for pair in pairs}
    alone = [baseline[i, :] for i in every]
    nothing = jnp.zeros(WIDE, dtype)

    def step(n, carry):
        moments, product, sums = carry
        gap, mark = gaps[n, :], marks[n, :]
        come = [jumps[n, j, :] for j in every]
        moved: list[list[Any]] = [[] for _ in moments]
        for place, (i, j) in enumerate(pairs):
            decay = jnp.exp(-rate_of[i, j] * gap)
            count = decay * (moments[0][place] + come[j])
            moved[0].append(count)
            if states == 2:
                moved[1].append(decay * moments[1][place] + gap * count)
        rate = jnp.ones(WIDE, dtype)
        for i in every:
            own = alone[i]
            for j in every:
                own = own + weight_of[i, j] * moved[0][i * num_marks + j]
            rate = jnp.where(mark == i, own, rate)
        if states == 2:
            inverse = [jnp.where(mark == i, 1 / rate, 0) for i in every]
            sums = (
                *(
                    tuple(a + b * inverse[i] for a, b, (i, _) in zip(s, m, pairs, strict=True))
                    for s, m in zip(sums[:2], moved, strict=True)
                ),
                tuple(a + b for a, b in zip(sums[2], inverse, strict=True)),
            )
        return tuple(map(tuple, moved)), multiplied(product, rate), sums

    begin = tuple(tuple(start[i, j, :] for i, j in pairs) for start in starts)
    sums: Any = ()
    if states == 2:
        sums = ((nothing,) * len(pairs), (nothing,) * len(pairs), (nothing,) * num_marks)
    carry = begin, empty_product(WIDE, dtype), sums
    _, product, sums = jax.lax.fori_loop(0, steps, step, carry)
    for ref, values in zip(out[:3], product, strict=True):
        ref[...] = values
    for ref, values in zip(out[3:5], sums[:2], strict=False):
        for (i, j), value in zip(pairs, values, strict=True):
            ref[i, j, :] = value
    if states == 2:
        for i, value in enumerate(sums[2]):
            out[5][i, :] = value
