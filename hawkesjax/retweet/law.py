"""The law of posts and of the cascades that they set off: parameters, priors, likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.core.compiled import compiled
from hawkesjax.core.hosts import summed
from hawkesjax.core.mesh import Given, over
from hawkesjax.core.model import Model
from hawkesjax.core.parameter import Parameter
from hawkesjax.inputs.arguments import ABOVE_0, AT_LEAST_0, Range
from hawkesjax.inputs.arrays import AnyArray, HostArray
from hawkesjax.retweet import likelihood as terms
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.memory.kernel import PRINTED_TAIL, THETA
from hawkesjax.retweet.prepared import (
    THETAS,
    PreparedCascades,
    feature_names,
    lengths_of,
    prepare,
    settings_of,
)
from hawkesjax.retweet.priors import default_priors
from hawkesjax.retweet.results import AT_ONCE, RetweetEstimate, RetweetPosterior
from hawkesjax.retweet.shares import share_cascades
from hawkesjax.retweet.swing import intervals, pair_of, polar_of

SUPPORTS = {
    "tau": ABOVE_0,
    "theta": Range(*THETAS),
    "p0": AT_LEAST_0,
    "p0_mean": AT_LEAST_0,
    "p0_shape": ABOVE_0,
}

Params = Mapping[str, Any]
Data = Cascades | PreparedCascades


@dataclass(frozen=True)
class RetweetLaw(Model[Cascades, RetweetEstimate, RetweetPosterior]):
    """Parameters, priors and likelihood of `hawkesjax.RetweetHawkes`, which adds the verbs."""

    joint = "swing"

    p0: Literal["integrated", "profiled", "free"] = "integrated"
    theta: Any = THETA
    s0: float | None = None
    period: float | None = None
    regression: bool = False
    as_printed: bool = False
    history: Literal["sums", "pairs"] = "sums"

    def __post_init__(self) -> None:
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
        super().__post_init__()

    # What the model is, for tables, files and checkpoints

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The table, with the priors of `retweet.priors.default_priors`.

        On the edge of what the data can tell are a feature with which under 0.01 posts are
        expected, a decay slower than 1,000 windows, a swing at 1 / max S, a free p0 that explains
        under 0.01 reposts, p0_mean where nothing was reposted, and a p0_shape above 10^6 (no
        spread).
        """

        def row(name: str, dims: tuple[str, ...] = (), **rest: Any) -> Parameter:
            return Parameter(
                name,
                lambda data: default_priors(data)[name],
                dims,
                support=SUPPORTS.get(name),
                **rest,
            )

        def intercept(data: PreparedCascades) -> Array:
            return jnp.asarray(data.intercept) * jnp.log(data.rate)

        beta = row("beta", ("feature",), start=intercept, edge=_without_posts)
        tau = row("tau", edge=_too_slow)
        swing = row("swing", ("part",), start=_small_swing, edge=_at_rim, present=swings)
        shape = row("p0_shape", start=1.0, edge=lambda params, data: params["p0_shape"] > 1e6)
        if self.regression:
            own = (row("p0_level", edge=_no_repost), row("p0_slope", start=0.0), shape)
        elif self.p0 == "integrated":
            own = (row("p0_mean", edge=_no_repost), shape)
        elif self.p0 == "free":
            own = (row("p0", ("post",), edge=self._without_reposts),)
        else:
            own = ()
        theta = (row("theta", start=THETA),) if self.theta == "learned" else ()
        return (beta, tau, swing, *own, *theta)

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        return {"r0": (), "phi0": ()}

    @property
    def tail(self) -> float:
        """kappa of `retweet.memory.kernel.memory_kernel`."""
        return PRINTED_TAIL if self.as_printed else 1.0

    def coords(self, data: Cascades) -> dict[str, list[str]]:
        features, posts = list(feature_names(data)), list(data.names)
        return {"feature": features, "part": ["cos", "sin"], "post": posts}

    def observed(self, data: Cascades) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """Posts and their reposts, for ArviZ's observed_data."""
        return {
            "post_time": (("post",), np.asarray(data.post_times)),
            "reposts": (("post",), np.asarray(data.counts)),
        }

    def constant(self, data: Cascades) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The window, its gaps, and what is known of each post, for ArviZ's constant_data."""
        s0, period = lengths_of(self, data)
        found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
            "period": ((), np.asarray(period)),
            "s0": ((), np.asarray(s0)),
            "window_start": ((), np.asarray(data.start)),
            "window_length": ((), np.asarray(data.length)),
            "last_post": ((), np.max(data.post_times, initial=-np.inf)),
            "observed_until": (("post",), np.asarray(data.until)),
            "post_followers": (("post",), np.asarray(data.post_followers)),
            "sentiment": (("post",), np.asarray(data.sentiment)),
        }
        if len(data.gaps):
            for name in ("start", "length"):
                found[f"gap_{name}"] = ("gap",), np.asarray(getattr(data.gaps, name))
        return found

    def sizes(self, data: Data) -> dict[str, int]:
        prepared = isinstance(data, PreparedCascades)
        features = data.num_features if prepared else len(feature_names(data))
        return {"feature": features, "part": 2, "post": data.num_posts}

    # The mathematics

    def laid_out(self, data: Cascades, dtype: Any = None) -> PreparedCascades:
        """Filled up, so that nearly as many posts share a compilation; not with p0="free"."""
        return self.prepare(data, dtype=dtype, least=None if self.p0 == "free" else {})

    def alike(self, data: Sequence[Cascades]) -> list[PreparedCascades]:
        """Cascades filled up to one size; with p0="free", each in its own."""
        if self.p0 == "free":
            return super().alike(data)
        sizes = [self.prepare(one, least={}).sizes for one in data]
        least = {name: max(size[name] for size in sizes) for name in sizes[0]} if sizes else {}
        return [self.prepare(one, least=least) for one in data]

    def prepare(
        self,
        data: Data,
        *,
        dtype: Any = None,
        least: Mapping[str, int] | None = None,
        mesh: Given = None,
    ) -> PreparedCascades:
        """Sum over the reposts, once; `log_likelihood` takes the result in the data's place.

        Args:
            data: the cascades.
            dtype: floating type; JAX's default when None.
            least: the `sizes` of other prepared cascades, or {}: these are filled up with what
                weighs nothing, so that one compilation serves data of many sizes. Results of one
                value per post then end with zeros.
            mesh: devices that share the data (`hawkesjax.make_mesh`).
        """
        if isinstance(data, PreparedCascades):
            if data.settings != settings_of(self):
                raise ValueError("These data were prepared for a model with another kernel.")
            return over(self, data, mesh)
        self.accept(data)
        if least is not None and self.p0 == "free":
            raise ValueError("p0='free' has one parameter per post: it cannot be filled up.")
        return over(self, prepare(self, data, dtype, least), mesh)

    def shared(
        self, data: Cascades, mesh: Any, dtype: Any = None
    ) -> tuple[PreparedCascades, Cascades]:
        """The cascades of which each process brings some posts, over all hosts, and all posts
        without reposts."""
        return share_cascades(self, data, mesh, dtype)

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
        return self._total(params, data)

    @compiled
    def _total(self, params: Params, data: PreparedCascades) -> Array:
        reposts = summed(partial(terms.of_reposts, self), params, data)
        return jnp.sum(terms.background(params, data)) + reposts

    def exposures(self, params: Params, data: Data) -> Float[Array, " posts"]:
        """L_i: the expected reposts of each post that could be seen, per unit of p0."""
        return self._exposures(params, self.prepare(data))

    @compiled
    def _exposures(self, params: Params, data: PreparedCascades) -> Array:
        return terms.exposures(self, params, data)

    @compiled
    def _by_post(self, params: Params, data: PreparedCascades) -> Array:
        return terms.by_post(self, params, data)

    def p0_given(
        self, params: Params, data: Data
    ) -> tuple[Float[AnyArray, " posts"], Float[AnyArray, " posts"]]:
        """Shape and rate of the Gamma distribution of each p0 given the reposts.

        With integrated p0, `Gamma(a + R_i, rate b + L_i)`; otherwise that of the likelihood
        alone, `Gamma(1 + R_i, rate L_i)`, whose peak is at `R_i / L_i`.
        """
        data = self.prepare(data)
        exposure = self._exposures(params, data)
        if self.p0 != "integrated":
            return jnp.asarray(1 + data.reposts), exposure
        shape = jnp.asarray(params["p0_shape"])
        return shape + data.reposts, shape / terms.mean(self, params, data) + exposure

    def pointwise(self, params: Params, data: Cascades, by: str = "post") -> Float[Array, " terms"]:
        """The log-likelihood in terms that sum to it: one per post, for its reposts and the silence
        between them, and one for each distinct row of the covariates, for the times of posts."""
        if by != "post":
            raise ValueError(f'by is {by!r}; it must be "post".')
        prepared = self.prepare(data)
        own = self._by_post(params, prepared)
        if prepared.swinging:
            circles = terms.circles(data, prepared.period, np.dtype(prepared.dtype))
            own = own + terms.swing_by_post(params, prepared, circles)
        return jnp.concatenate([own, terms.background(params, prepared)])

    def pointwise_sizes(self, data: Cascades) -> dict[str, int]:
        """None where p0 is at its best for each post."""
        if self.p0 == "profiled":
            return {}
        return {"post": data.num_posts + len(self.prepare(data).posts)}

    # Priors and inference

    def program(self, data: PreparedCascades) -> None:
        if self.p0 == "profiled":
            raise ValueError("p0='profiled' has no posterior: sample with p0='integrated'.")
        super().program(data)

    def derived(self, params: Params, data: PreparedCascades) -> dict[str, AnyArray]:
        """r0 and phi0 of the swing; phi0 in one period from where the data point least."""
        if "swing" not in params:
            return {}
        r0, turn = polar_of(params["swing"], data.period, jnp)
        return {
            "r0": jnp.asarray(r0),
            "phi0": jnp.asarray(data.cut + jnp.mod(turn - data.cut, data.period)),
        }

    def joint_intervals(
        self, params: Params, data: PreparedCascades, slope: np.ndarray, curvature: np.ndarray
    ) -> dict[str, tuple[Any, Any, Any]]:
        """Of the swing, r0 and phi0, within the disc."""
        pair, phi0 = np.asarray(params["swing"], np.float64), self.derived(params, data)["phi0"]
        return intervals(pair, float(phi0), slope, curvature, float(data.bound), data.period)

    def starts(self, data: PreparedCascades) -> list[dict[str, Array]]:
        """Starting values: a flat background, a small swing, and a few decay times."""
        (start,) = super().starts(data)
        out = []
        for periods in (2.0, 0.2, 20.0):
            tau = jnp.asarray(periods * data.period, data.dtype)
            level = terms.crude_level(self, tau, data)
            own = {"tau": tau, "p0_level": level, "p0_mean": jnp.exp(level), "p0": jnp.exp(level)}
            out.append(
                start | {n: jnp.broadcast_to(own[n], v.shape) for n, v in start.items() if n in own}
            )
        return out

    def check(self, data: Any) -> None:
        """Refuse anything but `Cascades`, and a window without posts."""
        super().check(data)
        if not np.any(data.posts_seen):
            raise ValueError(
                "No post lies in the window: its rate cannot be learned. Give a window with posts "
                "(Cascades.between)."
            )

    def remarks(self, draws: Params, data: Cascades) -> list[str]:
        """Where all posts lie at the window's start, beta means nothing; and in less than a period
        that was watched, a chance that swings looks like one that falls."""
        said = [AT_ONCE] if data.posts_at_once else []
        _, period = lengths_of(self, data)
        if swings(data) and data.observed < period:
            unit = f" {data.unit}" if data.unit else ""
            seen, turn = (
                f"{length:,.6g}{unit}{'s' if unit and length != 1 else ''}"
                for length in (data.observed, period)
            )
            said.append(
                f"The data were watched for {seen}, less than one period of the swing ({turn}): in "
                f"so short a time a swing of the chance to be reposted and its fall with a post's "
                f"age look alike, so that r0, phi0 and tau mean little, however small their "
                f"errors. Watch for longer, or leave the swing out by giving every post the level "
                f"0."
            )
        return said

    def dense_mass(self, data: PreparedCascades) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn: beta, up to 200; and those of reposts."""
        shapes = self.shapes(data)
        few = tuple(name for name in shapes if name not in ("beta", "p0"))
        return [few, ("beta",)] if shapes["beta"][0] <= 200 else [few]

    @property
    def local(self) -> str | None:
        return "p0" if self.p0 == "free" else None

    def blocks(self, data: Data) -> dict[str, np.ndarray | None]:
        """The rate of posts and the law of their reposts do not interact."""
        shapes = self.shapes(data) | dict.fromkeys(self.derived_dims, ())
        return {name: np.full(shape, int(name != "beta")) for name, shape in shapes.items()}

    def _without_reposts(self, params: Params, data: PreparedCascades) -> HostArray:
        """Free p0 that explain next to nothing."""
        return np.asarray(params["p0"]) * np.asarray(self.exposures(params, data)) < 0.01


def swings(data: Data) -> bool:
    """Whether any S is above 0; otherwise there is no swing to learn."""
    if isinstance(data, PreparedCascades):
        return data.swinging
    return bool(np.any(np.asarray(data.sentiment) > 0))


def _small_swing(data: PreparedCascades) -> Array:
    opposite = data.cut + data.period / 2
    return jnp.stack(pair_of(0.1 * jnp.minimum(data.bound, 1e6), opposite, data.period, jnp))


def _without_posts(params: Params, data: PreparedCascades) -> np.ndarray:
    features = np.asarray(data.features, np.float64)
    rates = np.exp(features @ np.asarray(params["beta"], np.float64))
    return (np.asarray(data.durations) * rates) @ (features != 0) < 0.01


def _no_repost(params: Params, data: PreparedCascades) -> np.ndarray:
    return np.asarray(float(data.num_events) == float(np.sum(np.asarray(data.posts))))


def _at_rim(params: Params, data: PreparedCascades) -> np.ndarray:
    size = np.hypot(*np.asarray(params["swing"], np.float64))
    return np.full(2, size > (1 - 1e-6) * float(data.bound))


def _too_slow(params: Params, data: PreparedCascades) -> HostArray:
    return np.asarray(params["tau"]) > 1e3 * np.sum(np.asarray(data.durations))
