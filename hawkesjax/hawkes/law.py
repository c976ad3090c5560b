"""The law of the multivariate Hawkes process: parameters, priors, likelihood."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.information import Solved
from hawkesjax.core.model import Model
from hawkesjax.core.parameter import Parameter
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.baselines import Baseline
from hawkesjax.hawkes.compensator import children_within, mixture_increments
from hawkesjax.hawkes.counts.underflow import exact, log_of
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.kernels import EXPONENTIAL, kernel_of
from hawkesjax.hawkes.known_decays import can_solve, solve
from hawkesjax.hawkes.offsets import Offsets
from hawkesjax.hawkes.prepared import (
    COPIES,
    PreparedPanel,
    check_panel,
    over_copies,
    prepare,
    same_gamma,
    stream_of,
)
from hawkesjax.hawkes.priors import NAMED, Truncated
from hawkesjax.hawkes.results import HawkesEstimate, HawkesPosterior
from hawkesjax.hawkes.starts import half_of_the_events, on_time_scales
from hawkesjax.hawkes.watched import Watched
from hawkesjax.inputs.arguments import ABOVE_0, AT_LEAST_0, Range
from hawkesjax.inputs.arrays import AnyArray, HostArray

Params = Mapping[str, Any]
Data = EventPanel | PreparedPanel


@dataclass(frozen=True)
class HawkesLaw(Model[EventPanel, HawkesEstimate, HawkesPosterior]):
    """Parameters, priors and likelihood of `hawkesjax.Hawkes`, which adds the verbs."""

    decay: Literal["pair", "source", "shared"] = "pair"
    baseline: Literal["sequence", "shared", "hierarchical"] | Covariates = "sequence"
    covariates: Covariates | None = None
    kernel: Any = "exponential"
    compensator: Literal["exact", "schoenberg"] = "exact"
    stationary: bool = False
    gamma: Any = None
    form: Literal["auto", "scan", "lanes", "pairs"] = "auto"

    named_priors = tuple(NAMED)
    unsaved = ("covariates", "form")

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", kernel_of(self.kernel))
        Baseline.of(self.baseline, self.covariates)
        if self.gamma is not None:
            value = np.asarray(self.gamma, np.float64)
            if value.ndim > 2 or not np.all(np.isfinite(value)) or not np.all(value > 0):
                raise ValueError(f"gamma must be positive and finite, at most D x D; got {value}.")
            object.__setattr__(self, "gamma", _nested(value))
        super().__post_init__()

    # What the model is, for tables, files and checkpoints

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-able values."""
        return super().config() | {"baseline": self.background.config()}

    def arrays(self) -> dict[str, tuple[tuple[str, ...], AnyArray]]:
        """Edges and values of the covariates."""
        known = self.background.covariates
        if known is None:
            return {}
        edges, values = np.asarray(known.edges), np.asarray(known.values)
        return {"edges": (("edge",), edges), "values": (("cell", "feature"), values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], arrays: Mapping[str, Any]) -> Self:
        """The model again, from its `config()` and `arrays()`."""
        baseline = Baseline.from_config(config["baseline"], arrays)
        return super().from_config({**config, **baseline}, {})

    @functools.cached_property
    def background(self) -> Baseline:
        """Levels and covariates of the baseline."""
        return Baseline.of(self.baseline, self.covariates)

    def coords(self, panel: EventPanel) -> dict[str, list[str]]:
        """Names along each axis."""
        marks = list(panel.mark_names)
        return {
            "sequence": list(panel.sequence_names),
            "mark": marks,
            "target": marks,
            "source": marks,
            "feature": self.background.features,
            **self.kernel.coords(),
        }

    def observed(self, panel: EventPanel) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The events, for ArviZ's observed_data."""
        return {
            "time": (("event",), np.asarray(panel.times)),
            "event_mark": (("event",), np.asarray(panel.marks)),
            "event_sequence": (("event",), np.asarray(panel.sequence)),
        }

    def constant(self, panel: EventPanel) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The windows and their gaps, for ArviZ's constant_data."""
        found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "window_start": (("sequence",), np.asarray(panel.start)),
            "window_length": (("sequence",), np.asarray(panel.duration)),
        }
        if len(panel.gaps):
            for name in ("sequence", "start", "length"):
                found[f"gap_{name}"] = ("gap",), np.asarray(getattr(panel.gaps, name))
        return found

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table: the baseline's, alpha, gamma where it is learned, the kernel's own."""
        named = self.priors if isinstance(self.priors, str) else "default"

        def effect(
            name: str, dims: tuple[str, ...], start: Any, edge: Any, support: Range
        ) -> Parameter:
            return Parameter(
                name, lambda data: NAMED[named](data.rates)[name], dims, start, edge, support
            )

        pair = ("target", "source")
        alpha = effect("alpha", pair, half_of_the_events, self._without_effect, AT_LEAST_0)
        found = (*self.background.parameters(named), alpha)
        if self.gamma is None:
            gamma = effect(
                "gamma", self._decay_dims, lambda d: jnp.sum(d.rates), self._is_flat, ABOVE_0
            )
            found = (*found, gamma)
        return (*found, *self.kernel.parameters)

    @property
    def supports(self) -> dict[str, Range]:
        """Where each parameter may lie, the levels of a hierarchy and known decays among them."""
        return {"mu": AT_LEAST_0, "gamma": ABOVE_0} | super().supports

    @property
    def _decay_dims(self) -> tuple[str, ...]:
        if self.gamma is not None:
            return ((), ("source",), ("target", "source"))[np.ndim(self.gamma)]
        return {"pair": ("target", "source"), "source": ("source",), "shared": ()}[self.decay]

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Axes of what `derived` gives."""
        half_life = {} if self.kernel == EXPONENTIAL else {"half_life": self._decay_dims}
        return self.background.derived_dims | half_life

    @property
    def natural(self) -> tuple[str, ...]:
        """Names of the parameters with mu in the place of its hierarchy, and gamma whether it is
        fixed or not."""
        own = tuple(one.name for one in self.kernel.parameters)
        return (*self.background.natural, "alpha", "gamma", *own)

    def sizes(self, data: Data) -> dict[str, int]:
        """Length of each axis."""
        sizes = dict.fromkeys(("mark", "target", "source"), data.num_marks)
        sizes |= {"sequence": data.num_sequences, "feature": len(self.background.features)}
        return sizes | {dim: len(names) for dim, names in self.kernel.coords().items()}

    # The mathematics

    def prepare(self, data: Data, *, dtype: Any = None) -> PreparedPanel:
        """Lay the panel out for the device; `log_likelihood` takes the result in its place."""
        if isinstance(data, PreparedPanel):
            return data
        self.accept(data)
        return prepare(
            data,
            form=self.form,
            dtype=dtype,
            gamma=self.gamma,
            kernel=self.kernel,
            covariates=self.background.covariates,
        )

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
        """What the forms of the decayed counts take."""
        effects = self._effects(params)
        return effects if self.kernel == EXPONENTIAL else (*effects, self.kernel.weights(params))

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        Args:
            params: `mu`, `beta`, `alpha`, `gamma` and those of the kernel, as the model has
                them, by the shapes of `dims`; the three parts of a hierarchical baseline may
                stand in for `mu`.
            data: an `EventPanel`, or the result of `prepare`.
        """
        return self._log_likelihood(params, self.prepare(data), exact)

    def log_likelihood_inside(self, params: Params, data: Data) -> Float[Array, ""]:
        """`log_likelihood`, but minus infinity for an intensity that is all but 0."""
        return self._log_likelihood(params, self.prepare(data), lambda total, *_: total)

    def _log_likelihood(self, params: Params, data: PreparedPanel, finish: Any) -> Array:
        if data.copies is not None:
            return over_copies(lambda one: self._log_likelihood(params, one, finish), data)
        alpha, *rest = self.excitation_of(params)
        at_events = self.at_events(params, data)
        total, ends = data.form.event_terms(at_events, alpha, *rest)
        total = finish(total, at_events, data.form, alpha, *rest)
        expected = jnp.sum(self.background.integrals(params, data))
        return total - expected - jnp.sum(alpha * self.children(params, data, ends))

    def at_events(self, params: Params, data: PreparedPanel) -> Float[Array, "..."]:
        """What each event's rate is without the events of its window: the baseline, and what a
        known history adds, (N,); a constant baseline alone by cell, (M, D)."""
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
        unit of alpha, where they can be seen; `ends` are those that come too late."""
        whole = jnp.sum(jnp.asarray(data.counts, ends.dtype), axis=0)[None]
        if self.compensator != "exact":
            return whole + jnp.zeros_like(ends)
        gamma = jnp.broadcast_to(self._effects(params)[1], ends.shape)
        terms = (self.kernel.ratios, self.kernel.weights(params))
        within = children_within(whole - ends, gamma, *terms, data.powers, data.longest)
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
            "excitation": data.form.excitation(*self.excitation_of(params))
            + self.inflow_of(params, data),
        }
        return Offsets(
            **{name: jnp.asarray(value, data.dtype) for name, value in real.items()},
            cell=cell,
            real=jnp.arange(cell.shape[0]) < data.num_events,
        )

    def latent(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """The offsets of a hierarchical baseline where they are likeliest, given all else."""
        if self.background.levels != "hierarchical":
            return {}
        found = self.offsets(params, data).modes()
        return {"mu_offset": found.reshape(data.num_sequences, data.num_marks)}

    def log_intensity(self, params: Params, panel: EventPanel) -> Float[Array, " events"]:
        """log lambda of each event's own mark just before the event, in the panel's order."""
        data = self.prepare(panel)
        own = self.at_events(params, data)
        own = own[data.sequence, data.marks] if own.ndim == 2 else own
        known = self.excitation_of(params)
        intensity = own + data.form.excitation(*known)
        return log_of(intensity, own, data.form, *known)[: panel.num_events]

    def compensator_increments(
        self, params: Params, panel: EventPanel
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """Every mark's integrated intensity from the event before to each event, and from each
        sequence's last event (or its window's start) to its window's end; gaps of the record are
        left out."""
        if len(panel.gaps) or len(panel.history):
            watched = Watched.of(panel)
            return watched.gathered(*self.compensator_increments(params, watched.panel))
        alpha, gamma = self._effects(params)
        terms = (self.kernel.ratios, self.kernel.weights(params))
        inside, tails = mixture_increments(stream_of(panel), alpha, gamma, *terms)
        own, last = self.background.increments(params, panel, inside.dtype)
        return inside + own, tails + last

    def pointwise(
        self, params: Params, panel: EventPanel, by: Literal["event", "sequence"] = "event"
    ) -> Float[Array, " terms"]:
        r"""The log-likelihood in terms that sum to it.

        By event: `log lambda(t_n)` less the integral of all marks' intensities since the event
        before, the log density of the next event given the past; then one term a sequence for
        the silence after its last event, N + M terms in all. By sequence: M terms.
        """
        if self.compensator != "exact":
            raise ValueError("Pointwise terms need the exact compensator.")
        if panel.resolution:
            return self._mean_pointwise(params, panel, by)
        logs = self.log_intensity(params, panel)
        inside, tails = self.compensator_increments(params, panel)
        events, ends = logs - jnp.sum(inside, axis=1), -jnp.sum(tails, axis=1)
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
        """Number of terms of each kind of `pointwise`, the finest first; none if approximate."""
        if self.compensator != "exact":
            return {}
        return {"event": panel.num_events + panel.num_sequences, "sequence": panel.num_sequences}

    # Priors and inference

    def sites(self, data: PreparedPanel) -> dict[str, dist.Distribution]:
        """The prior of each sampled parameter."""
        sites = super().sites(data)
        return sites | {"alpha": Truncated(sites["alpha"])} if self.stationary else sites

    def log_density(self, params: Params, data: PreparedPanel) -> Float[Array, ""]:
        """The log-likelihood and, of a hierarchical baseline, the offsets' log density."""
        value = self.log_likelihood_inside(params, data)
        if self.background.levels != "hierarchical":
            return value
        return value + jnp.sum(self.sites(data)["mu_offset"].log_prob(params["mu_offset"]))

    def derived(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """What tables show beside the sampled parameters: mu of a hierarchical baseline, the mean
        over its window of one with covariates, half-lives of a kernel that is a sum.

        All are positive, and an entry depends on one entry of `local` at most.
        """
        found = {"mu": self.background.level(params)}
        if "mu_mean" in self.derived_dims:
            observed = jnp.asarray(data.observed)[:, None]
            time = jnp.where(observed > 0, observed, 1)
            found["mu_mean"] = self.background.integrals(params, data) / time
        if "half_life" in self.derived_dims:
            found["half_life"] = self.kernel.half_life(params) / self._effects(params)[1]
        return {name: found[name] for name in self.derived_dims}

    def starts(self, data: PreparedPanel) -> list[dict[str, Array]]:
        """Starting values: half the events from the background, half from the past, on a few
        time scales."""
        (start,) = super().starts(data)
        return on_time_scales(self, start, data)

    def solved(self, data: PreparedPanel, tol: float) -> Solved | None:
        """With known decays, the maximum target by target (`hawkesjax.hawkes.concave`)."""
        if set(self.shapes(data)) != {"mu", "alpha"} or not can_solve(self, data):
            return None
        best = solve(self, {}, data, tol)
        information = functools.partial(best.information, self, data)
        return Solved(best.params, best.loss, best.gradient, best.steps, information)

    def without_effects(self, data: PreparedPanel) -> tuple[float, int] | None:
        """Of plain levels: the log-likelihood of constant rates, and their number."""
        plain = self.background.covariates is None and self.background.levels in (
            "sequence",
            "shared",
        )
        if not plain or self.structures(data) or data.inflow is not None:
            return None
        counts = np.asarray(data.counts, np.float64)
        time = np.asarray(data.observed, np.float64)[:, None]
        if self.background.levels == "shared":
            counts, time = counts.sum(axis=0), time.sum()
        known = counts > 0
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(known, counts, 1) / np.broadcast_to(time, counts.shape))
        return float(np.sum(np.where(known, counts * (logs - 1), 0))), counts.size

    def unrestricted(self) -> Self:
        """The same model without the stationarity constraint: the coordinates of intervals."""
        return replace(self, stationary=False)

    def _is_flat(self, params: Params, data: PreparedPanel) -> HostArray:
        """Decays whose kernel is flat over the longest window (gamma times its length below
        0.01): only alpha gamma matters then."""
        longest = np.max(np.asarray(data.durations, np.float64), initial=0)
        return np.asarray(params["gamma"]) * self.kernel.ratios.max() * longest < 0.01

    def _without_effect(self, params: Params, data: PreparedPanel) -> np.ndarray:
        """Effects that are 0 but for rounding (they explain under 0.01 events), or flat."""
        counts = np.sum(np.asarray(data.counts, np.float64), axis=0)
        nothing = np.asarray(params["alpha"]) * counts < 0.01
        return nothing | self._is_flat(params, data) if "gamma" in params else nothing

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed: `check_panel`."""
        super().check(data)
        if (len(data.gaps) or len(data.history)) and self.compensator != "exact":
            raise ValueError("A record with gaps, or a history, needs the exact compensator.")
        check_panel(data, shared=self.background.levels in ("shared", None))

    def dense_mass(self, data: PreparedPanel) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: alpha, gamma, the kernel's own and
        beta, up to 200 of them."""
        shapes = self.shapes(data)
        own = (one.name for one in self.kernel.parameters)
        names = tuple(name for name in ("alpha", "gamma", *own, "beta") if name in shapes)
        size = sum(int(np.prod(shapes[name])) for name in names)
        return [names] if size <= 200 else False

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return {None: None, "hierarchical": "mu_offset"}.get(self.background.levels, "mu")

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """Target of each parameter, and of what `derived` gives: those of different targets do not
        interact; None: all."""
        by_pair = np.repeat(np.arange(data.num_marks), data.num_marks)
        by_mark = np.arange(data.num_marks)
        by_cell = np.tile(by_mark, data.num_sequences)
        return {
            "alpha": by_pair,
            "gamma": by_pair if self.decay == "pair" else None,
            "mu_median": by_mark,
            "mu_spread": by_mark,
            "beta": np.repeat(by_mark, len(self.background.features)),
            "mu": by_mark if self.background.levels == "shared" else by_cell,
            "mu_mean": by_cell,
            "mu_offset": by_cell,
            "half_life": by_pair if self._decay_dims == ("target", "source") else None,
        }


def _nested(value: Any) -> Any:
    return tuple(_nested(part) for part in value) if value.ndim else float(value)
