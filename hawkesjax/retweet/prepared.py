"""Cascades made ready for a device: sums over reposts are done once, what is left are panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev

from hawkesjax.core.cache import kept
from hawkesjax.core.hosts import Shares
from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.inputs.checks import counted, listed
from hawkesjax.inputs.clock import NANOSECONDS, UNITS
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.memory.exposure import Exposure, build_exposure
from hawkesjax.retweet.memory.kernel import THETA
from hawkesjax.retweet.memory.phases import Phases, build_phases, filled, padded
from hawkesjax.retweet.memory.sums import sum_log_reach

THETAS = (0.05, 1.0)  # the range over which theta is learned
# Coefficients of the polynomial in log theta that stands for `sum log h`. Measured on 3,000
# reposts, error of the sum: 1e-3 with 12, 4e-5 with 16, 7e-8 with 24.
DEGREE = 24
FLAT_SECONDS = 300


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PreparedCascades:
    """What the likelihood needs of cascades; data of like sizes share one compilation."""

    exposure: Any  # Exposure: the compensator over p0; None where processes share the posts
    phases: Any  # Phases: the reposts on the circle of a day; None there, too
    # `sum_j log h_j` of each post: one column, or Chebyshev coefficients where theta is learned
    log_reach: Float[AnyArray, "posts exponents"]
    reposts: Float[AnyArray, " posts"]  # R, inside the window
    total_age: Float[AnyArray, " posts"]  # sum of the reposts' times since their post
    sentiment: Float[AnyArray, " posts"]  # S
    features: Float[AnyArray, "rows features"]  # distinct rows; one of ones without covariates
    durations: Float[AnyArray, " rows"]  # time watched with these features
    posts: Float[AnyArray, " rows"]  # number of posts in it
    intercept: Float[AnyArray, " features"]  # 1 for the feature "intercept", 0 for others
    bound: Float[Scalar, ""]  # 1 / max S, what r0 must stay below
    cut: Float[Scalar, ""]  # where the circle of phi0 is cut open: opposite to the data's own phase
    guess: Float[Scalar, ""]  # log of the reposts per exposure, a crude p0
    num_events: Float[Scalar, ""]
    period: float = field(metadata={"static": True})
    num_posts: int = field(metadata={"static": True})
    num_features: int = field(metadata={"static": True})
    swinging: bool = field(metadata={"static": True})  # whether any S is above 0
    settings: Settings = field(metadata={"static": True})  # of the model it was prepared for
    shares: Shares | None = None  # parts of the posts, where processes share them

    @property
    def dtype(self) -> Any:
        """The floating type of the arrays."""
        return self.reposts.dtype

    @property
    def sizes(self) -> dict[str, int]:
        """What prepared cascades that share a compilation have in common; see `prepare`."""
        return self.exposure.sizes | {"nodes": len(self.phases.group), "rows": len(self.posts)}

    @property
    def rate(self) -> Float[Array, ""]:
        """Posts per unit of time; half a post where there is none."""
        return jnp.maximum(jnp.sum(self.posts), 0.5) / jnp.sum(self.durations)


def feature_names(data: Cascades) -> tuple[str, ...]:
    """Names of the features of the background."""
    return (INTERCEPT,) if data.covariates is None else data.covariates.feature_names


def lengths_of(model: Any, data: Any) -> tuple[float, float]:
    """s0 and the period in the data's unit: 300 seconds and a day unless the model says; data are
    anything with a `unit`."""
    if data.unit in UNITS:
        second = NANOSECONDS / UNITS[data.unit]
        known = FLAT_SECONDS * second, 86400 * second
    elif model.s0 is None or model.period is None:
        raise ValueError(
            f"The data's unit of time is {data.unit or 'not named'!r}, so that 300 seconds and a "
            f"day are not known in it. Name one of {', '.join(map(repr, UNITS))} as unit= of the "
            f"data, or pass RetweetHawkes(s0=, period=)."
        )
    else:
        known = model.s0, model.period
    return float(model.s0 or known[0]), float(model.period or known[1])


class Settings(NamedTuple):
    """What of a model its prepared data depend on."""

    theta: Any
    s0: float | None
    period: float | None
    tail: float
    history: str


def settings_of(model: Any) -> Settings:
    """The settings of a model."""
    return Settings(*(getattr(model, name) for name in Settings._fields))


def prepare(
    model: Any,
    data: Cascades,
    dtype: Any = None,
    least: Mapping[str, int] | None = None,
    horizon: float = 0.0,
) -> PreparedCascades:
    """Do what does not depend on parameters, once; arguments as `RetweetLaw.prepare`. What fills
    up are posts without a repost, rows without time and nodes without weight. `horizon` is the
    largest age of a repost in all the data, of which these may be a part."""
    dtype = np.dtype(jnp.zeros(()).dtype if dtype is None else dtype)
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(data)):
        raise ValueError(
            "Cascades cannot be prepared under a transformation. Call model.prepare(data) before, "
            "and give its result to the transformed function."
        )
    sizes = None if least is None else tuple(sorted(least.items()))
    return _prepared(data, settings_of(model), dtype, sizes, horizon)


@kept
def _prepared(
    data: Cascades, settings: Settings, dtype: np.dtype, sizes: tuple | None, horizon: float
) -> PreparedCascades:
    layout = _layout(data, settings, dtype, None if sizes is None else dict(sizes), horizon)
    with jax.ensure_compile_time_eval():
        return jax.device_put(layout)


def whole_cascades(data: Cascades) -> dict[str, np.ndarray]:
    """Posts and reposts in one stream, each post before its reposts: age, weight (followers) and
    cascade of each, where cascades begin (`first`), and a mask of reposts inside the window."""
    sizes = np.bincount(data.post, minlength=data.num_posts)
    first = np.concatenate([[0], np.cumsum(sizes + 1)[:-1]]).astype(np.int64)
    size = data.num_posts + data.num_reposts
    repost = np.ones(size, bool)
    repost[first] = False
    age, weight, inside = np.zeros(size), np.empty(size), np.zeros(size, bool)
    age[repost] = data.ages
    weight[first], weight[repost] = data.post_followers, data.followers
    inside[repost] = np.asarray(data.times) >= 0
    cascade = np.repeat(np.arange(data.num_posts), sizes + 1)
    return {"age": age, "weight": weight, "cascade": cascade, "first": first, "inside": inside}


def _layout(
    data: Cascades,
    settings: Settings,
    dtype: np.dtype,
    least: Mapping[str, int] | None,
    horizon: float,
) -> PreparedCascades:
    sizes = dict(least or {}, posts=data.num_posts)
    if least is not None:
        sizes["posts"] = max(padded(data.num_posts), least.get("posts", 0))
    s0, period = lengths_of(settings, data)
    stream = whole_cascades(data)
    log_reach = _log_reach(settings, data, stream, s0, horizon)
    inside = np.asarray(data.times) >= 0
    post, start = np.asarray(data.post)[inside], float(data.start)
    sentiment = np.asarray(data.sentiment, np.float64)
    reposts = np.bincount(post, minlength=data.num_posts).astype(np.float64)
    phase = np.remainder(start, period)
    exposure = build_exposure(
        stream["age"], stream["weight"], stream["cascade"],
        np.asarray(data.post_times), np.asarray(data.until), phase,
        s0=s0, tail=settings.tail, period=period, dtype=dtype, least=sizes,
        gaps=zip(data.gaps.start, data.gaps.end, strict=True),
    )  # fmt: skip
    clock = np.asarray(data.times)[inside] + phase
    levels, level = np.unique(sentiment, return_inverse=True)
    phases = build_phases(clock, level[post], levels, period, dtype, least=sizes.get("nodes", 0))
    features, durations, posts = _background(data)
    totals = totals_of(exposure, phases, sentiment, reposts, period, settings)
    scalars = (*constants_of(totals[None], period), data.num_events)
    intercept = [name == INTERCEPT for name in feature_names(data)]
    ages = np.bincount(post, np.asarray(data.ages)[inside], data.num_posts)
    own = [filled(x, sizes["posts"]) for x in (log_reach, reposts, ages, sentiment)]
    count = len(posts) if least is None else max(padded(len(posts)), least.get("rows", 0))
    background = [filled(x, count) for x in (features, durations, posts)]
    arrays = (*own, *background, intercept, *scalars)
    return PreparedCascades(
        exposure,
        phases,
        *(np.asarray(array, dtype) for array in arrays),
        period=period,
        num_posts=sizes["posts"],
        num_features=features.shape[1],
        swinging=bool(np.any(sentiment > 0)),
        settings=settings,
    )


def totals_of(
    exposure: Exposure,
    phases: Phases,
    sentiment: np.ndarray,
    reposts: np.ndarray,
    period: float,
    settings: Settings,
) -> np.ndarray:
    """Numbers of some posts from which `constants_of` takes those of all."""
    theta = THETA if settings.theta == "learned" else settings.theta
    real = exposure.lag.dtype
    sums = np.asarray(_sums(exposure, jnp.asarray(period, real), theta), np.float64)
    sums, weight = sums[: len(sentiment)], np.asarray(phases.weight * phases.level, np.float64)
    found = [np.max(sentiment), np.sum(reposts), np.sum(sums[:, 0])]
    found += [weight @ phases.sine, weight @ phases.cosine]
    return np.array([*found, sentiment @ sums[:, 2], sentiment @ sums[:, 1]], np.float64)


def constants_of(totals: np.ndarray, period: float) -> tuple[float, float, float]:
    """`bound`, `cut` and `guess` of posts whose `totals_of` are the rows."""
    largest = float(totals[:, 0].max())
    reposts, total, sine, cosine, lost_sine, lost_cosine = totals[:, 1:].sum(axis=0)
    guess = np.log(max(float(reposts), 0.5) / (total if total > 0 else 1.0))
    slope = np.exp(guess) * lost_sine - sine, np.exp(guess) * lost_cosine - cosine
    cut = np.remainder(np.arctan2(slope[1], slope[0]) / (2 * np.pi) + 0.5, 1) * period
    return 1 / largest if largest > 0 else np.inf, float(cut), float(guess)


@jax.jit
def _sums(exposure: Exposure, tau: AnyArray, theta: Any) -> Array:
    return exposure.sums(tau, theta)


def _log_reach(
    settings: Settings, data: Cascades, stream: dict[str, np.ndarray], s0: float, horizon: float
) -> np.ndarray:
    """(P, 1), or (P, DEGREE) Chebyshev coefficients in log theta."""
    learned = settings.theta == "learned"
    angles = (np.arange(DEGREE) + 0.5) * np.pi / DEGREE
    low, high = np.log(THETAS)
    nodes = np.exp(low + (high - low) * (np.cos(angles) + 1) / 2)
    values = sum_log_reach(
        stream["age"], stream["weight"], stream["first"], stream["inside"],
        thetas=nodes if learned else np.array([settings.theta]), s0=s0, tail=settings.tail,
        form=settings.history, horizon=horizon,
    )  # fmt: skip
    lost = ~np.isfinite(values).all(axis=1)
    if lost.any():
        names = [data.names[row] for row in np.flatnonzero(lost)]
        raise ValueError(
            f"{counted(len(names), 'post')} ({listed(names, 5)}) cannot have been reposted as the "
            f"model says: all who posted it before some repost have zero followers. Correct their "
            f"followers, read posts with zero_followers='at_least_one', or leave these posts out "
            f"(Cascades.select)."
        )
    if not learned:
        return values
    basis = chebyshev.chebvander(np.cos(angles), DEGREE - 1)
    return values @ basis * (2 - (np.arange(DEGREE) == 0)) / DEGREE


def _background(data: Cascades) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct rows of features, the time watched with each, and the posts in it."""
    inside = data.posts_seen
    if data.covariates is None:
        return np.ones((1, 1)), np.array([data.observed]), np.array([float(inside.sum())])
    cut = data.covariates.between(*data.window)
    cells = cut.locate(np.clip(float(data.start) + data.post_times[inside], *data.window))
    rows, where = np.unique(cut.values, axis=0, return_inverse=True)
    where = where.ravel()
    lost = np.diff(data.gaps.before(cut.edges - float(data.start)))
    time = np.bincount(where, cut.durations - lost, len(rows))
    posts = np.bincount(where[cells], minlength=len(rows)).astype(np.float64)
    return rows, time, posts


def reach_at(coefficients: Any, theta: Any) -> Array:
    """`sum log h` at a learned theta from Chebyshev coefficients in its log, (P,)."""
    low, high = np.log(THETAS)
    place = jnp.asarray(2 * (jnp.log(theta) - low) / (high - low) - 1, coefficients.dtype)
    waves = [jnp.ones_like(place), place]
    while len(waves) < DEGREE:
        waves.append(2 * place * waves[-1] - waves[-2])
    return coefficients @ jnp.stack(waves)
