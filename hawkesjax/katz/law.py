"""The law of the Katz spike model: parameters, priors, likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.core import Tracer
from jaxtyping import Array, Float

from hawkesjax.core.compiled import compiled
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.hosts import summed
from hawkesjax.core.mesh import Given, over
from hawkesjax.core.model import Model
from hawkesjax.core.parameter import Parameter
from hawkesjax.inputs.arguments import ABOVE_0, AT_LEAST_0, Range
from hawkesjax.inputs.arrays import HostArray
from hawkesjax.inputs.warned import warn
from hawkesjax.katz.counts import check_activity, counts_of, target_bins, totals_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.likelihood import (
    free_log_likelihood,
    free_terms,
    integrals,
    integrated_log_likelihood,
    recent_by_user,
    recent_log_likelihood,
)
from hawkesjax.katz.prepared import PreparedActivity, grouping_of, prepare
from hawkesjax.katz.results import KatzPosterior
from hawkesjax.katz.rules import Settings
from hawkesjax.katz.shares import share_activity

Params = Mapping[str, Any]
Data = Activity | PreparedActivity

TOTALS = {
    "integrated": integrated_log_likelihood,
    "recent": recent_log_likelihood,
    "free": free_log_likelihood,
}
PARTS = {"integrated": integrals, "recent": recent_by_user, "free": free_terms}

SATURATED = 0.5  # of the bins: beyond it, an active bin hardly tells one rate from a larger one


class CircularityWarning(UserWarning):
    """Network and fit share bins: each message explains itself."""


class SaturationWarning(UserWarning):
    """A user is active in most bins: rates beyond one per bin cannot be told apart."""


@dataclass(frozen=True)
class KatzLaw(Settings, Model[Activity, Estimate, KatzPosterior]):
    """Parameters, priors and likelihood of `hawkesjax.KatzSpike`, which adds the verbs."""

    def __post_init__(self) -> None:
        if not isinstance(self.memory, Real) or not 0 <= self.memory < 1:
            raise ValueError(f"memory is {self.memory!r}; it must lie in [0, 1).")
        if isinstance(self.common_factor, str):
            if self.common_factor != "volume":
                raise ValueError(
                    f"common_factor is {self.common_factor!r}; it must be None, 'volume', or one "
                    f"number per bin."
                )
        elif self.common_factor is not None:
            value = np.asarray(self.common_factor, np.float64)
            if value.ndim != 1 or not np.all(np.isfinite(value) & (value >= 0)):
                raise ValueError("common_factor must be one finite number of at least 0 per bin.")
            object.__setattr__(self, "common_factor", tuple(value.tolist()))
        if self.baseline == "recent" and self.link_rule.silence:
            raise ValueError(
                "baseline='recent' changes from bin to bin, and link='clip' would need every "
                "silent bin of every user. Take link='hazard' or 'poisson'."
            )
        super().__post_init__()

    # What the model is, for tables, files and checkpoints

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table: alpha, and the baselines or the parameters that they follow from."""

        def row(name: str, prior: Any, support: Range, **rest: Any) -> Parameter:
            return Parameter(name, prior, support=support, **rest)

        alpha = row(
            "alpha",
            lambda data: dist.HalfNormal(data.spread),
            AT_LEAST_0,
            edge=_without_influence,
        )
        if self.baseline == "free":
            b = row(
                "b",
                lambda data: dist.HalfCauchy(data.rate),
                AT_LEAST_0,
                dims=("user",),
                edge=_without_baseline,
            )
            return (alpha, b)
        if self.baseline == "recent":
            return (
                alpha,
                row("floor", lambda data: dist.HalfCauchy(data.rate), AT_LEAST_0, edge=_on_past),
                row("weight", _unit_normal, AT_LEAST_0, edge=_without_past),
                row("half_life", _of_the_span, ABOVE_0, edge=_without_age),
            )
        mean = row("mean", lambda data: _log_normal(jnp.log(data.rate), data), ABOVE_0)
        shape = row("shape", lambda data: _log_normal(0.0, data), ABOVE_0, edge=_all_alike)
        return (alpha, shape, mean)

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        return {} if self.form_rule.multiplies else {"alpha_star": ()}

    def sizes(self, data: Data) -> dict[str, int]:
        return {"user": int(data.num_users)}

    def coords(self, data: Activity) -> dict[str, list[str]]:
        return {"user": list(data.user_names)}

    def observed(self, data: Activity) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Who was active in the bins of the fit and how often, for ArviZ's observed_data."""
        part = slice(*np.searchsorted(data.active_bin, target_bins(data)))
        return {
            "active_user": (("event",), np.asarray(data.active_user)[part]),
            "active_bin": (("event",), np.asarray(data.active_bin)[part]),
            "posts": (("event",), np.asarray(data.active_posts)[part]),
        }

    def constant(self, data: Activity) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Network, bins, and the sums D, G and n, for ArviZ's constant_data."""
        totals = totals_of(data, self)
        return {
            **{name: ((), np.asarray(value)) for name, value in totals.items()},
            "listener": (("edge",), np.asarray(data.listener)),
            "sender": (("edge",), np.asarray(data.sender)),
            "weight": (("edge",), np.asarray(data.weight)),
            "fit_bins": (("edges_of_fit",), np.asarray(target_bins(data))),
        }

    # The mathematics

    def alike(self, data: Sequence[Activity]) -> list[PreparedActivity]:
        """Activities filled up to one size; each in its own unless baselines are integrated out."""
        if self.baseline != "integrated":
            return super().alike(data)
        least: dict[tuple[int, str], int] = {}
        for one in data:
            for name, size in self.prepare(one).sizes.items():
                least[name] = max(size, least.get(name, 0))
        return [self.prepare(one, least=least) for one in data]

    def prepare(
        self,
        data: Data,
        *,
        dtype: Any = None,
        least: Mapping[tuple[int, str], int] | None = None,
        mesh: Given = None,
    ) -> PreparedActivity:
        """Count and lay out for the device; `log_likelihood` takes the result in its place.

        Args:
            data: network and activity.
            dtype: floating type; JAX's default when None.
            least: the `sizes` of other prepared activities: these are filled up with what counts
                0 times, so that one compilation serves logs of as many users.
            mesh: devices that share the data (`hawkesjax.make_mesh`).
        """
        if isinstance(data, PreparedActivity):
            return over(self, data, mesh)
        if least and self.baseline != "integrated":
            raise ValueError(f"baseline={self.baseline!r} has no groups that can be filled up.")
        self.accept(data)
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(data)):
            raise ValueError(
                "The activity is traced (under jit, grad or vmap), but it is counted on the host. "
                "Call prepare outside and pass its result."
            )
        return over(self, prepare(data, self, dtype, least), mesh)

    def shared(
        self, data: Activity, mesh: Any, dtype: Any = None
    ) -> tuple[PreparedActivity, Activity]:
        """The activity, which every process has, prepared with some users on each device."""
        return share_activity(self, data, mesh, dtype), data

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        Args:
            params: `alpha`, and `shape` and `mean` (posts per user and bin), or `floor`, `weight`
                and `half_life` (bins), or `b` (N,).
            data: an `Activity`, or the result of `prepare`.
        """
        return self._total(params, self.prepare(data))

    @compiled
    def _total(self, params: Params, data: Any) -> Array:
        total = partial(TOTALS[self.baseline], self.link_rule, self.form_rule)
        return summed(total, params, data)

    def pointwise(
        self, params: Params, data: Activity, by: Literal["user"] = "user"
    ) -> Float[Array, " users"]:
        """The log-likelihood in terms that sum to it, one per user."""
        if by != "user":
            raise ValueError(f'by is {by!r}; it must be "user".')
        prepared, counts = self.prepare(data), counts_of(data, self)
        if self.baseline == "free":
            rows, users = self._parts(params, prepared)
            values = jax.ops.segment_sum(rows, prepared.rows.user, data.num_users) + users
        elif self.baseline == "recent":
            values = self._parts(params, prepared)
        else:
            parts, closed = self._parts(params, prepared)
            values = jnp.concatenate([*parts, closed])[grouping_of(data, self).kind]
            if not self.link_rule.silence:
                heard = jnp.asarray(counts.heard_in_all)
                values = values - self.form_rule.apart(jnp.asarray(params["alpha"]), heard)
        return values + jnp.asarray(counts.constant_by_user)

    @compiled
    def _parts(self, params: Params, data: Any) -> Any:
        """Terms of the log-likelihood as the kind of baseline has them."""
        return PARTS[self.baseline](self.link_rule, self.form_rule, params, data)

    def pointwise_sizes(self, data: Activity) -> dict[str, int]:
        return {"user": data.num_users}

    # Priors and inference

    def derived(self, params: Params, data: PreparedActivity) -> dict[str, Array]:
        r"""What tables show beside the parameters: :math:`\alpha^* = \alpha \rho(A)`.

        A network without cycles has rho = 0: every alpha is allowed and alpha* undefined. In
        the multiplicative form it would be that of diag(b) A, which a table of users can tell.
        """
        if self.form_rule.multiplies or data.acyclic:
            return {}
        return {"alpha_star": jnp.asarray(params["alpha"]) * data.radius}

    def starts(self, data: PreparedActivity) -> list[dict[str, Array]]:
        """Starting values: little or half of the events set off by others, users much or little
        alike."""
        share = data.events / jnp.maximum(data.influence, 1)
        values = []
        for part in (0.01, 0.1, 0.5):
            alpha = part * jnp.minimum(share, data.spread)
            base = (1 - part) * data.rate
            if self.baseline == "free":
                values.append({"alpha": alpha, "b": base})
            elif data.own is not None:
                values += [
                    {"alpha": alpha, "floor": base * (1 - weight), "weight": weight}
                    | {"half_life": old}
                    for weight in (0.2, 0.8)
                    for old in jnp.maximum(data.own.span, 2) ** jnp.array([0.3, 0.6, 0.9])
                ]
            else:
                shapes = (0.1, 0.5, 2.0)
                values += [{"alpha": alpha, "shape": shape, "mean": base} for shape in shapes]
        shapes = self.shapes(data)
        return [
            {
                name: jnp.broadcast_to(jnp.asarray(value, data.dtype), shapes[name])
                for name, value in start.items()
            }
            for start in values
        ]

    def check(self, data: Any) -> None:
        """Refuse anything but an `Activity` with a log.

        Warns:
            CircularityWarning: when network and fit share bins.
            SaturationWarning: when a user is active in more than half of the bins.
        """
        super().check(data)
        check_activity(data)
        first, last = target_bins(data)
        if data.network is not None:
            shared = min(last, data.network[1]) - max(first, data.network[0])
            if shared > 0:
                warn(
                    f"The network was made of {shared:,} of the {last - first:,} bins of the fit: "
                    f"each message that made an edge explains itself, and alpha is too large. "
                    f"Fit on bins after the network's.",
                    CircularityWarning,
                )
        part = slice(*np.searchsorted(data.active_bin, (first, last)))
        active = np.bincount(np.asarray(data.active_user)[part], minlength=1)
        busiest = float(np.max(active)) / (last - first)
        if not self.link_rule.posts and busiest > SATURATED:
            user = data.user_names[int(np.argmax(active))]
            warn(
                f"User {user} is active in {100 * busiest:.0f} % of the bins: beyond half, rates "
                f"can hardly be told apart. Take shorter bins, or link='poisson'.",
                SaturationWarning,
            )

    def dense_mass(self, data: PreparedActivity) -> list[tuple[str, ...]] | bool:
        return False if self.baseline == "free" else [tuple(one.name for one in self.parameters)]

    @property
    def local(self) -> str | None:
        return "b" if self.baseline == "free" else None


def _log_normal(middle: Any, data: PreparedActivity) -> dist.LogNormal:
    one = jnp.ones((), data.dtype)
    return dist.LogNormal(middle * one, 1.5 * one)


def _unit_normal(data: PreparedActivity) -> dist.HalfNormal:
    return dist.HalfNormal(jnp.ones((), data.dtype))


def _of_the_span(data: PreparedActivity) -> dist.LogNormal:
    """Half-lives from a thousandth of the log to more than twice its length, 95 % of them."""
    assert data.own is not None
    one = jnp.ones((), data.dtype)
    return dist.LogNormal(jnp.log(jnp.maximum(data.own.span, 1) / 20) * one, 2 * one)


def _on_past(params: Params, data: PreparedActivity) -> HostArray:
    """Whether the floor explains less than a hundredth of an event."""
    return np.asarray(params["floor"]) * data.num_users * float(data.exposure) < 0.01


def _without_past(params: Params, data: PreparedActivity) -> HostArray:
    """Whether users' own past explains less than a hundredth of an event."""
    return np.asarray(params["weight"]) * float(data.events) < 0.01


def _without_age(params: Params, data: PreparedActivity) -> HostArray:
    """Whether age counts for nothing, only the last bin does, or there is no past to weigh."""
    assert data.own is not None
    half_life = np.asarray(params["half_life"])
    # 2^(-1 / 0.1) is a thousandth; at 100 spans, weights differ by less than a hundredth
    apart = (half_life < 0.1) | (half_life > 100 * float(data.own.span))
    return np.logical_or(apart, _without_past(params, data))


def _without_influence(params: Params, data: PreparedActivity) -> HostArray:
    """Whether alpha explains less than a hundredth of an event."""
    return np.asarray(params["alpha"]) * float(data.influence) < 0.01


def _without_baseline(params: Params, data: PreparedActivity) -> np.ndarray:
    """Baselines that explain less than a hundredth of an event."""
    return np.asarray(params["b"]) * float(data.exposure) < 0.01


def _all_alike(params: Params, data: PreparedActivity) -> HostArray:
    """Whether the shape is so large that all users are alike."""
    return np.asarray(params["shape"]) > 1e4
