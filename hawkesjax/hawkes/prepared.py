"""A panel prepared for a device: sizes are static, names are left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from hawkesjax.core.cache import kept
from hawkesjax.core.hosts import Shares
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.background import Cells, lay_out
from hawkesjax.hawkes.compensator import powers_of
from hawkesjax.hawkes.counts.blocks import BlockForm
from hawkesjax.hawkes.counts.choose import by_lanes, choose_form, edges_of, in_blocks
from hawkesjax.hawkes.counts.edges import EdgeForm
from hawkesjax.hawkes.counts.even import EvenForm
from hawkesjax.hawkes.counts.mixture import MixtureForm
from hawkesjax.hawkes.counts.points import point_form
from hawkesjax.hawkes.counts.scan import ScanForm
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.exposed import Exposed, refuse_impossible
from hawkesjax.hawkes.inflow import Inflow
from hawkesjax.hawkes.kernels import EXPONENTIAL, Kernel
from hawkesjax.hawkes.sizes import of_one_size, on_ladder
from hawkesjax.hawkes.strength import Carried, Strength, points_of
from hawkesjax.hawkes.timeline import Timeline
from hawkesjax.hawkes.watched import Missed
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.warned import warn

EXPOSED = (
    "An exposure multiplies the baseline only in models with link='identity': leave out the "
    "exposure, or the link."
)
SLOW = 10_000  # events from which a slow form is worth a warning
COPIES = 8  # of a panel with a resolution, with times spread over their steps


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PreparedPanel:
    """What the likelihood needs of a panel; panels of the same sizes share one compilation.

    The form for few marks is padded to a ladder of sizes, so that panels with similar numbers of
    events have the same size; arrays by event are then longer than N.

    Args:
        form: the decayed counts' form (`hawkesjax.hawkes.counts`).
        durations: (M,) length of each sequence's window.
        observed: (M,) the same, without the gaps of the record.
        counts: (M, D) events of each mark in each sequence.
        marks, sequence: (N,) of each event.
        powers, longest: `powers_of` the times from the events to their windows' ends; the former
            None for a traced panel.
        num_sequences, num_marks: M, D.
        cells: the covariates along the windows, if there are any.
        missed: the children lost in gaps of the record, if there are any.
        inflow: the excitation by a known history, if there is one.
        carried: what scales the events' effects, if anything does; the form then includes the
            history and the gaps, and there is neither `missed` nor `inflow`.
        exposure: the known factor on the baselines, if there is one.
        copies: for a panel with a resolution, copies with times spread over it, stacked along a
            first axis; this one is the first of them.
        timeline: for a model with another link than the identity, in place of the form.
        shares: for a panel of which each process holds a part, these parts; this one is then the
            whole without events, and has no form.
        remaining: (N,) times to the windows' ends, of a traced panel.
    """

    form: Any
    durations: Float[AnyArray, " sequences"]
    observed: Float[AnyArray, " sequences"]
    counts: Float[AnyArray, "sequences marks"]
    marks: Int[AnyArray, " events"]
    sequence: Int[AnyArray, " events"]
    powers: Float[AnyArray, "orders marks"] | None
    longest: Float[AnyArray, ""]
    num_sequences: int = field(metadata={"static": True})
    num_marks: int = field(metadata={"static": True})
    cells: Cells | None = None
    missed: Missed | None = None
    inflow: Inflow | None = None
    carried: Carried | None = None
    exposure: Exposed | None = None
    copies: PreparedPanel | None = None
    timeline: Timeline | None = None
    shares: Shares | None = None
    remaining: Float[AnyArray, " events"] | None = None

    @property
    def num_events(self) -> Float[Array, ""]:
        """Number of events N, an array."""
        return jnp.sum(jnp.asarray(self.counts))

    @property
    def dtype(self) -> np.dtype:
        """Floating type of the computation."""
        return self.durations.dtype

    @property
    def exposed(self) -> Float[AnyArray, " sequences"]:
        """(M,) integral of the exposure over the observed time; without one, that time."""
        return self.observed if self.exposure is None else self.exposure.totals

    @property
    def rates(self) -> Float[Array, " marks"]:
        """(D,) events of each mark per unit of time and sequence; half an event for none."""
        return self._per(self.observed)

    @property
    def exposed_rates(self) -> Float[Array, " marks"]:
        """The same per unit of exposure: the scale of the baselines' levels."""
        return self._per(self.exposed)

    @property
    def sums_of_powers(self) -> Any:
        """`powers`, or a function that finds them: they are rarely needed, and cost a traced panel
        as much as all the rest."""
        if self.remaining is None:
            return self.powers
        return lambda: powers_of(self.remaining, self.marks, self.num_marks)[0]

    def _per(self, time: Float[AnyArray, " sequences"]) -> Float[Array, " marks"]:
        return _rates(jnp.asarray(self.counts), jnp.asarray(time))


@jax.jit
def _rates(counts: Array, time: Array) -> Array:
    totals, time = jnp.sum(counts, axis=0), jnp.sum(time)
    return jnp.maximum(totals, 0.5) / jnp.where(time > 0, time, 1)


