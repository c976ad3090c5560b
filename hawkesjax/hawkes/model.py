"""The multivariate Hawkes process on a panel of sequences."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.priors import describe, resolve
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.baselines import Baseline
from hawkesjax.hawkes.compensator import mixture_increments
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.kernels import EXPONENTIAL, kernel_of
from hawkesjax.hawkes.prepared import PreparedPanel, check_panel, prepare, same_gamma, stream_of
from hawkesjax.hawkes.priors import NAMED, Truncated
from hawkesjax.hawkes.search import at_boundary, starts

Params = Mapping[str, Any]
Data = EventPanel | PreparedPanel

DECAYS = ("pair", "source", "shared")
COMPENSATORS = ("exact", "schoenberg")
FORMS = ("auto", "scan", "lanes", "pairs")


@jax.tree_util.register_static
@dataclass(frozen=True)
class Hawkes:
    r"""Multivariate Hawkes process whose baselines, effects and memories are learned.

    Intensity of mark i in sequence m, with sums over events strictly before t:

    .. math:: \lambda_{mi}(t) = \mu_{mi} + \sum_j \alpha_{ij} \sum_{k:\, m_k = j,\, t_k < t}
              \gamma_{ij} e^{-\gamma_{ij} (t - t_k)}

    Log-likelihood over the window [a, b] of each sequence, with no constant dropped:

    .. math:: \ell = \sum_n \log \lambda_{k_n}(t_n) - \sum_{m, i} \mu_{mi} (b_m - a_m)
              - \sum_n \sum_i \alpha_{i k_n} (1 - e^{-\gamma_{i k_n} (b - t_n)})

    `alpha[i, j]` is the effect of source j on target i: the expected number of direct children of
    mark i of one event of mark j. Events before the window are not known and count as none.
    Simultaneous events do not excite each other.

    Args:
        decay: `"pair"` gamma[target, source], `"source"` gamma[source], `"shared"` one gamma.
        baseline: `"sequence"` mu[sequence, mark]; `"shared"` mu[mark]; `"hierarchical"`
            `mu[m, i] = mu_median[i] exp(mu_spread[i] mu_offset[m, i])`, offsets standard normal
            (non-centred); or `Covariates` C, for `mu[m, i](t) = exp(beta[i] . C(t))`, the same
            for all sequences, whose level is the covariates' intercept.
        covariates: beside a level of each sequence's own, `mu[m, i](t) = mu[m, i] exp(beta[i] .
            C(t))`; an intercept among them is left out, since mu takes its place. Covariates are
            constant within cells, looked up at absolute times; the compensator is exact.
        kernel: `"exponential"`, `SumOfExponentials(...)` or `PowerLaw(...)`
            (`hawkesjax.hawkes.kernels`), whose rates are gamma times fixed ratios.
        priors: `"default"`, `"o2o"` (`hawkesjax.hawkes.priors`), or a dict from parameter names
            to numpyro distributions; parameters left out keep the default.
        compensator: `"exact"`, or `"schoenberg"`: `1 - exp(...)` replaced by 1, which biases
            alpha down when the memory is long against the window. Only for replication.
        stationary: restrict alpha to spectral radius below one (a truncated prior).
        gamma: fixed decay rates, a number, (D,) by source, or (D, D); then they are data, the
            decayed counts are computed once, and only mu and alpha are learned.
        form: how decayed counts are computed: `"auto"`, or by name `"scan"`, `"lanes"`,
            `"pairs"`. All give the same numbers.

    Raises:
        ValueError: for an unknown name, or a gamma that is not positive.

    Source: Hawkes (1971), Biometrika 58, 83-90; likelihood: Ogata (1978), Ann. Inst. Stat. Math.
    30, 243-261; approximation: Schoenberg (2013), Ann. Inst. Stat. Math. 65, 1-8.
    """

    decay: Literal["pair", "source", "shared"] = "pair"
    baseline: Literal["sequence", "shared", "hierarchical"] | Covariates = "sequence"
    covariates: Covariates | None = None
    kernel: Any = "exponential"
    priors: Any = "default"
    compensator: Literal["exact", "schoenberg"] = "exact"
    stationary: bool = False
    gamma: Any = None
    form: Literal["auto", "scan", "lanes", "pairs"] = "auto"

    name = "hawkes"

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("decay", self.decay, DECAYS),
            ("compensator", self.compensator, COMPENSATORS),
            ("form", self.form, FORMS),
        ):
            if value not in allowed:
                raise ValueError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")
        object.__setattr__(self, "kernel", kernel_of(self.kernel))
        Baseline.of(self.baseline, self.covariates)
        if isinstance(self.priors, Mapping):
            unknown = set(self.priors) - set(self.parameters)
            if unknown:
                raise ValueError(
                    f"priors name {sorted(unknown)}, which this model does not sample; "
                    f"it samples {list(self.parameters)}."
                )
            object.__setattr__(self, "priors", tuple(sorted(self.priors.items())))
        elif isinstance(self.priors, str) and self.priors not in NAMED:
            raise ValueError(f"priors is {self.priors!r}; the named ones are {', '.join(NAMED)}.")
        if self.gamma is not None:
            value = np.asarray(self.gamma, np.float64)
            if value.ndim > 2 or not np.all(np.isfinite(value)) or not np.all(value > 0):
                raise ValueError(f"gamma must be positive and finite, at most D x D; got {value}.")
            object.__setattr__(self, "gamma", _nested(value))

    # What the model is, for tables, files and checkpoints

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-able values."""
        priors = self.priors
        if not isinstance(priors, str):
            priors = {name: describe(prior) for name, prior in priors}
        return {
            "model": self.name,
            "decay": self.decay,
            "baseline": self.background.config(),
            "kernel": self.kernel.config(),
            "priors": priors,
            "compensator": self.compensator,
            "stationary": self.stationary,
            "gamma": self.gamma,
        }

    @functools.cached_property
    def background(self) -> Baseline:
        """Levels and covariates of the baseline."""
        return Baseline.of(self.baseline, self.covariates)

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of each parameter's axes."""
        by_decay = {"pair": ("target", "source"), "source": ("source",), "shared": ()}
        gamma = by_decay[self.decay]
        if self.gamma is not None:
            gamma = ((), ("source",), ("target", "source"))[np.ndim(self.gamma)]
        known = self.background.dims | self.kernel.dims
        known |= {"alpha": ("target", "source"), "gamma": gamma, "half_life": gamma}
        return {name: known[name] for name in (*self.parameters, *self._derived)}

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
        """The windows, for ArviZ's constant_data."""
        return {
            "window_start": (("sequence",), np.asarray(panel.start)),
            "window_length": (("sequence",), np.asarray(panel.duration)),
        }

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the sampled parameters."""
        gamma = () if self.gamma is not None else ("gamma",)
        return (*self.background.parameters, "alpha", *gamma, *self.kernel.dims)

    @property
    def natural(self) -> tuple[str, ...]:
        """The same with mu in the place of its hierarchy, and gamma whether it is fixed or not."""
        return (*self.background.natural, "alpha", "gamma", *self.kernel.dims)

    @property
    def _derived(self) -> tuple[str, ...]:
        mu = ("mu",) if self.background.levels == "hierarchical" else ()
        mean = () if self.background.covariates is None else ("mu_mean",)
        return (*mu, *mean) if self.kernel == EXPONENTIAL else (*mu, *mean, "half_life")

    def shapes(self, data: Data) -> dict[str, tuple[int, ...]]:
        """Shape of each sampled parameter."""
        marks = dict.fromkeys(("mark", "target", "source"), data.num_marks)
        sizes = {"sequence": data.num_sequences, "feature": len(self.background.features)} | marks
        sizes |= {dim: len(names) for dim, names in self.kernel.coords().items()}
        return {name: tuple(sizes[dim] for dim in self.dims[name]) for name in self.parameters}

    # The mathematics

    def prepare(self, data: Data, *, dtype: Any = None) -> PreparedPanel:
        """Lay the panel out for the device; `log_likelihood` takes the result in its place."""
        if isinstance(data, PreparedPanel):
            return data
        if not isinstance(data, EventPanel):
            raise ValueError(f"Hawkes needs an EventPanel, not {type(data).__name__}.")
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

    def _excitation(self, params: Params) -> tuple[Array, ...]:
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
        data = self.prepare(data)
        alpha, *rest = self._excitation(params)
        at_events = self.background.at_events(params, data)
        total, ends = data.form.event_terms(at_events, alpha, *rest)
        children = jnp.sum(jnp.asarray(data.counts, total.dtype), axis=0)
        kept = children - ends if self.compensator == "exact" else children
        expected = jnp.sum(self.background.integrals(params, data)) + jnp.sum(alpha * kept)
        return total - expected

    def log_intensity(self, params: Params, panel: EventPanel) -> Float[Array, " events"]:
        """log lambda of each event's own mark just before the event, in the panel's order."""
        data = self.prepare(panel)
        own = self.background.at_events(params, data)
        own = own[panel.sequence, panel.marks] if own.ndim == 2 else own
        return jnp.log(own + data.form.excitation(*self._excitation(params)))

    def compensator_increments(
        self, params: Params, panel: EventPanel
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """Every mark's integrated intensity from the event before to each event, and from each
        sequence's last event (or its window's start) to its window's end."""
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
        logs = self.log_intensity(params, panel)
        inside, tails = self.compensator_increments(params, panel)
        events, ends = logs - jnp.sum(inside, axis=1), -jnp.sum(tails, axis=1)
        if by == "event":
            return jnp.concatenate([events, ends])
        if by == "sequence":
            return ends + jax.ops.segment_sum(events, panel.sequence, panel.num_sequences)
        raise ValueError(f'by is {by!r}; it must be "event" or "sequence".')

    def pointwise_sizes(self, panel: EventPanel) -> dict[str, int]:
        """Number of terms of each kind of `pointwise`, the finest first; none if approximate."""
        if self.compensator != "exact":
            return {}
        return {"event": panel.num_events + panel.num_sequences, "sequence": panel.num_sequences}

    # Priors and inference

    def sites(self, data: PreparedPanel) -> dict[str, dist.Distribution]:
        """The prior of each sampled parameter."""
        named = self.priors if isinstance(self.priors, str) else "default"
        given = {} if isinstance(self.priors, str) else dict(self.priors)
        shapes = self.shapes(data)
        offsets = shapes.pop("mu_offset", None)
        more = self.background.priors(data.rates) | self.kernel.priors()
        sites = resolve(NAMED[named](data.rates) | more | given, shapes)
        if offsets is not None:
            standard = dist.Normal(jnp.zeros((), data.rates.dtype), 1)
            sites["mu_offset"] = given.get("mu_offset", standard).expand(offsets)
        if self.stationary:
            sites["alpha"] = Truncated(sites["alpha"])
        return sites

    def program(self, data: PreparedPanel) -> None:
        """The model as a numpyro program over prepared data."""
        params = {name: numpyro.sample(name, prior) for name, prior in self.sites(data).items()}
        for name, value in self.derived(params, data).items():
            numpyro.deterministic(name, value)
        numpyro.factor("log_likelihood", self.log_likelihood(params, data))

    def penalty(self, params: Params, data: PreparedPanel) -> Float[Array, ""]:
        """What maximum likelihood adds: the hierarchy's own log density; otherwise 0."""
        if self.background.levels != "hierarchical":
            return jnp.zeros((), data.rates.dtype)
        sites = self.sites(data)
        names = ("mu_spread", "mu_offset")
        terms = [jnp.sum(sites[name].log_prob(params[name])) for name in names]
        return jnp.sum(jnp.stack(terms))

    def derived(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """What tables show beside the sampled parameters: mu of a hierarchical baseline, the mean
        over its window of one with covariates, half-lives of a kernel that is a sum.

        All are positive, and an entry depends on one entry of `local` at most.
        """
        found = {"mu": self.background.level(params)}
        if "mu_mean" in self._derived:
            durations = jnp.asarray(data.durations)[:, None]
            time = jnp.where(durations > 0, durations, 1)
            found["mu_mean"] = self.background.integrals(params, data) / time
        if "half_life" in self._derived:
            found["half_life"] = self.kernel.half_life(params) / self._effects(params)[1]
        return {name: found[name] for name in self._derived}

    def starts(self, data: PreparedPanel) -> list[dict[str, Array]]:
        """Starting values: half the events from the background, half from the past, on a few
        time scales."""
        return starts(self, data)

    def unrestricted(self) -> Hawkes:
        """The same model without the stationarity constraint: the coordinates of intervals."""
        return replace(self, stationary=False)

    def at_boundary(self, params: Params, data: PreparedPanel) -> dict[str, np.ndarray]:
        """Masks of parameters on the edge of what they may be or of what the data can tell.

        Those that are 0 but for rounding (they explain under 0.01 events), those at an upper
        end of their prior's support, and the effects and decays whose kernel is flat over the
        longest window (gamma times its length below 0.01: only alpha gamma matters then).
        """
        return at_boundary(self, params, data)

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed: `check_panel`."""
        check_panel(data, shared=self.background.levels in ("shared", None))

    def dense_mass(self, data: PreparedPanel) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: alpha, gamma, the kernel's own and
        beta, up to 200 of them."""
        shapes = self.shapes(data)
        names = tuple(n for n in ("alpha", "gamma", *self.kernel.dims, "beta") if n in shapes)
        size = sum(int(np.prod(shapes[name])) for name in names)
        return [names] if size <= 200 else False

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return {None: None, "hierarchical": "mu_offset"}.get(self.background.levels, "mu")

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """Target of each other parameter: those of different targets do not interact; None: all."""
        by_pair = np.repeat(np.arange(data.num_marks), data.num_marks)
        by_mark = np.arange(data.num_marks)
        return {
            "alpha": by_pair,
            "gamma": by_pair if self.decay == "pair" else None,
            "mu_median": by_mark,
            "mu_spread": by_mark,
            "beta": np.repeat(by_mark, len(self.background.features)),
        }


def _nested(value: Any) -> Any:
    return tuple(_nested(part) for part in value) if value.ndim else float(value)
