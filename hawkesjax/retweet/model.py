"""Posts driven by covariates, and the cascades of reposts that each sets off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.priors import describe
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.retweet import likelihood as terms
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.edges import at_boundary
from hawkesjax.retweet.prepared import (
    PreparedCascades,
    feature_names,
    lengths_of,
    prepare,
    settings_of,
)
from hawkesjax.retweet.priors import default_priors

Params = Mapping[str, Any]
Data = Cascades | PreparedCascades

P0 = ("integrated", "profiled", "free")
HISTORIES = ("sums", "pairs")


@jax.tree_util.register_static
@dataclass(frozen=True)
class RetweetHawkes:
    r"""Posts at a rate set by covariates, and reposts by those whom each post has reached.

    .. math:: \lambda(t) = e^{\beta \cdot C(t)} + \sum_i p_i(t) \sum_{j \in RT(i),\, t_j < t}
              d_j \psi(t - t_j)

    .. math:: p_i(t) = p0_i [1 - S_i r_0 \sin(2 \pi (t + \phi_0) / T_m)] e^{-(t - t_i) / \tau}

    with d the followers of who posted (the original counts, as j = i), psi the memory kernel of
    `retweet.memory.kernel`, S the post's level of sentiment and T_m the period of a day. t is the
    data's absolute time, which begins at a midnight. As each repost names its post, the
    log-likelihood is exact, with R_i reposts of post i inside the window:

    .. math:: \ell = \sum_i \beta \cdot C(t_i) - \int e^{\beta \cdot C(t)} dt + \sum_i \Big\{
              R_i \log p0_i + \sum_j \big[ \log(1 - S_i r_0 \sin w (t_j + \phi_0))
              - (t_j - t_i) / \tau + \log h_{ij} \big] - p0_i L_i \Big\}

    where `h_ij = sum_{k before j} d_k psi(t_j - t_k)` and L_i is the integral of `p_i / p0_i`
    times the reach. Posts and reposts before the window trigger, but are no terms.

    What it costs: with psi fixed, h is data; L is a sum over nodes of panels of time, whatever
    the number of reposts (`retweet.memory.exposure`); the swing is a sum over nodes of a circle.

    Args:
        p0: `"integrated"`: `p0_i ~ Gamma(p0_shape, mean p0_mean)` with the integral over p0_i in
            closed form, so that the number of posts does not matter; `"profiled"`: `R_i / L_i`,
            the best for each, for `fit`; `"free"`: a parameter a post.
        theta: exponent of the kernel's tail; or `"learned"`, between 0.05 and 1.
        s0: length of the kernel's flat part in the data's unit; 300 seconds by default.
        period: T_m in the data's unit; a day by default.
        regression: with integrated p0, `log p0_mean = p0_level + p0_slope S`. Without it, S
            scales only the daily swing.
        as_printed: the constant of the kernel's tail as the paper prints it: 10^6 smaller, so
            that the kernel integrates to 0.19. Only for replication.
        priors: "default" (`retweet.priors.default_priors`), or a dict from parameter names to
            numpyro distributions; parameters left out keep the default.
        history: how h is summed: `"sums"`, linear in the reposts with a relative error of the
            kernel below 1e-8, or `"pairs"`, exact and quadratic.

    Parameters: `beta` (features), `tau`, `swing` and those of p0; `theta` where it is learned.
    The swing is sampled as the pair `r0 (cos w phi0, sin w phi0)` in a disc, which has no seam at
    midnight and is at home at r0 = 0; `r0` and `phi0` may stand in for it, and are derived from
    it: phi0 within one period of which the cut lies opposite to where the data point to.

    Raises:
        ValueError: for an unknown name, and lengths or exponents that are not positive.

    Source: Pulido and Gomez (2024), arXiv 2402.03378, which differs in what follows. Its kernel's
    tail is printed with a constant that makes it jump; ours comes from s0 and theta. Its
    log-likelihood has `psi(t_j - t_i)` and the reposter's own followers for h, which is minus
    infinity where a reposter has none. Its p_i may turn negative; ours has r0 < 1 / max S.
    """

    p0: Literal["integrated", "profiled", "free"] = "integrated"
    theta: Any = 0.242
    s0: float | None = None
    period: float | None = None
    regression: bool = False
    as_printed: bool = False
    priors: Any = "default"
    history: Literal["sums", "pairs"] = "sums"

    name = "retweet"

    def __post_init__(self) -> None:
        for field, value, allowed in (("p0", self.p0, P0), ("history", self.history, HISTORIES)):
            if value not in allowed:
                raise ValueError(f"{field} is {value!r}; it must be one of {', '.join(allowed)}.")
        if self.regression and self.p0 != "integrated":
            raise ValueError("regression=True needs p0='integrated'.")
        for field in ("theta", "s0", "period"):
            value = getattr(self, field)
            if value is None or (field == "theta" and value == "learned"):
                continue
            number = np.asarray(value)
            sound = number.ndim == 0 and number.dtype.kind in "fiu"
            if not sound or not np.isfinite(number) or number <= 0:
                raise ValueError(f"{field} is {value!r}; it must be a positive number.")
            object.__setattr__(self, field, float(value))
        if isinstance(self.priors, Mapping):
            unknown = set(self.priors) - set(self._parameters())
            if unknown:
                raise ValueError(
                    f"priors name {sorted(unknown)}, which this model does not sample; "
                    f"it samples {list(self._parameters())}."
                )
            object.__setattr__(self, "priors", tuple(sorted(self.priors.items())))
        elif self.priors != "default":
            raise ValueError(f"priors is {self.priors!r}; give 'default' or a dict.")

    # What the model is, for tables, files and checkpoints

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-able values."""
        priors = self.priors
        if not isinstance(priors, str):
            priors = {name: describe(prior) for name, prior in priors}
        return {
            "model": self.name,
            "p0": self.p0,
            "theta": self.theta,
            "s0": self.s0,
            "period": self.period,
            "regression": self.regression,
            "as_printed": self.as_printed,
            "priors": priors,
            "history": self.history,
        }

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of each parameter's axes."""
        known = {"beta": ("feature",), "swing": ("part",), "p0": ("post",)}
        names = (*self._parameters(), "r0", "phi0")
        return {name: known.get(name, ()) for name in names}

    def coords(self, data: Cascades) -> dict[str, list[str]]:
        """Names along each axis."""
        return {
            "feature": list(feature_names(data)),
            "part": ["cos", "sin"],
            "post": list(data.names),
        }

    def observed(self, data: Cascades) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Posts and their reposts, for ArviZ's observed_data."""
        return {
            "post_time": (("post",), np.asarray(data.post_times)),
            "reposts": (("post",), np.asarray(data.counts)),
        }

    def constant(self, data: Cascades) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The window and what is known of each post, for ArviZ's constant_data."""
        s0, period = lengths_of(self, data)
        return {
            "period": ((), np.asarray(period)),
            "s0": ((), np.asarray(s0)),
            "window_start": ((), np.asarray(data.start)),
            "window_length": ((), np.asarray(data.length)),
            "observed_until": (("post",), np.asarray(data.until)),
            "post_followers": (("post",), np.asarray(data.post_followers)),
            "sentiment": (("post",), np.asarray(data.sentiment)),
        }

    def _parameters(self) -> tuple[str, ...]:
        p0 = {"integrated": ("p0_mean", "p0_shape"), "profiled": (), "free": ("p0",)}[self.p0]
        if self.regression:
            p0 = ("p0_level", "p0_slope", "p0_shape")
        return ("beta", "tau", "swing", *p0, *(("theta",) if self.theta == "learned" else ()))

    def shapes(self, data: Data) -> dict[str, tuple[int, ...]]:
        """Shape of each sampled parameter; without any S above 0 there is no swing to learn."""
        if isinstance(data, PreparedCascades):
            features, swinging = data.num_features, data.swinging
        else:
            features = len(feature_names(data))
            swinging = bool(np.any(np.asarray(data.sentiment) > 0))
        sizes = {"feature": features, "part": 2, "post": data.num_posts}
        names = [name for name in self._parameters() if swinging or name != "swing"]
        return {name: tuple(sizes[dim] for dim in self.dims[name]) for name in names}

    # The mathematics

    def prepare(
        self, data: Data, *, dtype: Any = None, least: Mapping[str, int] | None = None
    ) -> PreparedCascades:
        """Sum over the reposts, once; `log_likelihood` takes the result in the data's place.

        Args:
            data: the cascades.
            dtype: floating type; JAX's default when None.
            least: the `sizes` of other prepared cascades, or {}: these are filled up with what
                weighs nothing, so that one compilation serves data of many sizes. Results of one
                value a post then have zeros at their end.
        """
        if isinstance(data, PreparedCascades):
            if data.settings != settings_of(self):
                raise ValueError("These data were prepared for a model with another kernel.")
            return data
        if not isinstance(data, Cascades):
            raise ValueError(f"RetweetHawkes needs Cascades, not {type(data).__name__}.")
        if least is not None and self.p0 == "free":
            raise ValueError("p0='free' has a parameter a post: it cannot be filled up.")
        return prepare(self, data, dtype, least)

    def log_likelihood(self, params: Params, data: Data) -> Float[Array, ""]:
        """The log-likelihood of the class's docstring; pure, and differentiable in `params`.

        With integrated p0 it is the likelihood of the other parameters, p0 integrated out.

        Args:
            params: `beta`, `tau`, `swing` (or `r0` and `phi0`), those of p0, `theta` where it is
                learned. `p0`, one for each post, may stand in for the parameters of its
                distribution.
            data: `Cascades`, or the result of `prepare`.

        Raises:
            ValueError: for missing parameters, other shapes, and values outside their support
                unless they are traced.
        """
        data = self.prepare(data)
        terms.check_values(self, params, data)
        total = jnp.sum(terms.background(params, data)) + jnp.sum(terms.by_post(self, params, data))
        if not data.swinging:
            return total
        return total + jnp.sum(data.phases.terms(*terms.swing(params, data)))

    def exposures(self, params: Params, data: Data) -> Float[Array, " posts"]:
        """L_i: the expected reposts of each post inside the window, per unit of p0."""
        return terms.exposures(self, params, self.prepare(data))

    def p0_given(
        self, params: Params, data: Data
    ) -> tuple[Float[AnyArray, " posts"], Float[AnyArray, " posts"]]:
        """Shape and rate of the Gamma distribution of each p0 given the reposts.

        With integrated p0, `Gamma(a + R_i, rate b + L_i)`; otherwise that of the likelihood
        alone, `Gamma(1 + R_i, rate L_i)`, whose peak is at `R_i / L_i`.
        """
        data = self.prepare(data)
        exposure = terms.exposures(self, params, data)
        if self.p0 != "integrated":
            return 1 + data.reposts, exposure
        shape = jnp.asarray(params["p0_shape"])
        return shape + data.reposts, shape / terms.mean(self, params, data) + exposure

    def pointwise(self, params: Params, data: Cascades, by: str = "post") -> Float[Array, " terms"]:
        """The log-likelihood in terms that sum to it: one a post, for its reposts and the silence
        between them, and one for each distinct row of the covariates, for the times of posts."""
        if by != "post":
            raise ValueError(f'by is {by!r}; it must be "post".')
        prepared = self.prepare(data)
        own = terms.by_post(self, params, prepared)
        if prepared.swinging:
            own = own + terms.swing_by_post(params, prepared, terms.circles(data, prepared))
        return jnp.concatenate([own, terms.background(params, prepared)])

    def pointwise_sizes(self, data: Cascades) -> dict[str, int]:
        """Number of terms of each kind of `pointwise`; none where p0 is at its best for each."""
        if self.p0 == "profiled":
            return {}
        return {"post": data.num_posts + len(self.prepare(data).posts)}

    # Priors and inference

    def sites(self, data: PreparedCascades) -> dict[str, dist.Distribution]:
        """The prior of each sampled parameter."""
        given = {} if isinstance(self.priors, str) else dict(self.priors)
        chosen = default_priors(data) | given
        return {name: _shaped(chosen[name], name, s) for name, s in self.shapes(data).items()}

    def program(self, data: PreparedCascades) -> None:
        """The model as a numpyro program over prepared data."""
        if self.p0 == "profiled":
            raise ValueError("p0='profiled' has no posterior: sample with p0='integrated'.")
        params = {name: numpyro.sample(name, prior) for name, prior in self.sites(data).items()}
        numpyro.factor("log_likelihood", self.log_likelihood(params, data))

    def penalty(self, params: Params, data: PreparedCascades) -> Float[Array, ""]:
        """What maximum likelihood adds: nothing."""
        return jnp.zeros((), data.dtype)

    def derived(self, params: Params, data: PreparedCascades) -> dict[str, AnyArray]:
        """r0 and phi0 of the swing; phi0 in one period from where the data point least."""
        if "swing" not in params:
            return {}
        u, v = params["swing"]
        turn = jnp.arctan2(v, u) / (2 * np.pi) * data.period
        phi0 = data.cut + jnp.mod(turn - data.cut, data.period)
        return {"r0": jnp.sqrt(u**2 + v**2), "phi0": phi0}

    def starts(self, data: PreparedCascades) -> list[dict[str, Array]]:
        """Starting values: a flat background, a small swing, and a few decay times."""
        rate = data.intercept * jnp.log(data.rate)
        angle = 2 * np.pi / data.period * (data.cut + data.period / 2)
        size = 0.1 * jnp.minimum(data.bound, 1e6)
        out = []
        for days in (2.0, 0.2, 20.0):
            tau = jnp.asarray(days * data.period, data.dtype)
            level = terms.crude_level(self, tau, data)
            values = {
                "beta": rate,
                "tau": tau,
                "swing": size * jnp.stack([jnp.cos(angle), jnp.sin(angle)]),
                "theta": jnp.asarray(0.242, data.dtype),
                "p0": jnp.exp(level),
                "p0_mean": jnp.exp(level),
                "p0_shape": jnp.ones((), data.dtype),
                "p0_level": level,
                "p0_slope": jnp.zeros((), data.dtype),
            }
            out.append({n: jnp.broadcast_to(values[n], s) for n, s in self.shapes(data).items()})
        return out

    def unrestricted(self) -> RetweetHawkes:
        """The model itself: there are no joint constraints to lift."""
        return self

    def at_boundary(self, params: Params, data: PreparedCascades) -> dict[str, np.ndarray]:
        """Masks of parameters on the edge of what they may be or of what the data can tell.

        A feature with which under 0.01 posts are expected, a free p0 that explains under 0.01
        reposts; a p0_shape above 10^6 (no spread); a swing at 1 / max S; a decay slower than
        1,000 windows; ends of a prior's support.
        """
        return at_boundary(self, params, data)

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed.

        Raises:
            ValueError: for anything but `Cascades`, and for a window without posts.
        """
        if not isinstance(data, Cascades):
            raise ValueError(f"The data must be Cascades, not {type(data).__name__}.")
        if not np.any(np.asarray(data.post_times) >= 0):
            raise ValueError(
                "No post lies in the window: its rate cannot be learned. Give a window with posts "
                "(Cascades.between)."
            )

    def dense_mass(self, data: PreparedCascades) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: beta, up to 200; and those of reposts."""
        shapes = self.shapes(data)
        few = tuple(name for name in shapes if name not in ("beta", "p0"))
        return [few, ("beta",)] if shapes["beta"][0] <= 200 else [few]

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return "p0" if self.p0 == "free" else None

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """All other parameters may interact."""
        return {}


def _shaped(prior: dist.Distribution, name: str, shape: tuple[int, ...]) -> dist.Distribution:
    if prior.shape() == shape:
        return prior
    try:
        jnp.broadcast_shapes(prior.shape(), shape)
        return prior.expand(shape)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"The prior of {name!r} has shape {prior.shape()}, which does not broadcast to the "
            f"parameter's shape {shape}: give a scalar prior or one of that shape."
        ) from error
