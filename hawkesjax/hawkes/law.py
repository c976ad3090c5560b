"""The law of the multivariate Hawkes process: likelihood, priors, and what inference asks for."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, Self

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.compiled import at_once, likelihood_inside
from hawkesjax.core.information import Solved
from hawkesjax.hawkes.known_decays import can_solve, solve
from hawkesjax.hawkes.likelihood import HawkesLikelihood
from hawkesjax.hawkes.one_decay import can_profile, profiled
from hawkesjax.hawkes.prepared import (
    PreparedPanel,
    check_panel,
)
from hawkesjax.hawkes.priors import Truncated
from hawkesjax.hawkes.settings import Data, Params
from hawkesjax.hawkes.starts import on_time_scales


@dataclass(frozen=True)
class HawkesLaw(HawkesLikelihood):
    """Likelihood and priors of `hawkesjax.Hawkes`, which adds the verbs."""

    def sites(self, data: PreparedPanel) -> dict[str, dist.Distribution]:
        """The prior of each sampled parameter."""
        sites = super().sites(data)
        return sites | {"alpha": Truncated(sites["alpha"])} if self.stationary else sites

    def log_density(self, params: Params, data: PreparedPanel) -> Float[Array, ""]:
        """The log-likelihood and, of a hierarchical baseline, the offsets' log density."""
        value = likelihood_inside(self, params, data)
        if self.background.levels != "hierarchical":
            return value
        return value + jnp.sum(self.sites(data)["mu_offset"].log_prob(params["mu_offset"]))

    def derived(self, params: Params, data: PreparedPanel) -> dict[str, Array]:
        """What tables show besides the sampled parameters: mu of a hierarchical baseline, the mean
        over its window (weighted by its exposure) of one with covariates, half-lives of a kernel
        that is a sum.

        All are positive, and an entry depends on one entry of `local` at most.
        """
        found = {"mu": self.background.level(params)}
        if "mu_mean" in self.derived_dims:
            exposed = jnp.asarray(data.exposed)[:, None]
            time = jnp.where(exposed > 0, exposed, 1)
            found["mu_mean"] = self.background.integrals(params, data) / time
        if "half_life" in self.derived_dims:
            found["half_life"] = self.kernel.half_life(params) / self._effects(params)[1]
        if self.strength.derived_dims:
            found |= self.strength.derived(params, *self._effects(params), data)
        return {name: found[name] for name in self.derived_dims}

    def plain_start(self, data: PreparedPanel) -> dict[str, Array]:
        """Starting values on the time scale of the events."""
        return super().starts(data)[0]

    def starts(self, data: PreparedPanel) -> list[dict[str, Array]]:
        """Starting values: half the events from the background, half from the past, on a few
        time scales."""
        return on_time_scales(self, at_once(self, "plain_start", data), data)

    def solved(self, data: PreparedPanel, tol: float) -> Solved | None:
        """With known decays, the maximum target by target (`hawkesjax.hawkes.concave`); with one
        rate to be learned and many marks, the best of these (`hawkesjax.hawkes.one_decay`)."""
        if can_profile(self, data):
            return profiled(self, data, tol)
        if set(self.shapes(data)) != {"mu", "alpha"} or not can_solve(self, data):
            return None
        best = solve(self, {}, data, tol)
        information = functools.partial(best.information, self, data)
        return Solved(best.params, best.loss, best.gradient, best.steps, information)

    def without_effects(self, data: PreparedPanel) -> tuple[float, int] | None:
        """For plain levels: the log-likelihood of constant rates (per unit of exposure), and their
        number."""
        plain = self.background.covariates is None and self.background.levels in (
            "sequence",
            "shared",
        )
        known = data.inflow is not None or (data.shares is not None and data.exposure is not None)
        if not plain or self.structures(data) or known:
            return None
        counts = np.asarray(data.counts, np.float64)
        time = np.asarray(data.exposed, np.float64)[:, None]
        if self.background.levels == "shared":
            counts, time = counts.sum(axis=0), time.sum()
        some = counts > 0
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(some, counts, 1) / np.broadcast_to(time, counts.shape))
            value = np.sum(np.where(some, counts * (logs - 1), 0))
            if data.exposure is not None:  # minus infinity for an event where the exposure is 0
                at = np.asarray(data.exposure.at, np.float64)[: int(data.num_events)]
                value = value + np.sum(np.log(at))
        return float(value), counts.size

    def unrestricted(self) -> Self:
        """The same model without the stationarity constraint, in whose coordinates intervals are
        computed."""
        return replace(self, stationary=False)

    def check(self, data: Any) -> None:
        """The checks of the data by `fit` and `sample` before any computation: `check_panel`."""
        super().check(data)
        if (len(data.gaps) or len(data.history)) and self.compensator != "exact":
            raise ValueError("A record with gaps, or a history, needs the exact compensator.")
        few = self.horseshoe
        if few is not None and few.effects >= self._num_effects(data):
            raise ValueError(
                f"Horseshoe expects {few.effects:g} effects of {self._num_effects(data)} that are "
                f"learned: expect fewer, or leave the horseshoe out."
            )
        check_panel(data, shared=self.background.levels in ("shared", None), lag=self.strength.lag)

    def dense_mass(self, data: PreparedPanel) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlations NUTS should learn: alpha, gamma, the kernel's own and
        beta, up to 200 of them."""
        shapes = self.shapes(data)
        own = (*(one.name for one in self.kernel.parameters), *self.strength.names)
        names = tuple(name for name in ("alpha", "gamma", *own, "beta") if name in shapes)
        size = sum(int(np.prod(shapes[name])) for name in names)
        return [names] if size <= 200 else False

    @property
    def can_vanish(self) -> bool:
        """Whether an event may have rate 0: with the rectified link."""
        return self.link == "rectified"

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return {None: None, "hierarchical": "mu_offset"}.get(self.background.levels, "mu")

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """Target of each parameter, and of what `derived` gives; those of different targets do not
        interact. None for all targets."""
        by_pair = np.repeat(np.arange(data.num_marks), data.num_marks)
        by_mark = np.arange(data.num_marks)
        by_cell = np.tile(by_mark, data.num_sequences)
        sizes = {"effect": 0, "group": 0}
        if self.alpha_effects is not None:
            sizes = self.alpha_effects.sizes(data)
        return {
            "alpha_mean": None if self.magnitude else by_pair,
            "alpha_group": np.tile(by_pair, sizes["group"]),
            "alpha_effect": np.repeat(by_pair, sizes["effect"]),
            "gamma_group": np.tile(by_pair, sizes["group"]) if self.decay == "pair" else None,
            "gamma_effect": np.repeat(by_pair, sizes["effect"]) if self.decay == "pair" else None,
            "alpha_spread": by_pair,
            "alpha_offset": np.repeat(by_pair, sizes["effect"]),
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
