"""The likelihood of the multivariate Hawkes process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.core.compiled import compiled, traced
from hawkesjax.core.mesh import Given, over
from hawkesjax.hawkes.compensator import children_within, mixture_increments
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.counts.underflow import exact, is_low, log_of, terms_of
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.kernels import EXPONENTIAL
from hawkesjax.hawkes.offsets import Offsets
from hawkesjax.hawkes.prepared import (
    COPIES,
    PreparedPanel,
    over_copies,
    prepare,
    same_gamma,
    stream_of,
)
from hawkesjax.hawkes.settings import LEARNED, Data, HawkesSettings, Params
from hawkesjax.hawkes.shares import share_panel
from hawkesjax.hawkes.sizes import divisible, prepare_alike
from hawkesjax.hawkes.watched import Watched


@dataclass(frozen=True)
class HawkesLikelihood(HawkesSettings):
    """The mathematics of `hawkesjax.Hawkes`."""

    def alike(self, data: Sequence[EventPanel]) -> list[PreparedPanel]:
        """Panels of as many sequences and marks, padded to one size where their form can be."""
        for one in data:
            self.accept(one)
        shapes = {(one.num_sequences, one.num_marks) for one in data}
        if len(shapes) > 1:
            return super().alike(data)
        return prepare_alike(self, data)

    def divisible(self, prepared: PreparedPanel, parts: int) -> PreparedPanel | None:
        """With lanes in a number that so many devices can share; None for other forms."""
        return divisible(prepared, parts)

    def prepare(self, data: Data, *, dtype: Any = None, mesh: Given = None) -> PreparedPanel:
        """Lay the panel out for the device, or the devices of a mesh (`hawkesjax.make_mesh`);
        `log_likelihood` takes the result in its place."""
        if isinstance(data, PreparedPanel):
            return over(self, data, mesh)
        self.accept(data)
        if self.lag == LEARNED:
            raise ValueError(
                "A lag is learned by fit alone: use the model of its estimate, or pass a number."
            )
        prepared = prepare(
            data,
            form=self.form,
            dtype=dtype,
            gamma=self.gamma,
            kernel=self.kernel,
            covariates=self.background.covariates,
            strength=self.strength,
            linked=self.link != "identity",
            shared=self._decay_dims == (),
            network=self.network(data.num_marks),
        )
        return over(self, prepared, mesh)

    def shared(
        self, data: EventPanel, mesh: Any, dtype: Any = None
    ) -> tuple[PreparedPanel, EventPanel]:
        """The panel of which each process brings some sequences, by lanes over all hosts, and its
        frame."""
        return share_panel(self, data, mesh, dtype)

    def _effects(self, params: Params) -> tuple[Array, Array]:
        """alpha and gamma."""
        if self.gamma is None:
            return jnp.asarray(params["alpha"]), jnp.asarray(params["gamma"])
        if "gamma" in params and not same_gamma(self.gamma, params["gamma"]):
            raise ValueError(
                f"The model's gamma is fixed at {self.gamma}; leave it out of the parameters."
            )
        return jnp.asarray(params["alpha"]), jnp.asarray(self.gamma)

    def excitation_of(self, params: Params) -> tuple[Array, ...]:
        """The arguments of the decayed counts' forms."""
        effects = self._effects(params)
        return effects if self.kernel == EXPONENTIAL else (*effects, self.kernel.weights(params))

    def form_of(self, params: Params, data: PreparedPanel) -> Any:
        """The form of the decayed counts, with the weights of the events where they have any."""
        if data.carried is None:
            return data.form
        weights = self.strength.weights(params, data.carried, data.num_marks)
        return replace(data.form, weights=weights, paced=self.strength.paced(params, data.carried))

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        Args:
            params: `mu`, `beta`, `alpha`, `gamma` and those of the kernel, as the model has
                them, by the shapes of `dims`; the three parts of a hierarchical baseline may
                stand in for `mu`.
            data: an `EventPanel`, or the result of `prepare`.
        """
        data = self.prepare(data)
        if traced(params, data):
            return self._log_likelihood(params, data, exact)
        params = self._learned(params)
        value = self._plain(params, data)
        return value if value > -jnp.inf else self._log_likelihood(params, data, exact)

    def _learned(self, params: Params) -> Params:
        """The parameters without a gamma that the model fixes."""
        self._effects(params)
        return {n: v for n, v in params.items() if self.gamma is None or n != "gamma"}

    @compiled
    def _plain(self, params: Params, data: PreparedPanel) -> Array:
        return self.log_likelihood_inside(params, data)

    def log_likelihood_inside(self, params: Params, data: Data) -> Float[Array, ""]:
        """`log_likelihood`, but minus infinity for an intensity that is nearly 0."""
        return self._log_likelihood(params, self.prepare(data), lambda total, *_: total)

    def _log_likelihood(self, params: Params, data: PreparedPanel, finish: Any) -> Array:
        if data.shares is not None:
            return data.shares.sum(
                lambda params, one: self._log_likelihood(params, one, finish), params
            )
        if data.copies is not None:
            return over_copies(lambda one: self._log_likelihood(params, one, finish), data)
        if data.timeline is not None:
            return self._walk(params, data)
        alpha, *rest = self.excitation_of(params)
        at_events, form = self.at_events(params, data), self.form_of(params, data)
        total, ends = form.event_terms(at_events, alpha, *rest)
        if data.carried is None:
            total = finish(total, at_events, form, alpha, *rest)
        expected = jnp.sum(self.background.integrals(params, data))
        return total - expected - jnp.sum(alpha * self.children(params, data, ends))

    def _walk(self, params: Params, data: PreparedPanel, *, keep: bool = False) -> Any:
        """`Timeline.walk` of a model with another link than the identity."""
        line: Any = data.timeline
        terms = (*self._effects(params), self.kernel.ratios, self.kernel.weights(params))
        real = tuple(jnp.asarray(x, data.dtype) for x in terms)
        return line.walk(self.link, self.background, params, real, keep=keep)

    def at_events(self, params: Params, data: PreparedPanel) -> Float[Array, "..."]:
        """Each event's rate without the other events of its window: the baseline plus what a known
        history adds, (N,); a constant baseline alone by cell, (M, D)."""
        own = self.background.at_events(params, data)
        if data.inflow is None:
            return own
        own = own[data.sequence, data.marks] if own.ndim == 2 else own
        return own + self.inflow_of(params, data)

    def inflow_of(self, params: Params, data: PreparedPanel) -> Float[Array, "..."]:
        """What a known history adds to each event's rate; 0 without one."""
        if data.inflow is None:
            return jnp.zeros((), data.dtype)
        alpha, gamma = self._effects(params)
        gamma = jnp.broadcast_to(gamma, alpha.shape)
        rates = data.inflow.per_effect(gamma, self.kernel.ratios, self.kernel.weights(params))
        return jnp.sum(alpha.astype(rates.dtype)[data.inflow.marks] * rates, axis=1)

    def children(
        self, params: Params, data: PreparedPanel, ends: Array
    ) -> Float[Array, "marks marks"]:
        """Children of each target that all events of each source have within their windows, per
        unit of alpha, where they can be observed; `ends` are those that come too late, or, where
        effects are scaled or delayed, the children themselves."""
        if data.carried is not None:
            return ends
        whole = jnp.sum(jnp.asarray(data.counts, ends.dtype), axis=0)[None]
        if self.compensator != "exact":
            return whole + jnp.zeros_like(ends)
        gamma = jnp.broadcast_to(self._effects(params)[1], ends.shape)
        terms = (self.kernel.ratios, self.kernel.weights(params))
        within = children_within(whole - ends, gamma, *terms, data.sums_of_powers, data.longest)
        if data.inflow is not None:
            within = within + data.inflow.children(gamma, *terms)
        return within if data.missed is None else within - data.missed.children(gamma, *terms)

    def offsets(self, params: Params, data: PreparedPanel) -> Offsets:
        """What the integrals over a hierarchical baseline's offsets depend on."""
        cells = (data.num_sequences, data.num_marks)
        alone = {**params, "mu": jnp.ones(cells, data.dtype)}
        own = self.background.at_events(alone, data)
        cell = jnp.asarray(data.sequence) * data.num_marks + jnp.asarray(data.marks)
        real = {
            "log_median": jnp.tile(jnp.log(jnp.asarray(params["mu_median"])), cells[0]),
            "spread": jnp.tile(jnp.asarray(params["mu_spread"]), cells[0]),
            "exposure": jnp.ravel(self.background.integrals(alone, data)),
            "own": own if own.ndim == 1 else jnp.ones(cell.shape, data.dtype),
            "excitation": self.form_of(params, data).excitation(*self.excitation_of(params))
            + self.inflow_of(params, data),
        }
        return Offsets(
            **{name: jnp.asarray(value, data.dtype) for name, value in real.items()},
            cell=cell,
            real=jnp.arange(cell.shape[0]) < data.num_events,
        )

    def latent(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """The offsets of a hierarchical baseline at their conditional mode, given all else."""
        if self.background.levels != "hierarchical":
            return {}
        if data.shares is not None:  # the mode of a sequence that a part lacks is 0
            return data.shares.sum(self.latent, params)
        found = self.offsets(params, data).modes()
        return {"mu_offset": found.reshape(data.num_sequences, data.num_marks)}

    def log_intensity(self, params: Params, panel: EventPanel) -> Float[Array, " events"]:
        """log lambda of each event's own mark just before the event, in the panel's order."""
        data = self.prepare(panel)
        if data.timeline is not None:
            logs = self._walk(params, data, keep=True)[0]
            return logs[data.timeline.of_event, panel.marks]
        params = self._learned(params)
        if not traced(params, data):
            logs, low = self._logs(params, data)
            if data.carried is not None or not low:
                return logs[: panel.num_events]
        own, intensity = self._intensity(params, data)
        if data.carried is not None:
            return jnp.log(intensity)[: panel.num_events]
        known, form = self.excitation_of(params), self.form_of(params, data)
        return log_of(intensity, own, form, *known)[: panel.num_events]

    @compiled
    def _logs(self, params: Params, data: PreparedPanel) -> tuple[Array, Array]:
        """log lambda of each event, and whether one may have lost digits to underflow."""
        intensity = self._intensity(params, data)[1]
        known = [jnp.asarray(part, intensity.dtype) for part in self.excitation_of(params)]
        if data.carried is not None:
            return jnp.log(intensity), jnp.zeros((), bool)
        weights = terms_of(data.form, *known)[0]
        low = is_low(jnp.min(intensity, initial=jnp.inf), weights)
        return jnp.log(intensity), jnp.asarray(low)

    def _intensity(self, params: Params, data: PreparedPanel) -> tuple[Array, Array]:
        """Intensity of each event's own mark, without and with the earlier events."""
        own = self.at_events(params, data)
        own = own[data.sequence, data.marks] if own.ndim == 2 else own
        known, form = self.excitation_of(params), self.form_of(params, data)
        return own, own + form.excitation(*known)

    def compensator_increments(
        self, params: Params, panel: EventPanel
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """Every mark's integrated intensity from the previous event to each event, and from each
        sequence's last event (or its window's start) to its window's end, without the gaps of the
        record."""
        if self.link != "identity":
            data = self.prepare(replace(panel, resolution=0.0) if panel.resolution else panel)
            line: Any = data.timeline
            return line.gathered(self._walk(params, data, keep=True)[1])
        if not (len(panel.gaps) or len(panel.history) or self.strength):
            return self._increments(params, panel, stream_of(panel))
        watched = Watched.of(panel, lag=self.strength.lag)
        stream = stream_of(watched.panel)
        if self.strength:
            stream = self.with_strength(params, panel, watched, stream)
        return watched.gathered(*self._increments(params, watched.panel, stream))

    def with_strength(
        self, params: Params, panel: EventPanel, watched: Watched, stream: Stream
    ) -> Stream:
        """The stream of a panel's points with what each adds to the decayed counts, from the event
        that has its effect there, and the decay rates of its sequence."""
        dtype = np.dtype(jnp.zeros(()).dtype)
        carried = self.strength.carried(panel, watched.cause, stream.sequence, dtype)
        jumps = self.strength.weights(params, carried, panel.num_marks)
        return replace(stream, jumps=jumps, paced=self.strength.paced(params, carried))

    def _increments(self, params: Params, panel: EventPanel, stream: Any) -> tuple[Array, Array]:
        alpha, gamma = self._effects(params)
        terms = (self.kernel.ratios, self.kernel.weights(params))
        inside, tails = mixture_increments(stream, alpha, gamma, *terms)
        own, last = self.background.increments(params, panel, inside.dtype)
        return inside + own, tails + last

    def pointwise(
        self, params: Params, panel: EventPanel, by: Literal["event", "sequence"] = "event"
    ) -> Float[Array, " terms"]:
        r"""The log-likelihood in terms that sum to it.

        By event: `log lambda(t_n)` minus the integral of all marks' intensities since the previous
        event, the log density of the next event given the past; then one term per sequence for
        the silence after its last event, N + M terms in all. By sequence: M terms.
        """
        if self.compensator != "exact":
            raise ValueError("Pointwise terms need the exact compensator.")
        if panel.resolution:
            return self._mean_pointwise(params, panel, by)
        logs = self.log_intensity(params, panel)
        inside, tails = self.compensator_increments(params, panel)
        events, ends = _less(logs, inside, tails)
        if by == "event":
            return jnp.concatenate([events, ends])
        if by == "sequence":
            return ends + jax.ops.segment_sum(events, panel.sequence, panel.num_sequences)
        raise ValueError(f'by is {by!r}; it must be "event" or "sequence".')

    def _mean_pointwise(self, params: Params, panel: EventPanel, by: Any) -> Array:
        """The mean of the terms over times spread over the panel's resolution."""
        total: Any = 0.0
        for seed in range(COPIES):
            one, order = spread(panel, panel.resolution, seed=seed)
            terms = self.pointwise(params, one, by)
            if by == "event":
                size = panel.num_events
                terms = jnp.concatenate([terms[:size][np.argsort(order)], terms[size:]])
            total = total + terms / COPIES
        return total

    def pointwise_sizes(self, panel: EventPanel) -> dict[str, int]:
        """Number of terms of each kind of `pointwise`, finest first; none if approximate."""
        if self.compensator != "exact":
            return {}
        return {"event": panel.num_events + panel.num_sequences, "sequence": panel.num_sequences}


@jax.jit
def _less(logs: Array, inside: Array, tails: Array) -> tuple[Array, Array]:
    return logs - jnp.sum(inside, axis=1), -jnp.sum(tails, axis=1)
