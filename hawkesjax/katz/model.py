"""The Katz spike model: who posts next, given who was heard."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.core import Tracer
from jaxtyping import Array, Float

from hawkesjax.core.priors import describe
from hawkesjax.katz.counts import check_activity, target_bins
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.likelihood import (
    free_log_likelihood,
    integrals,
    integrated_log_likelihood,
    log_terms,
    rate,
)
from hawkesjax.katz.prepared import PreparedActivity, counts_of, grouping_of, prepare
from hawkesjax.katz.steady.solve import FORMS, radius

Params = Mapping[str, Any]
Data = Activity | PreparedActivity

LINKS = ("hazard", "poisson", "clip")
BASELINES = ("integrated", "free")
SATURATED = 0.5


class CircularityWarning(UserWarning):
    """Network and fit share bins: each message explains itself."""


class SaturationWarning(UserWarning):
    """A user is active in most bins: rates beyond one a bin cannot be told apart."""


@jax.tree_util.register_static
@dataclass(frozen=True)
class KatzSpike:
    r"""Activity in bins that spreads along a network of attention.

    User i is active in bin k + 1 at a rate that grows with the messages it heard in bin k,
    :math:`r_i[k] = \sum_j A_{ij} s_j[k]`, s the active users (their posts, for the Poisson link):

    .. math:: \eta_i[k] = g_k b_i + \alpha r_i[k] \quad\text{(additive)}, \qquad
              \eta_i[k] = g_k b_i (1 + \alpha r_i[k]) \quad\text{(multiplicative)}

    The mean of the additive model settles at :math:`(I - \alpha A) s^* = b`, Katz centrality with
    `b` in place of ones; the multiplicative model is the same with A replaced by diag(b) A.

    With the hazard link, active with probability :math:`1 - e^{-\eta}`, silent users need no sum:

    .. math:: \ell = \sum_{e} \log(e^{\eta_e} - 1) - G \sum_i b_i - \alpha D, \qquad
              D = \sum_{i, k} r_i[k], \; G = \sum_k g_k

    over active pairs e = (i, k) only, and likewise with :math:`y_e \log \eta_e - \log y_e!` for
    posts. So one pass over the log gives all statistics, and an evaluation costs the distinct
    (user, r) pairs, whatever the numbers of users, bins and edges. With the clipped link silent
    bins do count: those that heard nothing are binomial (n of K bins), the others are collapsed
    by (user, r).

    With `baseline="integrated"`, :math:`b_i \sim \mathrm{Gamma}(\mathrm{shape}, \mathrm{mean})`,
    and each user's integral is taken on a grid of 48 nodes (more for users with hundreds of
    events) to a relative error below 1e-10, except for users active in nearly all bins,
    whose integral reaches beyond the grid (`SaturationWarning` names that case); users with the
    same counts share it, and those without an event have a closed form. Three
    parameters are left, whatever the number of users.

    Args:
        link: `"hazard"`; `"poisson"` for numbers of posts; `"clip"`, probability min(eta, 1), only
            for replication: beyond 1 it has no gradient. With it alpha is held where silent bins
            are possible.
        form: `"additive"` or `"multiplicative"`.
        baseline: `"integrated"` (parameters `alpha`, `shape`, `mean`) or `"free"` (`alpha`,
            `b[user]`).
        memory: phi; what is heard becomes `A h`, `h[k] = phi h[k-1] + s[k]`.
        common_factor: None, `"volume"` (active users of bin k + 1 itself, in steps of 10 %), or one
            number a bin of the fit, scaled to mean 1.
        priors: `"default"`, or a dict from parameter names to numpyro distributions. The default
            does not depend on the length of a bin or the size of the network: with rho the
            spectral radius, `alpha ~ HalfNormal(1 / rho)`, so that :math:`\alpha^* = \alpha \rho`
            is of order 1, its natural limit (multiplicative: HalfNormal with scale 1 over the mean
            r of those who heard something: one message heard about doubles the rate);
            `shape ~ LogNormal(0, 1.5)`; `mean ~ LogNormal(log rate, 1.5)` with the data's own
            rate; `b ~ HalfCauchy(rate)`.

    Raises:
        ValueError: for an unknown name or value.

    Source: Higham, Grindrod, Mantzaris, Otley and Laflin, "Anticipating activity in social media
    spikes" (ICWSM workshops 2014), equations 2-5. They have no link ("a normalization factor
    should be included") and print the quotient alpha / rho for alpha*; only the product is right.
    """

    link: Literal["hazard", "poisson", "clip"] = "hazard"
    form: Literal["additive", "multiplicative"] = "additive"
    baseline: Literal["integrated", "free"] = "integrated"
    memory: float = 0.0
    common_factor: Any = None
    priors: Any = "default"

    name = "katz"

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("link", self.link, LINKS),
            ("form", self.form, FORMS),
            ("baseline", self.baseline, BASELINES),
        ):
            if value not in allowed:
                raise ValueError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")
        if not isinstance(self.memory, Real) or not 0 <= self.memory < 1:
            raise ValueError(f"memory is {self.memory!r}; it must lie in [0, 1).")
        if isinstance(self.priors, Mapping):
            unknown = set(self.priors) - set(self._parameters())
            if unknown:
                raise ValueError(
                    f"priors name {sorted(unknown)}, which this model does not sample; "
                    f"it samples {list(self._parameters())}."
                )
            object.__setattr__(self, "priors", tuple(sorted(self.priors.items())))
        elif isinstance(self.priors, str) and self.priors != "default":
            raise ValueError(f"priors is {self.priors!r}; the named ones are default.")
        if isinstance(self.common_factor, str):
            if self.common_factor != "volume":
                raise ValueError(
                    f"common_factor is {self.common_factor!r}; it must be None, 'volume', or one "
                    f"number a bin."
                )
        elif self.common_factor is not None:
            value = np.asarray(self.common_factor, np.float64)
            if value.ndim != 1 or not np.all(np.isfinite(value) & (value >= 0)):
                raise ValueError("common_factor must be one finite number of at least 0 a bin.")
            object.__setattr__(self, "common_factor", tuple(value.tolist()))

    # What the model is, for tables, files and checkpoints

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-able values."""
        priors = self.priors
        if not isinstance(priors, str):
            priors = {name: describe(prior) for name, prior in priors}
        factor = self.common_factor
        return {
            "model": self.name,
            "link": self.link,
            "form": self.form,
            "baseline": self.baseline,
            "memory": self.memory,
            "common_factor": list(factor) if isinstance(factor, tuple) else factor,
            "priors": priors,
        }

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of each parameter's axes."""
        known = {"alpha": (), "shape": (), "mean": (), "b": ("user",)}
        dims = {name: known[name] for name in self._parameters()}
        return dims | ({"alpha_star": ()} if self.form == "additive" else {})

    def coords(self, data: Activity) -> dict[str, list[str]]:
        """Names along each axis."""
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
        counts = counts_of(data, self)
        return {
            "heard": ((), np.asarray(np.sum(counts.heard_in_all), np.float64)),
            "exposure": ((), np.asarray(counts.exposure, np.float64)),
            "events": ((), np.asarray(np.sum(counts.events_by_user), np.float64)),
            "listener": (("edge",), np.asarray(data.listener)),
            "sender": (("edge",), np.asarray(data.sender)),
            "weight": (("edge",), np.asarray(data.weight)),
            "fit_bins": (("edges_of_fit",), np.asarray(target_bins(data))),
        }

    def _parameters(self) -> tuple[str, ...]:
        return ("alpha", "b") if self.baseline == "free" else ("alpha", "shape", "mean")

    def shapes(self, data: Data) -> dict[str, tuple[int, ...]]:
        """Shape of each sampled parameter."""
        return {name: (int(data.num_users),) if name == "b" else () for name in self._parameters()}

    # The mathematics

    def prepare(
        self, data: Data, *, dtype: Any = None, least: Mapping[tuple[int, str], int] | None = None
    ) -> PreparedActivity:
        """Count and lay out for the device; `log_likelihood` takes the result in its place.

        Args:
            data: network and activity.
            dtype: floating type; JAX's default when None.
            least: the `sizes` of other prepared activities: these are filled up with what counts
                0 times, so that one compilation serves logs of as many users.
        """
        if isinstance(data, PreparedActivity):
            return data
        if least and self.baseline == "free":
            raise ValueError("baseline='free' has a parameter a user: it cannot be filled up.")
        check_activity(data)
        if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(data)):
            raise ValueError(
                "The activity is traced (under jit, grad or vmap), but it is counted on the host. "
                "Call prepare outside and pass its result."
            )
        return prepare(data, self, radius(data).value, dtype, least)

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        Args:
            params: `alpha`, and `shape` and `mean` (posts a user and bin), or `b` (N,).
            data: an `Activity`, or the result of `prepare`.
        """
        data = self.prepare(data)
        alpha = jnp.asarray(params["alpha"])
        if self.baseline == "free":
            b = jnp.asarray(params["b"])
            return free_log_likelihood(self.link, self.form, alpha, b, data)
        return integrated_log_likelihood(self.link, self.form, params, data)

    def pointwise(
        self, params: Params, data: Activity, by: Literal["user"] = "user"
    ) -> Float[Array, " users"]:
        """The log-likelihood in terms that sum to it, one a user."""
        if by != "user":
            raise ValueError(f'by is {by!r}; it must be "user".')
        prepared, counts = self.prepare(data), counts_of(data, self)
        alpha = jnp.asarray(params["alpha"])
        heard = jnp.asarray(counts.heard_in_all)
        if self.baseline == "free":
            b = jnp.asarray(params["b"])
            eta = rate(
                self.form, b[prepared.row_user], alpha, prepared.row_heard, prepared.row_factor
            )
            rows = prepared.row_count * log_terms(self.link, eta, prepared.row_silent)
            values = jax.ops.segment_sum(rows, prepared.row_user, len(heard))
            if self.link == "clip":
                return values
            scaled = alpha * heard * (b if self.form == "multiplicative" else 1)
            values = values - prepared.exposure * b - scaled
        else:
            parts, closed = integrals(self.link, self.form, params, prepared)
            values = jnp.concatenate([*parts, closed])[grouping_of(data, self).kind]
            if self.form == "additive" and self.link != "clip":
                values = values - alpha * heard
        return values + jnp.asarray(counts.constant_by_user)

    def pointwise_sizes(self, data: Activity) -> dict[str, int]:
        """Numbers of pointwise terms."""
        return {"user": data.num_users}

    # Priors and inference

    def sites(self, data: PreparedActivity) -> dict[str, dist.Distribution]:
        """The prior of each sampled parameter."""
        one = jnp.ones((), data.dtype)
        chosen: dict[str, Any] = {
            "alpha": dist.HalfNormal(data.spread),
            "shape": dist.LogNormal(0 * one, 1.5 * one),
            "mean": dist.LogNormal(jnp.log(data.rate), 1.5 * one),
            "b": dist.HalfCauchy(data.rate),
        }
        if not isinstance(self.priors, str):
            chosen |= dict(self.priors)
        sites = {}
        for name, shape in self.shapes(data).items():
            prior = chosen[name]
            if prior.shape() not in ((), shape):
                raise ValueError(
                    f"The prior of {name!r} has shape {prior.shape()}; it must be () or {shape}."
                )
            sites[name] = prior if prior.shape() == shape else prior.expand(shape)
        return sites

    def program(self, data: PreparedActivity) -> None:
        """The model as a numpyro program over prepared data."""
        params = {name: numpyro.sample(name, prior) for name, prior in self.sites(data).items()}
        numpyro.factor("log_likelihood", self.log_likelihood(params, data))

    def penalty(self, params: Params, data: PreparedActivity) -> Float[Array, ""]:
        """What maximum likelihood adds: nothing."""
        return jnp.zeros((), data.dtype)

    def derived(self, params: Params, data: PreparedActivity) -> dict[str, Array]:
        r"""What tables show beside the parameters: :math:`\alpha^* = \alpha \rho(A)`.

        A network without circles has rho = 0: every alpha is allowed and alpha* undefined. In
        the multiplicative form it would be that of diag(b) A, which a table of users can tell.
        """
        if self.form == "multiplicative" or data.acyclic:
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

    def unrestricted(self) -> KatzSpike:
        """The model without constraints beyond positive parameters: itself."""
        return self

    def at_boundary(self, params: Params, data: PreparedActivity) -> dict[str, np.ndarray]:
        """Parameters at the edge of what the data can tell: alpha or a baseline that explains less
        than a hundredth of an event, a shape so large that all users are alike."""
        edge = {name: np.zeros(np.shape(value), bool) for name, value in params.items()}
        edge["alpha"] = np.asarray(params["alpha"]) * float(data.influence) < 0.01
        if "b" in edge:
            edge["b"] = np.asarray(params["b"]) * float(data.exposure) < 0.01
        if "shape" in edge:
            edge["shape"] = np.asarray(params["shape"]) > 1e4
        return edge

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed.

        Warns:
            CircularityWarning: when network and fit share bins.
            SaturationWarning: when a user is active in more than half of the bins.
        """
        check_activity(data)
        first, last = target_bins(data)
        if data.network is not None:
            shared = min(last, data.network[1]) - max(first, data.network[0])
            if shared > 0:
                warnings.warn(
                    f"The network was made of {shared:,} of the {last - first:,} bins of the fit: "
                    f"each message that made an edge explains itself, and alpha is too large. "
                    f"Fit on bins after the network's.",
                    CircularityWarning,
                    stacklevel=3,
                )
        counts = counts_of(data, self)
        busiest = float(np.max(counts.events_by_user, initial=0)) / counts.num_bins
        if self.link != "poisson" and busiest > SATURATED:
            user = data.user_names[int(np.argmax(counts.events_by_user))]
            warnings.warn(
                f"User {user} is active in {100 * busiest:.0f} % of the bins: beyond half, rates "
                f"can hardly be told apart. Take shorter bins, or link='poisson'.",
                SaturationWarning,
                stacklevel=3,
            )

    def dense_mass(self, data: PreparedActivity) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: all three, or none of the baselines."""
        return False if self.baseline == "free" else [self._parameters()]

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others."""
        return "b" if self.baseline == "free" else None

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """Groups of other parameters that do not interact: none."""
        return {}
