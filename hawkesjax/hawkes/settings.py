"""What defines a multivariate Hawkes model: settings, the table of its parameters, axes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import jax.numpy as jnp
import numpy as np

from hawkesjax.core.model import Model
from hawkesjax.core.parameter import Parameter
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.baselines import Baseline
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.horseshoe import HalfHorseshoe, Horseshoe
from hawkesjax.hawkes.kernels import EXPONENTIAL, kernel_of
from hawkesjax.hawkes.links import Link
from hawkesjax.hawkes.modifiers import Modifiers
from hawkesjax.hawkes.prepared import PreparedPanel
from hawkesjax.hawkes.priors import NAMED, signed_effects
from hawkesjax.hawkes.results import HawkesEstimate, HawkesPosterior
from hawkesjax.hawkes.starts import half_of_the_events, small_effects
from hawkesjax.hawkes.strength import Strength
from hawkesjax.inputs.arguments import ABOVE_0, AT_LEAST_0, Range, number
from hawkesjax.inputs.arrays import AnyArray, HostArray

Params = Mapping[str, Any]
Data = EventPanel | PreparedPanel
LEARNED = "learned"
MERELY_IDENTITY = "needs link='identity'; leave one of them out"


@dataclass(frozen=True)
class HawkesSettings(Model[EventPanel, HawkesEstimate, HawkesPosterior]):
    """Settings and parameters of `hawkesjax.Hawkes`."""

    decay: Literal["pair", "source", "shared"] = "pair"
    baseline: Literal["sequence", "shared", "hierarchical"] | Covariates = "sequence"
    covariates: Covariates | None = None
    kernel: Any = "exponential"
    compensator: Literal["exact", "schoenberg"] = "exact"
    stationary: bool = False
    gamma: Any = None
    form: Literal["auto", "scan", "lanes", "registers", "pairs", "blocks"] = "auto"
    magnitude: Literal[None, "exponential", "power"] = None
    alpha_effects: Any = None
    gamma_effects: bool = False
    pooled: bool = False
    lag: float | Literal["learned"] = 0.0
    link: Link = "identity"

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
        object.__setattr__(self, "alpha_effects", Modifiers.of(self.alpha_effects, self.pooled))
        self._check_gamma_effects()
        if not (isinstance(self.lag, str) and self.lag == LEARNED):
            object.__setattr__(self, "lag", number(self.lag, "lag", AT_LEAST_0))
        if self.strength and (self.form not in ("auto", "scan") or self.compensator != "exact"):
            raise ValueError(
                "Magnitudes, alpha_effects and a lag use their own form and the exact "
                "compensator: leave out form and compensator."
            )
        super().__post_init__()
        if self.link != "identity":
            self._check_link()
        self._check_horseshoe()

    # The model's description for tables, files and checkpoints

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-serialisable values."""
        known = self.alpha_effects
        return super().config() | {
            "baseline": self.background.config(),
            "alpha_effects": None if known is None else known.config(),
        }

    def arrays(self) -> dict[str, tuple[tuple[str, ...], AnyArray]]:
        """Edges and values of the covariates."""
        known = self.background.covariates
        if known is None:
            return {}
        edges, values = np.asarray(known.edges), np.asarray(known.values)
        return {"edges": (("edge",), edges), "values": (("cell", "feature"), values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], arrays: Mapping[str, Any]) -> Self:
        """Restore the model from its `config()` and `arrays()`."""
        baseline = Baseline.from_config(config["baseline"], arrays)
        effects = {"alpha_effects": Modifiers.from_config(config.get("alpha_effects"))}
        if isinstance(config["priors"], Mapping):
            known = {n: Horseshoe.restored(text) for n, text in config["priors"].items()}
            effects["priors"] = known
        return super().from_config({**config, **baseline, **effects}, {})

    @functools.cached_property
    def background(self) -> Baseline:
        """Levels and covariates of the baseline."""
        return Baseline.of(self.baseline, self.covariates)

    @functools.cached_property
    def strength(self) -> Strength:
        """What scales or delays the effects of events."""
        lag = 0.0 if isinstance(self.lag, str) else self.lag
        decays = self._decay_dims if self.gamma_effects else None
        return Strength(self.magnitude, self.alpha_effects, lag, decays)

    def coords(self, panel: EventPanel) -> dict[str, list[str]]:
        """Names along each axis."""
        marks, known = list(panel.mark_names), self.alpha_effects
        return {
            "effect": [] if known is None else known.features_of(panel),
            "group": [] if known is None else known.labels_of(panel),
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
        """The windows, their gaps and exposure, for ArviZ's constant_data."""
        found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "window_start": (("sequence",), np.asarray(panel.start)),
            "window_length": (("sequence",), np.asarray(panel.duration)),
        }
        if len(panel.gaps):
            for name in ("sequence", "start", "length"):
                found[f"gap_{name}"] = ("gap",), np.asarray(getattr(panel.gaps, name))
        if len(panel.exposure):
            for name in ("sequence", "start", "length", "factor"):
                values = np.asarray(getattr(panel.exposure, name))
                found[f"exposure_{name}"] = ("stretch",), values
        return found

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table: those of the baseline, alpha, gamma if learned, those of the kernel."""
        named = self.priors if isinstance(self.priors, str) else "default"

        def effect(
            name: str, dims: tuple[str, ...], start: Any, edge: Any, support: Range
        ) -> Parameter:
            return Parameter(
                name, lambda data: NAMED[named](data.rates)[name], dims, start, edge, support
            )

        pair = ("target", "source")
        alpha = effect("alpha", pair, half_of_the_events, self._without_effect, AT_LEAST_0)
        few = self.horseshoe
        if self.link != "identity":
            alpha = Parameter(
                "alpha", signed_effects, pair, small_effects, self._flat_effect, Range()
            )
        if few is not None:
            alpha = replace(alpha, prior=few.given)
        scale = () if few is None else (few.parameter(self.gamma, self._num_effects),)
        found = (*self.background.parameters(named), *scale, alpha)
        if self.gamma is None:
            gamma = effect(
                "gamma", self._decay_dims, lambda d: jnp.sum(d.rates), self._is_flat, ABOVE_0
            )
            found = (*found, gamma)
        factors = self.strength.parameters(self._without_effect)
        return (*found, *self.kernel.parameters, *factors)

    @property
    def horseshoe(self) -> Horseshoe | None:
        """The horseshoe prior of alpha, if it has one."""
        known = None if isinstance(self.priors, str) else dict(self.priors).get("alpha")
        return known if isinstance(known, Horseshoe) else None

    def conditioned(self, name: str, prior: Any, params: Params) -> Any:
        """The prior of alpha given the scale of a horseshoe; others as they are."""
        return prior.at(params) if isinstance(prior, HalfHorseshoe) else prior

    def _num_effects(self, data: Data) -> int:
        """How many effects are learned."""
        one = self.structures_of({"alpha": (data.num_marks,) * 2}).get("alpha")
        return data.num_marks**2 if one is None else one.size

    @property
    def supports(self) -> dict[str, Range]:
        """Support of each parameter, including the levels of a hierarchy and fixed decays."""
        return {"mu": AT_LEAST_0, "gamma": ABOVE_0} | super().supports

    @property
    def _decay_dims(self) -> tuple[str, ...]:
        if self.gamma is not None:
            return ((), ("source",), ("target", "source"))[np.ndim(self.gamma)]
        return {"pair": ("target", "source"), "source": ("source",), "shared": ()}[self.decay]

    def network(self, num_marks: int) -> bytes | None:
        """Which effects may differ from 0, as packed bits (target, source), where `fixed` rules
        some out and decays do not differ by target."""
        known = dict(self.fixed).get("alpha")
        if known is None or self._decay_dims == ("target", "source"):
            return None
        zero = np.asarray(known, np.float64) == 0
        return np.packbits(~np.broadcast_to(zero, (num_marks, num_marks))).tobytes()

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Axes of the derived quantities."""
        half_life = {} if self.kernel == EXPONENTIAL else {"half_life": self._decay_dims}
        return self.background.derived_dims | half_life | self.strength.derived_dims

    @property
    def natural(self) -> tuple[str, ...]:
        """Names of the parameters with mu in place of its hierarchy, and gamma whether fixed or
        not."""
        own = tuple(one.name for one in self.kernel.parameters)
        return (*self.background.natural, "alpha", "gamma", *own, *self.strength.names)

    def sizes(self, data: Data) -> dict[str, int]:
        """Length of each axis."""
        sizes = dict.fromkeys(("mark", "target", "source"), data.num_marks)
        sizes |= {"sequence": data.num_sequences, "feature": len(self.background.features)}
        sizes |= {dim: len(names) for dim, names in self.kernel.coords().items()}
        return sizes if self.alpha_effects is None else sizes | self.alpha_effects.sizes(data)

    def _is_flat(self, params: Params, data: PreparedPanel) -> HostArray:
        """Decays whose kernel is flat over the longest window (gamma times its length below
        0.01): only alpha gamma matters then."""
        longest = np.max(np.asarray(data.durations, np.float64), initial=0)
        return np.asarray(params["gamma"]) * self.kernel.ratios.max() * longest < 0.01

    def _without_effect(self, params: Params, data: PreparedPanel) -> np.ndarray:
        """Effects that are 0 up to rounding (they explain fewer than 0.01 events), or flat."""
        counts = np.sum(np.asarray(data.counts, np.float64), axis=0)
        if self.strength.scales:
            counts = counts * np.asarray(self.strength.means(params, data, len(counts)))
        nothing = np.asarray(params["alpha"]) * counts < 0.01
        return nothing | self._is_flat(params, data) if "gamma" in params else nothing

    def _flat_effect(self, params: Params, data: PreparedPanel) -> np.ndarray:
        """Effects on the whole line: only flat kernels; 0 is not a boundary."""
        shape = np.shape(params["alpha"])
        flat = self._is_flat(params, data) if "gamma" in params else False
        return np.broadcast_to(flat, shape)

    def _check_gamma_effects(self) -> None:
        known = self.alpha_effects
        if not self.gamma_effects:
            return
        if self.gamma is not None:
            raise ValueError("gamma_effects scale decay rates that are learned: leave gamma out.")
        if known is None or known.time is not None or known.pooled:
            raise ValueError(
                "gamma_effects=True lets the decay rates differ by the features of alpha_effects: "
                "give alpha_effects= a table of features of sequences, without pooled=True. Where "
                "decays differ by period, fit the parts (between, with keep_history=True)."
            )

    def _check_horseshoe(self) -> None:
        named = {} if isinstance(self.priors, str) else dict(self.priors)
        others = [n for n, one in named.items() if isinstance(one, Horseshoe) and n != "alpha"]
        if others:
            raise ValueError(f"A Horseshoe is a prior of alpha; priors gives one to {others[0]}.")
        if self.horseshoe is None:
            return
        if self.stationary:
            raise ValueError(
                "stationary=True truncates a prior whose scale is known; with a Horseshoe of "
                "alpha, leave it out, and look at the spectral radius of the draws."
            )
        if self.link != "identity":
            raise ValueError(f"A Horseshoe is for effects of 0 or more; link is {self.link!r}.")

    def _check_link(self) -> None:
        """Refuse settings that require effects of 0 or more."""
        refused = {
            "stationary": (self.stationary, "requires effects of 0 or more; leave it out"),
            "compensator": (
                self.compensator != "exact",
                "applies to the identity; the integral of a rate with a link is always exact",
            ),
            "form": (
                self.form != "auto",
                "is a way to sum effects for the identity; leave it out",
            ),
            "magnitude": (self.magnitude is not None, MERELY_IDENTITY),
            "alpha_effects": (self.alpha_effects is not None, MERELY_IDENTITY),
            "lag": (self.lag != 0, MERELY_IDENTITY),
            "priors": (
                self.priors == "o2o",
                "restricts alpha to between 0 and 1, without inhibition; leave it out, or give a "
                "prior of alpha",
            ),
        }
        for setting, (bad, why) in refused.items():
            if bad:
                value = getattr(self, setting)
                raise ValueError(f"{setting} is {value!r} with link={self.link!r}: it {why}.")


def _nested(value: Any) -> Any:
    return tuple(_nested(part) for part in value) if value.ndim else float(value)
