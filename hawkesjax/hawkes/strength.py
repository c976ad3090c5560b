"""How effects differ between events: by magnitude, by sequence, by time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float, Int

from hawkesjax.core.hosts import summed
from hawkesjax.core.parameter import Parameter
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.modifiers import Modifiers
from hawkesjax.hawkes.watched import Watched, with_history
from hawkesjax.inputs.arrays import AnyArray

Params = Mapping[str, Any]
PAIR = ("target", "source")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Carried:
    """What determines each event's effect; E events, those of a history first in their sequence.

    Args:
        marks: (E,) of each.
        own: (E,) 1 for an event within its window, 0 for one of the history.
        size: (E,) the feature of its magnitude; 0 without.
        row: (E,) its row of modifiers; 0 without.
        rows: (U, F) distinct rows; not stored if each sequence is its own group.
        cause: (P,) event that has its effect at each point of the form; -1 for none.
        owner: (P,) row of modifiers of each point's sequence; 0 without.
    """

    marks: Int[AnyArray, " carried"]
    own: Float[AnyArray, " carried"]
    size: Float[AnyArray, " carried"]
    row: Int[AnyArray, " carried"]
    rows: Float[AnyArray, "rows features"]
    cause: Int[AnyArray, " points"]
    owner: Int[AnyArray, " points"]

    @property
    def extremes(self) -> Carried:
        """Two events, of the least and the largest feature of those of the windows: what the priors
        ask of them."""
        sizes = np.asarray(self.size)[np.asarray(self.own) > 0]
        ends = np.array([sizes.min(), sizes.max()] if len(sizes) else [], self.size.dtype)
        none, two = np.zeros(0, np.int32), np.zeros(len(ends), np.int32)
        return replace(
            self, marks=two, own=np.ones_like(ends), size=ends, row=two, cause=none, owner=none
        )

    def filled(self, points: int, events: int) -> Carried:
        """Padded to these numbers of points and events; the padding causes nothing."""
        more, most = (0, points - len(self.cause)), (0, events - len(self.marks))
        names = ("marks", "own", "size", "row")
        longer = {name: np.pad(getattr(self, name), most) for name in names}
        cause = np.pad(self.cause, more, constant_values=-1)
        return replace(self, cause=cause, owner=np.pad(self.owner, more), **longer)


@dataclass(frozen=True)
class Strength:
    r"""The factor of an event's effects on each target.

    .. math:: W_{ki} = e^{\kappa_{m_k} s_k} \, e^{x_k \cdot \eta_{i m_k}}

    with s the magnitude (`"exponential"`) or its logarithm (`"power"`), x the modifiers and
    :math:`\eta` the parameter `alpha_effect`; of pooled groups
    :math:`\eta_{ijg} = \sigma_{ij} z_{ijg}`, `alpha_spread` and `alpha_offset`. The decay
    rates of a sequence's events are those of all, times :math:`e^{x \cdot \zeta}` with
    `gamma_effect`.

    Args:
        magnitude: how effects grow with magnitude, or None.
        modifiers: of sequences or time, or None.
        lag: time from an event to the start of its effect.
        decays: axes of the decay rates where these depend on the modifiers, else None.
    """

    magnitude: str | None
    modifiers: Modifiers | None
    lag: float = 0.0
    decays: tuple[str, ...] | None = None

    def __bool__(self) -> bool:
        return bool(self.scales or self.lag > 0)

    @property
    def scales(self) -> bool:
        """Whether some events have stronger effects than others."""
        return self.magnitude is not None or self.modifiers is not None

    def parameters(self, without: Any) -> tuple[Parameter, ...]:
        """The parameters; `without` masks effects that are 0, whose factors are not identified.

        The prior of a magnitude's effect is normal: a factor of `exp(1.5)`, one standard deviation,
        between its smallest and largest value, whatever its unit; a modifier's is a factor of e. A
        spread between groups is HalfNormal(1), like that of a hierarchical baseline.
        """
        found: tuple[Parameter, ...] = ()

        def flat(params: Params, data: Any) -> Any:
            return without(params, data)[..., None]

        if self.magnitude is not None:
            no_effect = lambda params, data: np.all(without(params, data), axis=0)  # noqa: E731
            found = (Parameter("kappa", _of_sizes, ("source",), 0.0, no_effect),)
        if self.modifiers is None:
            return found
        if self.modifiers.pooled:
            standard = Parameter("alpha_offset", dist.Normal(0.0, 1.0), (*PAIR, "effect"), 0.0)
            spread = Parameter("alpha_spread", dist.HalfNormal(1.0), PAIR, 0.3)
            return (*found, spread, standard)
        prior = dist.Normal(0.0, 1 / self.modifiers.reach)
        found = (*found, Parameter("alpha_effect", prior, (*PAIR, "effect"), 0.0, flat))
        if self.decays is None:
            return found

        def without_any(params: Params, data: Any) -> Any:
            nothing = without(params, data)
            size = len(PAIR) - len(self.decays or ())
            return np.all(nothing, axis=tuple(range(size)))[..., None]

        return (
            *found,
            Parameter("gamma_effect", prior, (*self.decays, "effect"), 0.0, without_any),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(one.name for one in self.parameters(None))

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Axes of derived quantities: the mean effect of an event, and the effects by group."""
        found: dict[str, tuple[str, ...]] = {"alpha_mean": PAIR} if self.scales else {}
        if self.modifiers is not None and self.modifiers.has_groups:
            found["alpha_group"] = ("group", *PAIR)
            if self.decays is not None:
                found["gamma_group"] = ("group", *self.decays)
        return found

    def carried(self, panel: EventPanel, cause: Any, sequence: Any, dtype: Any) -> Carried:
        """What determines the effects of a panel's events and of its history, with the cause and
        the sequence of each point.

        Raises:
            ValueError: for a panel without magnitudes, magnitudes of 0 or less with a power,
                sequences without modifiers.
        """
        whole, own = with_history(panel)
        mine = np.zeros(whole.num_events)
        mine[own] = 1
        row, rows = np.zeros(whole.num_events, int), np.zeros((1, 0))
        owner = np.zeros(len(sequence), int)
        if self.modifiers is not None:
            times = whole.start[whole.sequence] + whole.times
            row = self.modifiers.locate(whole, whole.sequence, times)
            rows = self.modifiers.rows
        if self.modifiers is not None and self.decays is not None:
            owner = self.modifiers.of_sequences(whole)[sequence]
        return Carried(
            marks=np.asarray(whole.marks, np.int32),
            own=mine.astype(dtype),
            size=self.feature(whole.magnitude, whole.num_events).astype(dtype),
            row=row.astype(np.int32),
            rows=rows.astype(dtype),
            cause=np.asarray(cause, np.int32),
            owner=owner.astype(np.int32),
        )

    def feature(self, magnitude: Any, events: int) -> Float[np.ndarray, " events"]:
        """The feature of magnitudes: themselves, or their logarithms."""
        if self.magnitude is None:
            return np.zeros(events)
        if magnitude is None:
            raise ValueError(
                "The model scales effects by magnitude, and the panel has none: build it with "
                "magnitude=."
            )
        values = np.asarray(magnitude, np.float64)
        if self.magnitude == "exponential":
            return values
        if np.any(values <= 0):
            first = int(np.argmax(values <= 0))
            raise ValueError(
                f"Event {first} has magnitude {values[first]:g}; a power of it needs magnitudes "
                f"above 0. Add a constant, or use magnitude='exponential'."
            )
        return np.log(values)

    def by_row(self, params: Params, rows: AnyArray) -> Float[Array, "*draws rows marks marks"]:
        """log of the factor of each row of modifiers, target and source."""
        if self.modifiers is not None and self.modifiers.pooled:
            spread, offset = (jnp.asarray(params[n]) for n in ("alpha_spread", "alpha_offset"))
            logs = spread[..., None] * offset
            if not self.modifiers.by_sequence:
                logs = logs @ jnp.asarray(rows, logs.dtype).T
            return jnp.moveaxis(logs, -1, -3)
        effects = jnp.asarray(params["alpha_effect"])
        return jnp.moveaxis(effects @ jnp.asarray(rows, effects.dtype).T, -1, -3)

    def paces(self, params: Params, rows: AnyArray) -> Float[Array, "*draws rows marks marks"]:
        """Factor of the decay rates by row of modifiers, target and source."""
        effects = jnp.asarray(params["gamma_effect"])
        logs = jnp.moveaxis(effects @ jnp.asarray(rows, effects.dtype).T, -1, -len(self.decays) - 1)
        for _ in range(len(PAIR) - len(self.decays)):
            logs = jnp.expand_dims(logs, logs.ndim - len(self.decays))
        size = jnp.asarray(params["alpha"]).shape[-1]
        return jnp.exp(jnp.broadcast_to(logs, (*logs.shape[:-2], size, size)))

    def paced(self, params: Params, one: Carried) -> tuple[Array, Int[Array, " points"]] | None:
        """`paces`, and the row of each point; None where the decay rates are common to all."""
        if self.decays is None:
            return None
        return self.paces(params, one.rows), jnp.asarray(one.owner)

    def factors(self, params: Params, one: Carried) -> Float[Array, "carried marks"]:
        """W of each event and target."""
        marks = jnp.asarray(one.marks)
        logs = jnp.zeros((marks.shape[0], 1), one.size.dtype)
        if self.magnitude is not None:
            logs = logs + (jnp.asarray(params["kappa"])[marks] * one.size)[:, None]
        if self.modifiers is not None:
            logs = logs + self.by_row(params, one.rows)[one.row, :, marks]
        return jnp.exp(logs)

    def weights(self, params: Params, one: Carried, size: int) -> Float[Array, "points marks"]:
        """What each point adds to the decayed counts, by target."""
        factors = jnp.broadcast_to(self.factors(params, one), (one.marks.shape[0], size))
        none = jnp.zeros((1, size), factors.dtype)
        return jnp.concatenate([factors, none])[one.cause]

    def means(self, params: Params, data: Any, size: int) -> Float[Array, "marks marks"]:
        """Mean factor of the window's own events, by target and source; 1 without events; data
        prepared."""

        def counted(params: Params, data: Any) -> tuple[Array, Array]:
            one = data.carried
            factors = jnp.broadcast_to(self.factors(params, one), (one.marks.shape[0], size))
            own = jnp.asarray(one.own)
            sums = jax.ops.segment_sum(factors * own[:, None], one.marks, size)
            return sums, jax.ops.segment_sum(own, one.marks, size)[:, None]

        sums, count = summed(counted, params, data)
        return jnp.where(count > 0, sums / jnp.maximum(count, 1), 1).T

    def derived(self, params: Params, alpha: Any, gamma: Any, data: Any) -> dict[str, Array]:
        """What `derived_dims` names; data prepared."""
        found, one = {}, data.carried
        if self.scales:
            found["alpha_mean"] = alpha * self.means(params, data, alpha.shape[-1])
        if "alpha_group" in self.derived_dims:
            found["alpha_group"] = alpha * jnp.exp(self.by_row(params, one.rows))
        if "gamma_group" in self.derived_dims:
            effects = jnp.asarray(params["gamma_effect"]) @ jnp.asarray(one.rows, alpha.dtype).T
            found["gamma_group"] = gamma * jnp.exp(jnp.moveaxis(effects, -1, 0))
        return found


def points_of(panel: EventPanel, lag: float) -> Watched:
    """The points at which a panel's events have their effects."""
    return Watched.of(panel, lag=lag, ends=True)


def _of_sizes(data: Any) -> dist.Distribution:
    size, own = data.carried.size, data.carried.own > 0
    least, most = jnp.where(own, size, jnp.inf), jnp.where(own, size, -jnp.inf)
    reach = jnp.max(most, initial=-jnp.inf) - jnp.min(least, initial=jnp.inf)
    return dist.Normal(0.0, 1.5 / jnp.where(reach > 0, reach, 1))