def stream_of(panel: EventPanel) -> Stream:
    """The panel's events as a `Stream`."""
    return Stream.from_arrays(
        panel.waits,
        panel.remaining,
        panel.marks,
        panel.sequence,
        num_marks=panel.num_marks,
        num_sequences=panel.num_sequences,
    )


def prepare(
    panel: EventPanel,
    *,
    form: str = "auto",
    dtype: Any = None,
    gamma: float | tuple | None = None,
    kernel: Kernel = EXPONENTIAL,
    covariates: Covariates | None = None,
    strength: Strength | None = None,
    linked: bool = False,
    shared: bool = False,
    network: bytes | None = None,
) -> PreparedPanel:
    """Lay a panel out once; the same panel and form return the same object again.

    Under a transformation that has replaced the panel's arrays by tracers (`jit` or `vmap` over
    panels), a form is built that needs no work on the host: lanes that are laid out in JAX for few
    marks, one event a step for more.

    Raises:
        ValueError: for a fixed gamma with another number of marks; where covariates do not cover
            the panel, or the panel is traced and the model has covariates; where the form cannot
            take the panel.
    """
    if linked and len(panel.exposure):
        raise ValueError(EXPOSED)
    dtype = np.dtype(jnp.zeros(()).dtype if dtype is None else dtype)
    if gamma is not None and np.shape(gamma) not in [(panel.num_marks,) * n for n in range(3)]:
        raise ValueError(
            f"The fixed gamma has shape {np.shape(gamma)}, the panel {panel.num_marks} marks: give "
            f"a number, one per mark, or one per pair."
        )
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(panel)):
        if covariates is not None:
            raise ValueError(
                "Covariates are looked up on the host, before jit or vmap: pass the result of "
                "model.prepare(panel) in place of the panel."
            )
        known = len(panel.gaps) or len(panel.history) or len(panel.exposure)
        if known or panel.resolution or strength:
            raise ValueError(
                "Gaps of the record, a history, an exposure, a resolution, and scaled or delayed "
                "effects are laid out on the host, before jit or vmap: pass the result of "
                "model.prepare(panel) in place of the panel."
            )
        if linked:
            raise ValueError(
                "With a link, events are laid out on the host, before jit or vmap: pass the result "
                "of model.prepare(panel) in place of the panel."
            )
        if panel.waits.shape[-1] > SLOW and not by_lanes(panel.num_marks):
            warn(
                f"The panel of {panel.num_marks} marks is traced (an argument of jit, grad or "
                f"vmap), so that its events are taken one a step: pass the result of "
                f"model.prepare(panel) in its place, which is ten times as fast and more."
            )
        return _traced(panel, dtype, kernel)
    if form == "registers" and panel.num_events > SLOW and jax.default_backend() == "cpu":
        warn(
            'form="registers" is a kernel for GPUs; on a CPU it is interpreted, five times as slow '
            'and more: use form="lanes".'
        )
    return _laid_out(
        panel, form, dtype, gamma, kernel, covariates, strength or None, linked, shared, network
    )


@kept
def _laid_out(
    panel: EventPanel,
    form: str,
    dtype: np.dtype,
    gamma: tuple | float | None,
    kernel: Kernel,
    covariates: Covariates | None,
    strength: Strength | None,
    linked: bool,
    shared: bool,
    network: bytes | None,
) -> PreparedPanel:
    if panel.resolution:
        rest = (covariates, strength, linked, shared, network)
        return _spread_out(panel, form, dtype, gamma, kernel, *rest)
    stream = stream_of(panel)
    fixed = None if gamma is None else np.array(gamma)
    options = {"form": form, "dtype": dtype, "gamma": fixed}
    carried, whole = None, strength is None
    if linked:
        made: Any = None
    elif strength is None:
        blocks = form == "blocks" or (
            form == "auto" and in_blocks(stream, shared, gamma is not None)
        )
        edges = edges_of(network, panel.num_marks) if form == "auto" else None
        if edges is not None:
            made = EdgeForm.from_stream(stream, edges, dtype, kernel.ratios)
        elif blocks and shared:
            made = BlockForm.from_stream(stream, dtype, kernel.ratios)
        elif kernel == EXPONENTIAL:
            made = choose_form(stream, **options, shared=shared)
        else:
            made = MixtureForm.from_stream(stream, kernel.ratios, **options)
    else:
        points = points_of(panel, strength.lag)
        made = point_form(points, stream.marks, kernel.ratios, dtype)
        carried = strength.carried(panel, points.cause, points.panel.sequence, dtype)
    watched = covariates is not None
    powers, longest = powers_of(stream.remaining, stream.marks, panel.num_marks)
    prepared = PreparedPanel(
        form=made,
        durations=np.asarray(panel.duration, dtype),
        observed=np.asarray(panel.observed, dtype),
        counts=np.asarray(panel.counts, dtype),
        num_sequences=panel.num_sequences,
        num_marks=panel.num_marks,
        marks=stream.marks,
        sequence=stream.sequence,
        powers=powers.astype(dtype),
        longest=np.asarray(longest, dtype),
        cells=lay_out(covariates, panel, dtype) if watched else None,
        missed=Missed.of(panel, dtype) if whole else None,
        inflow=Inflow.of(panel, dtype) if whole else None,
        carried=carried,
        exposure=Exposed.of(panel, dtype),
        timeline=Timeline.of(panel, covariates, dtype) if linked else None,
    )
    prepared = on_ladder(prepared)
    # Moved to the device once, not at every call; as concrete values even within a trace.
    with jax.ensure_compile_time_eval():
        return jax.device_put(prepared)


