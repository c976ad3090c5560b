"""The multivariate Hawkes process on a panel of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.data import EventPanel
from hawkesjax.models.prepared import (
    PreparedPanel,
    check_panel,
    prepare,
    same_gamma,
    stream_of,
)
from hawkesjax.models.priors import NAMED, Truncated, describe, resolve
from hawkesjax.ops import excitation_increments

Params = Mapping[str, Any]
Data = EventPanel | PreparedPanel

DECAYS = ("pair", "source", "shared")
BASELINES = ("sequence", "shared", "hierarchical")
COMPENSATORS = ("exact", "schoenberg")
FORMS = ("auto", "scan", "lanes", "pairs")


@jax.tree_util.register_static
@dataclass(frozen=True)
class Hawkes:
    r"""Multivariate Hawkes process with exponential kernels whose decay rates are learned.

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
            (non-centred).
        priors: `"default"`, `"o2o"` (`hawkesjax.models.priors`), or a dict from parameter names
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
    baseline: Literal["sequence", "shared", "hierarchical"] = "sequence"
    priors: Any = "default"
    compensator: Literal["exact", "schoenberg"] = "exact"
    stationary: bool = False
    gamma: Any = None
    form: Literal["auto", "scan", "lanes", "pairs"] = "auto"

    name = "hawkes"

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("decay", self.decay, DECAYS),
            ("baseline", self.baseline, BASELINES),
            ("compensator", self.compensator, COMPENSATORS),
            ("form", self.form, FORMS),
        ):
            if value not in allowed:
                raise ValueError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")
        if isinstance(self.priors, Mapping):
            unknown = set(self.priors) - set(self._parameters())
            if unknown:
                raise ValueError(
                    f"priors name {sorted(unknown)}, which this model does not sample; "
                    f"it samples {list(self._parameters())}."
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
            "baseline": self.baseline,
            "priors": priors,
            "compensator": self.compensator,
            "stationary": self.stationary,
            "gamma": self.gamma,
        }

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of each parameter's axes."""
        cells = ("sequence", "mark")
        gamma = {"pair": ("target", "source"), "source": ("source",), "shared": ()}[self.decay]
        known = {
            "mu": ("mark",) if self.baseline == "shared" else cells,
            "mu_median": ("mark",),
            "mu_spread": ("mark",),
            "mu_offset": cells,
            "alpha": ("target", "source"),
            "gamma": gamma,
        }
        names = self._parameters() + (("mu",) if self.baseline == "hierarchical" else ())
        return {name: known[name] for name in names}

    def coords(self, panel: EventPanel) -> dict[str, list[str]]:
        """Names along each axis."""
        marks = list(panel.mark_names)
        return {
            "sequence": list(panel.sequence_names),
            "mark": marks,
            "target": marks,
            "source": marks,
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

    def _parameters(self) -> tuple[str, ...]:
        mu = ("mu_median", "mu_spread", "mu_offset") if self.baseline == "hierarchical" else ("mu",)
        return (*mu, "alpha") if self.gamma is not None else (*mu, "alpha", "gamma")

    def shapes(self, data: Data) -> dict[str, tuple[int, ...]]:
        """Shape of each sampled parameter."""
        sizes = {
            "sequence": data.num_sequences,
            "mark": data.num_marks,
            "target": data.num_marks,
            "source": data.num_marks,
        }
        return {name: tuple(sizes[dim] for dim in self.dims[name]) for name in self._parameters()}

    # The mathematics

    def prepare(self, data: Data, *, dtype: Any = None) -> PreparedPanel:
        """Lay the panel out for the device; `log_likelihood` takes the result in its place."""
        if isinstance(data, PreparedPanel):
            return data
        if not isinstance(data, EventPanel):
            raise ValueError(f"Hawkes needs an EventPanel, not {type(data).__name__}.")
        if self.gamma is not None:
            try:
                np.broadcast_shapes(np.shape(self.gamma), (data.num_marks,) * 2)
            except ValueError as error:
                raise ValueError(
                    f"The fixed gamma has shape {np.shape(self.gamma)}, the panel "
                    f"{data.num_marks} marks: give a number, one per mark, or one per pair."
                ) from error
        return prepare(data, form=self.form, dtype=dtype, gamma=self.gamma)

    def baselines(self, params: Params) -> Float[Array, "..."]:
        """mu of the natural parameters, from the offsets when it is hierarchical."""
        if "mu" in params:
            return jnp.asarray(params["mu"])
        spread = jnp.asarray(params["mu_spread"]) * jnp.asarray(params["mu_offset"])
        return jnp.asarray(params["mu_median"]) * jnp.exp(spread)

    def _unpack(self, params: Params, data: PreparedPanel):
        mu = jnp.broadcast_to(self.baselines(params), (data.num_sequences, data.num_marks))
        if self.gamma is not None:
            if "gamma" in params and not same_gamma(self.gamma, params["gamma"]):
                raise ValueError(
                    f"The model's gamma is fixed at {self.gamma}; leave it out of the parameters."
                )
            return mu, jnp.asarray(params["alpha"]), jnp.asarray(self.gamma)
        return mu, jnp.asarray(params["alpha"]), jnp.asarray(params["gamma"])

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        Args:
            params: `mu`, `alpha`, `gamma` by the shapes of `dims`; the three parts of a
                hierarchical baseline may stand in for `mu`.
            data: an `EventPanel`, or the result of `prepare`.
        """
        data = self.prepare(data)
        mu, alpha, gamma = self._unpack(params, data)
        total, ends = data.form.event_terms(mu, alpha, gamma)
        children = jnp.sum(jnp.asarray(data.counts, total.dtype), axis=0)
        kept = children - ends if self.compensator == "exact" else children
        expected = jnp.sum(mu * jnp.asarray(data.durations)[:, None]) + jnp.sum(alpha * kept)
        return total - expected

    def log_intensity(self, params: Params, panel: EventPanel) -> Float[Array, "events"]:
        """log lambda of each event's own mark just before the event, in the panel's order."""
        data = self.prepare(panel)
        mu, alpha, gamma = self._unpack(params, data)
        own = mu[panel.sequence, panel.marks]
        return jnp.log(own + data.form.excitation(alpha, gamma))

    def compensator_increments(
        self, params: Params, panel: EventPanel
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """Every mark's integrated intensity from the event before to each event, and from each
        sequence's last event (or its window's start) to its window's end."""
        data = self.prepare(panel)
        mu, alpha, gamma = self._unpack(params, data)
        inside, tails = excitation_increments(stream_of(panel), alpha, gamma)
        gaps = jnp.asarray(panel.gaps, inside.dtype)
        seen = jax.ops.segment_sum(gaps, panel.sequence, panel.num_sequences)
        left = jnp.asarray(data.durations, inside.dtype) - seen
        return inside + mu[panel.sequence] * gaps[:, None], tails + mu * left[:, None]

    def pointwise(
        self, params: Params, panel: EventPanel, by: Literal["event", "sequence"] = "event"
    ) -> Float[Array, "terms"]:
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
        priors = self.priors if isinstance(self.priors, str) else dict(self.priors)
        shapes = self.shapes(data)
        offsets = shapes.pop("mu_offset", None)
        sites = resolve(priors, data.rates, shapes)
        if offsets is not None:
            given = {} if isinstance(priors, str) else priors
            standard = dist.Normal(jnp.zeros((), data.rates.dtype), 1)
            sites["mu_offset"] = given.get("mu_offset", standard).expand(offsets)
        if self.stationary:
            sites["alpha"] = Truncated(sites["alpha"])
        return sites

    def program(self, data: PreparedPanel) -> None:
        """The model as a numpyro program over prepared data."""
        params = {name: numpyro.sample(name, prior) for name, prior in self.sites(data).items()}
        if self.baseline == "hierarchical":
            numpyro.deterministic("mu", self.baselines(params))
        numpyro.factor("log_likelihood", self.log_likelihood(params, data))

    def penalty(self, params: Params, data: PreparedPanel) -> Float[Array, ""]:
        """What maximum likelihood adds: the hierarchy's own log density; otherwise 0."""
        if self.baseline != "hierarchical":
            return jnp.zeros((), data.rates.dtype)
        sites = self.sites(data)
        names = ("mu_spread", "mu_offset")
        terms = [jnp.sum(sites[name].log_prob(params[name])) for name in names]
        return jnp.sum(jnp.stack(terms))

    def derived(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """What tables show beside the sampled parameters: mu of a hierarchical baseline.

        All are positive, and an entry depends on one entry of `local` at most.
        """
        return {"mu": self.baselines(params)} if self.baseline == "hierarchical" else {}

    def starts(self, data: PreparedPanel) -> list[dict[str, Array]]:
        """Starting values: half the events from the background, half from the past, on a few
        time scales."""
        rates, shapes = data.rates, self.shapes(data)
        scales = (1.0, 1e-3, 1e-2, 0.1, 10.0) if "gamma" in shapes else (1.0,)
        values = {
            "mu": 0.5 * rates,
            "mu_median": 0.5 * rates,
            "mu_spread": 0.5,
            "mu_offset": 0.0,
            "alpha": 0.5 / data.num_marks,
        }
        return [
            {
                name: jnp.broadcast_to(
                    jnp.asarray(
                        scale * jnp.sum(rates) if name == "gamma" else values[name], rates.dtype
                    ),
                    shape,
                )
                for name, shape in shapes.items()
            }
            for scale in scales
        ]

    def unrestricted(self) -> Hawkes:
        """The same model without the stationarity constraint: the coordinates of intervals."""
        return replace(self, stationary=False)

    def at_boundary(self, params: Params, data: PreparedPanel) -> dict[str, np.ndarray]:
        """Masks of parameters on the edge of what they may be or of what the data can tell.

        Those that are 0 but for rounding (they explain under 0.01 events), those at an upper
        end of their prior's support, and the effects and decays whose kernel is flat over the
        longest window (gamma times its length below 0.01: only alpha gamma matters then).
        """
        counts = np.sum(np.asarray(data.counts, np.float64), axis=0)
        time = np.asarray(data.durations, np.float64)[:, None]
        edge = {name: np.zeros(np.shape(value), bool) for name, value in params.items()}
        edge["alpha"] = np.asarray(params["alpha"]) * counts < 0.01
        if "mu" in edge:
            whole = np.sum(time) if self.baseline == "shared" else time
            edge["mu"] = np.asarray(params["mu"]) * whole < 0.01
        if "gamma" in edge:
            flat = np.asarray(params["gamma"]) * np.max(time) < 0.01
            edge["gamma"] |= flat
            edge["alpha"] |= np.broadcast_to(flat, edge["alpha"].shape)
        for name, prior in self.sites(data).items():
            upper = getattr(prior.support, "upper_bound", None)
            if upper is not None:
                edge[name] |= np.asarray(params[name]) > (1 - 1e-6) * np.asarray(upper)
        return edge

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed: `check_panel`."""
        check_panel(data, shared=self.baseline == "shared")

    def dense_mass(self, data: PreparedPanel) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: alpha with gamma, up to 200 of them."""
        shapes = self.shapes(data)
        names = tuple(name for name in ("alpha", "gamma") if name in shapes)
        size = sum(int(np.prod(shapes[name])) for name in names)
        return [names] if size <= 200 else False

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return "mu_offset" if self.baseline == "hierarchical" else "mu"

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """Target of each other parameter: those of different targets do not interact; None: all."""
        by_pair = np.repeat(np.arange(data.num_marks), data.num_marks)
        by_mark = np.arange(data.num_marks)
        return {
            "alpha": by_pair,
            "gamma": by_pair if self.decay == "pair" else None,
            "mu_median": by_mark,
            "mu_spread": by_mark,
        }


def _nested(value: np.ndarray):
    return tuple(_nested(part) for part in value) if value.ndim else float(value)
