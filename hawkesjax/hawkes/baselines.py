"""The baseline of the Hawkes model: levels by sequence and mark, and covariates over time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.parameter import Parameter
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.hawkes.background import pieces
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.exposed import intervals
from hawkesjax.hawkes.priors import NAMED
from hawkesjax.inputs.arguments import AT_LEAST_0

Params = Mapping[str, Any]

LEVELS = ("sequence", "shared", "hierarchical")
CELLS = ("sequence", "mark")


@dataclass(frozen=True)
class Baseline:
    r"""`mu[m, i](t) = level[m, i] exp(beta[i] . C(t))`, either factor alone or both; a known
    exposure of the panel multiplies it.

    Args:
        levels: "sequence", "shared", "hierarchical", or None where the covariates' intercept is
            the level.
        covariates: C, without an intercept where there are levels; None for constant baselines.
    """

    levels: str | None
    covariates: Covariates | None

    @classmethod
    def of(cls, baseline: Any, covariates: Any) -> Baseline:
        """The two arguments of `Hawkes`, checked.

        Raises:
            ValueError: for an unknown name, covariates without an intercept or without a feature
                beside it, and a shared level beside covariates.
        """
        if covariates is not None and not isinstance(covariates, Covariates):
            raise ValueError(f"covariates must be Covariates, not {type(covariates).__name__}.")
        if isinstance(baseline, Covariates):
            if covariates is not None:
                raise ValueError(
                    "Covariates are given twice: join them, and name them as the baseline."
                )
            if INTERCEPT not in baseline.feature_names:
                raise ValueError(
                    f"The covariates have no {INTERCEPT!r}, which is the level of the baseline: "
                    f"build them with intercept=True (join one that has it)."
                )
            return cls(None, baseline)
        if baseline not in LEVELS:
            raise ValueError(
                f"baseline is {baseline!r}; it must be one of {', '.join(LEVELS)}, or Covariates."
            )
        if covariates is None:
            return cls(baseline, None)
        if baseline == "shared":
            raise ValueError(
                "A shared level is the covariates' own intercept: pass baseline=covariates."
            )
        kept = [name for name in covariates.feature_names if name != INTERCEPT]
        if not kept:
            raise ValueError("The covariates have no feature beside the intercept.")
        same = len(kept) == covariates.num_features
        return cls(baseline, covariates if same else covariates.select(kept))

    def parameters(self, named: str) -> tuple[Parameter, ...]:
        """The parameters, with the levels' priors of that name (`hawkesjax.hawkes.priors`).

        The prior of the covariates' intercept is normal around the log of the mark's rate, with
        standard deviation 2 (95 % within a factor of 50 of the data's own rate). Every other
        feature has a normal prior such that the rate changes by a factor of `exp(1.5)`, one
        standard deviation, between the feature's smallest and largest value (95 % within a factor
        of 19 up or down), whatever its unit.
        """

        def level(name: str, dims: tuple[str, ...], start: Any, edge: Any = None) -> Parameter:
            prior = lambda data: NAMED[named](data.exposed_rates)[name]  # noqa: E731
            return Parameter(name, prior, dims, start, edge, AT_LEAST_0)

        def half(data: Any) -> Array:
            """Half of the events from the background."""
            return 0.5 * data.exposed_rates

        found: tuple[Parameter, ...] = ()
        if self.levels == "hierarchical":
            standard = Parameter("mu_offset", dist.Normal(0.0, 1.0), CELLS, 0.0)
            median = level("mu_median", ("mark",), half, self._without_median)
            spread = level("mu_spread", ("mark",), 0.5, self._without_spread)
            found = (median, spread, standard)
        elif self.levels is not None:
            dims = ("mark",) if self.levels == "shared" else CELLS
            found = (level("mu", dims, half, self._without_level),)
        if self.covariates is None:
            return found
        dims = ("mark", "feature")
        beta = Parameter("beta", self._prior, dims, self._start, self._without_feature)
        return (*found, beta)

    @property
    def natural(self) -> tuple[str, ...]:
        """Names of the natural parameters: `mu` in place of its hierarchy."""
        levels = () if self.levels is None else ("mu",)
        return levels if self.covariates is None else (*levels, "beta")

    @property
    def features(self) -> list[str]:
        """Names of the features."""
        return [] if self.covariates is None else list(self.covariates.feature_names)

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Axes of the derived quantities: mu of a hierarchical baseline, the mean over a window of
        one with covariates."""
        mu: dict[str, tuple[str, ...]] = {}
        if self.levels == "hierarchical":
            mu = {"mu": CELLS}
        return mu if self.covariates is None else mu | {"mu_mean": CELLS}

    def config(self) -> Any:
        """The baseline as a JSON-serialisable value; covariates as a description and a digest."""
        known = self.covariates
        if known is None:
            return self.levels
        digest = hashlib.sha256(known.edges.tobytes() + known.values.tobytes()).hexdigest()
        return {
            "levels": self.levels,
            "features": self.features,
            "window": list(known.window),
            "unit": known.unit,
            "origin": known.origin,
            "timezone": known.timezone,
            "digest": digest[:16],
        }

    @classmethod
    def from_config(cls, config: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Restore the two arguments of `Hawkes` from `config()` and the covariates' arrays."""
        if isinstance(config, str):
            return {"baseline": config}
        known = Covariates(
            edges=np.asarray(arrays["edges"]),
            values=np.asarray(arrays["values"]),
            feature_names=tuple(config["features"]),
            unit=config["unit"],
            origin=config["origin"],
            timezone=config["timezone"],
        )
        if config["levels"] is None:
            return {"baseline": known}
        return {"baseline": config["levels"], "covariates": known}

    def level(self, params: Params) -> Any:
        """mu from the natural parameters, or from the offsets when it is hierarchical; 1 where the
        covariates' intercept is the level."""
        if self.levels is None:
            return jnp.ones(())
        if "mu" in params:
            return jnp.asarray(params["mu"])
        spread = jnp.asarray(params["mu_spread"])[None] * jnp.asarray(params["mu_offset"])
        return jnp.asarray(params["mu_median"])[None] * jnp.exp(spread)

    def at_events(self, params: Params, data: Any) -> Float[Array, "..."]:
        """The baseline of each event's own mark, including its exposure, (N,); a constant baseline
        without exposure by cell, (M, D)."""
        level = self.level(params)
        cells = (data.num_sequences, data.num_marks)
        if self.covariates is None:
            level = jnp.broadcast_to(level, cells)
            if data.exposure is None:
                return level
            return level[data.sequence, data.marks] * data.exposure.at
        beta = jnp.asarray(params["beta"])
        rates = jnp.exp(data.cells.log_rates(beta)[data.cells.at, data.marks])
        if data.exposure is not None:
            rates = rates * data.exposure.at
        if self.levels is None:
            return rates
        return jnp.broadcast_to(level, cells)[data.sequence, data.marks] * rates

    def along(
        self, draws: Mapping[str, np.ndarray], sequence: np.ndarray, times: np.ndarray, clock: Any
    ) -> Float[np.ndarray, "draws points marks"]:
        """The baseline of all marks at any times, on the host, without its exposure; a constant
        baseline has one point.

        Args:
            draws: natural parameters with a leading axis of draws.
            sequence: (P,) of each point.
            times: (P,) absolute times.
            clock: anything with the `unit` and `origin` of these times.
        """
        level = np.ones((1, 1, 1))
        if self.levels is not None:
            level = draws["mu"] if draws["mu"].ndim == 3 else draws["mu"][:, None]
            level = level[:, sequence] if level.shape[1] > 1 else level
        if self.covariates is None:
            return level
        features = self.covariates.aligned(clock).at(times)
        return level * np.exp(np.einsum("pf,kdf->kpd", features, draws["beta"]))

    def integrals(self, params: Params, data: Any) -> Float[Array, "sequences marks"]:
        """The baseline integrated over each sequence's window."""
        if self.covariates is None:
            level = jnp.broadcast_to(self.level(params), (data.num_sequences, data.num_marks))
            return level * jnp.asarray(data.exposed)[:, None]
        rates = data.cells.integrals(jnp.asarray(params["beta"]))
        return rates if self.levels is None else self.level(params) * rates

    def increments(
        self, params: Params, panel: EventPanel, dtype: Any
    ) -> tuple[Float[Array, "events marks"], Float[Array, "sequences marks"]]:
        """The baseline of every mark integrated from the previous event to each event, and from
        each sequence's last event to its window's end."""
        cells = (panel.num_sequences, panel.num_marks)
        level = jnp.broadcast_to(jnp.asarray(self.level(params), dtype), cells)
        if self.covariates is None:
            if len(panel.exposure):
                parts = jnp.asarray(panel.exposure.integrals(*intervals(panel)), dtype)[:, None]
                inside, tails = parts[: panel.num_events], parts[panel.num_events :]
                return level[panel.sequence] * inside, level * tails
            return _constant(level, panel.waits, panel.remaining, panel.duration, panel.sequence)
        beta = jnp.asarray(params["beta"], dtype)
        parts = pieces(self.covariates, panel).integrals(beta, panel.num_events + cells[0])
        inside, tails = parts[: panel.num_events], parts[panel.num_events :]
        return level[panel.sequence] * inside, level * tails

    def _prior(self, data: Any) -> dist.Distribution:
        values = self.covariates.values if self.covariates is not None else np.zeros((0, 0))
        reach = np.ptp(values, axis=0)
        scale = 1.5 / np.where(reach > 0, reach, 1)
        own = np.array([name == INTERCEPT for name in self.features])
        loc = jnp.where(own, jnp.log(data.exposed_rates)[:, None], 0)
        return dist.Normal(loc, jnp.asarray(np.where(own, 2.0, scale), data.dtype))

    def _start(self, data: Any) -> Array:
        """Half of the events from the background."""
        own = np.array([name == INTERCEPT for name in self.features])
        return jnp.where(own, jnp.log(0.5 * data.exposed_rates)[:, None], 0)

    def _without_level(self, params: Params, data: Any) -> np.ndarray:
        """Levels that explain fewer than 0.01 events: 0 up to rounding."""
        whole = np.asarray(self.integrals(params, data), np.float64)
        return (whole.sum(axis=0) if self.levels == "shared" else whole) < 0.01

    def _without_median(self, params: Params, data: Any) -> np.ndarray:
        """Medians whose mean level explains fewer than 0.01 events in all."""
        spread = np.asarray(params["mu_spread"], np.float64)
        mean = np.asarray(params["mu_median"]) * np.exp(spread**2 / 2)
        cells = (data.num_sequences, data.num_marks)
        alone = {**params, "mu": jnp.broadcast_to(jnp.asarray(mean, data.dtype), cells)}
        return np.asarray(self.integrals(alone, data), np.float64).sum(axis=0) < 0.01

    def _without_spread(self, params: Params, data: Any) -> np.ndarray:
        r"""Spreads that the data cannot distinguish from 0. The information on `spread^2` is half
        the sum of squares of the sequences' counts; a value below 0.01 standard errors counts as
        0."""
        counts = np.asarray(data.counts, np.float64)
        told = np.asarray(params["mu_spread"]) ** 2 * np.sqrt(np.sum(counts**2, axis=0) / 2)
        return (told < 0.01) | self._without_median(params, data)

    def _without_feature(self, params: Params, data: Any) -> np.ndarray:
        """Effects that explain fewer than 0.01 events: minus infinity on the scale of beta."""
        cells = (data.num_sequences, data.num_marks)
        level = np.broadcast_to(self.level(params), cells)
        weights = np.asarray(data.cells.exposure)[np.asarray(data.cells.window)]
        logs = data.cells.log_rates(jnp.asarray(params["beta"]))
        by_row = (weights.T @ level) * np.exp(np.asarray(logs, np.float64))
        return by_row.T @ (np.asarray(data.cells.rows) != 0) < 0.01


@jax.jit
def _constant(level: Any, waits: Any, remaining: Any, duration: Any, sequence: Any) -> Any:
    """Increments of constant levels, compiled once per size."""
    waits, remaining, duration = (jnp.asarray(x, level.dtype) for x in (waits, remaining, duration))
    left = jax.ops.segment_min(remaining, sequence, level.shape[0])
    left = jnp.where(jnp.isinf(left), duration, left)
    return level[sequence] * waits[:, None], level * left[:, None]