def _spread_out(panel: EventPanel, form: str, dtype: np.dtype, *rest: Any) -> PreparedPanel:
    """Copies of a panel with its times spread over their resolution."""
    if form == "auto":
        form = "lanes" if rest[1] == EXPONENTIAL and rest[3] is None else "scan"
    if form == "pairs":
        raise ValueError('form="pairs" needs exact times; leave form out for rounded ones.')
    copies = [
        _laid_out(spread(panel, panel.resolution, seed=seed)[0], form, dtype, *rest)
        for seed in range(COPIES)
    ]
    copies = of_one_size(copies)
    with jax.ensure_compile_time_eval():
        stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *copies)
        return replace(jax.tree.map(jnp.asarray, copies[0]), copies=stacked)


def _traced(panel: EventPanel, dtype: np.dtype, kernel: Kernel) -> PreparedPanel:
    marks, sequence = jnp.asarray(panel.marks), jnp.asarray(panel.sequence)
    first = jnp.concatenate([jnp.ones(min(1, len(marks)), bool), sequence[1:] != sequence[:-1]])
    sizes = {"num_sequences": len(panel.sequence_names), "num_marks": len(panel.mark_names)}
    counts = _counted(marks, sequence, tuple(sizes.values())).astype(dtype)
    waits, remaining = jnp.asarray(panel.waits, dtype), jnp.asarray(panel.remaining, dtype)
    form: Any
    if by_lanes(sizes["num_marks"]):
        form = EvenForm.from_columns(waits, remaining, marks, sequence, first, **sizes, dtype=dtype)
    else:
        form = ScanForm(waits, remaining, marks, sequence, first, sizes["num_marks"])
    if kernel != EXPONENTIAL:
        ratios = jnp.asarray(kernel.ratios, dtype)
        form = MixtureForm(form, marks, sequence, remaining, ratios, sizes["num_marks"], False)
    duration = jnp.asarray(panel.duration, dtype)
    longest = jnp.max(remaining, initial=0)
    watched = (duration, duration, counts, marks, sequence, None, longest)
    return PreparedPanel(form, *watched, **sizes, remaining=remaining)


def _counted(marks: Array, sequence: Array, shape: tuple[int, ...]) -> Array:
    """Events of each mark in each sequence; of one, without adding them up one after another."""
    if shape[0] == 1 and by_lanes(shape[1]):
        others = [jnp.sum(marks == j, dtype=np.int32) for j in range(shape[1] - 1)]
        return jnp.stack([*others, marks.shape[0] - sum(others)])[None]
    cell = sequence * shape[1] + marks
    return jnp.zeros(shape[0] * shape[1], int).at[cell].add(1).reshape(shape)


def over_copies(function: Callable[[PreparedPanel], Array], data: PreparedPanel) -> Array:
    """The mean of a function over the copies of a panel with a resolution."""
    return jnp.mean(jax.lax.map(jax.checkpoint(function), data.copies))


def same_gamma(fixed: Any, given: Any) -> bool:
    """Whether a given gamma equals the fixed one; a traced one cannot be checked."""
    try:
        fixed, given = np.asarray(fixed), np.asarray(given)
        return bool(np.allclose(*np.broadcast_arrays(fixed, given), rtol=1e-6, atol=0))
    except (ValueError, jax.errors.TracerArrayConversionError):
        return False


def check_panel(panel: EventPanel, *, shared: bool, lag: float = 0.0) -> None:
    """Refuse data from which a baseline cannot be learned.

    Args:
        panel: the data.
        shared: whether all sequences share a baseline.
        lag: time from an event to the start of its effect.

    Raises:
        ValueError: for sequences that have events but no time in which their baseline could be
            learned, and for events that neither the baseline nor an earlier event can cause.
    """
    events = panel.counts.sum(axis=1)
    duration = np.asarray(panel.exposed)
    empty = (duration <= 0) & (events > 0)
    if shared:
        empty &= bool(np.all(duration <= 0))
    if np.any(empty):
        names = [n for n, bad in zip(panel.sequence_names, empty, strict=True) if bad]
        where = "whose exposure is 0" if np.any(panel.observed[empty] > 0) else "of no length"
        raise ValueError(
            f"{len(names)} sequences have events in a window {where} "
            f"({', '.join(names[:5])}{', ...' if len(names) > 5 else ''}): their baselines "
            f"cannot be learned. Give the window in which events could have been seen."
        )
    if len(panel.exposure):
        refuse_impossible(panel, COPIES, lag)
