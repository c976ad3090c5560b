"""Posts and reposts to come: counts by the hour, and the sizes of known cascades."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from hawkesjax.core.kept import Kept
from hawkesjax.core.random import generator
from hawkesjax.core.record import recorded
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.evaluation.counts import CountForecast
from hawkesjax.inputs.arguments import Count, Key, Level, Positive, checked
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.moments import moments
from hawkesjax.inputs.warned import warn
from hawkesjax.retweet.ahead import MOST_STEPS, STEP, Ahead, Law, Queue, grid_of
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.likelihood import exponent
from hawkesjax.retweet.prepared import feature_names, lengths_of
from hawkesjax.retweet.simulate import ExplosionWarning
from hawkesjax.retweet.sizes import SizeForecast
from hawkesjax.retweet.values import draws_of

NO_NEW_POSTS = (
    "All posts lie at the window's start, as those of cascades without calendar time do: that "
    "tells no rate of new posts, and none are drawn. These are reposts of the known ones."
)


@partial(jax.jit, static_argnums=0)
def _p0_given(model: RetweetLaw, params: Any, prepared: Any) -> tuple[AnyArray, AnyArray]:
    return model.p0_given(params, prepared)


@dataclass(frozen=True, eq=False, repr=False)
class RetweetForecast(Kept):
    """Counts of posts and reposts to come in each bin, and the sizes of the known cascades.

    Args:
        edges: (B + 1,) absolute times of the bins.
        originals, reposts: (B,) means: of posts from their rate, of reposts from the
            self-consistent intensity, both averaged over the posterior.
        original_draws, repost_draws: (draws, B) simulated counts.
        sizes: of the known cascades, at the end of the horizon.
        critical: share of (known cascade, draw) in which a repost brings more than one further
            repost, `p dbar >= 1`, at the start.
        exploded: share of draws in which a cascade passed the cap at first and was drawn again;
            those in which it still does after all retries, and is kept at the cap, are counted.
        cap: reposts to come of one cascade beyond which it has exploded. Where one did, means and
            upper quantiles are those of paths below the cap, and so lower bounds.
        unit, origin, timezone: as in the data.
        new_posts: whether new posts were drawn; not of cascades without calendar time.
        record: of the run (`hawkesjax.core.record`).
    """

    drawn_by: ClassVar[str] = "plots.counts"

    edges: Float[np.ndarray, " edges"]
    originals: Float[np.ndarray, " edges-1"]
    reposts: Float[np.ndarray, " edges-1"]
    original_draws: Float[np.ndarray, "draws edges-1"]
    repost_draws: Float[np.ndarray, "draws edges-1"]
    sizes: SizeForecast
    critical: float
    exploded: float
    cap: float
    unit: str
    origin: str | None
    timezone: str | None
    new_posts: bool = True
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> CountForecast:
        """Posts and reposts together, to be scored."""
        return CountForecast(
            self.originals + self.reposts, draws=self.original_draws + self.repost_draws
        )

    @checked
    def table(self, level: Level = 0.8) -> pd.DataFrame:
        """One row per bin: its start; mean, lower and upper of posts, reposts and both."""
        parts = {
            "originals": CountForecast(self.originals, draws=self.original_draws),
            "reposts": CountForecast(self.reposts, draws=self.repost_draws),
            "all": self.counts,
        }
        columns = {}
        for name, part in parts.items():
            low, high = part.interval(level)
            columns |= {(name, "mean"): part.mean, (name, "lower"): low, (name, "upper"): high}
        return pd.DataFrame(columns, index=pd.Index(self.starts(), name="start"))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"forecast": self.table(), "sizes": self.sizes.table()}

    def starts(self) -> Any:
        """Start of each bin: datetimes where the data have an origin, else numbers."""
        return moments(self, self.edges[:-1])

    def __repr__(self) -> str:
        unit = f" {self.unit}s" if self.unit else ""
        length = self.edges[-1] - self.edges[0]
        totals = np.sum(np.asarray(self.counts.draws), axis=1)
        low, high = np.quantile(totals, (0.1, 0.9))
        posts = f"{self.originals.sum():.4g} posts and " if self.new_posts else ""
        text = (
            f"RetweetForecast: {len(self.originals)} bins over {length:g}{unit}, {len(totals)} "
            f"draws: {posts}{self.reposts.sum():.4g} reposts expected, "
            f"{'together ' if self.new_posts else ''}{low:.4g} to {high:.4g} (80 %)"
        )
        return text if self.new_posts else f"{text}\n{NO_NEW_POSTS}"


@recorded
@checked
def forecast(
    model: RetweetLaw,
    values: Any,
    data: Cascades,
    *,
    horizon: Positive,
    key: Key,
    bins: Count | None = None,
    covariates: Covariates | None = None,
    draws: Count = 200,
    cap: Positive | None = None,
    prepared: Any = None,
) -> RetweetForecast:
    r"""Continue posts and reposts beyond the window.

    Known posts go on from what was seen of them; new posts come at the rate `exp(beta . C)`, each
    like a post seen before (followers, sentiment, p0 and reposters together: authors with many
    followers have small p0), with reposts of their own. Each draw takes one draw of the posterior
    whole, with p0 of each known post from its Gamma distribution given its reposts. The mean of
    reposts solves

    .. math:: \lambda_i(t) = p_i(t) \Big[ f_i(t) + \bar d_i \int \psi(t - s) \lambda_i(s) ds \Big]

    with f over the known events and `dbar_i` the mean followers of its reposters so far (shrunk
    to that of all, as if 20 more had been seen; 0 where the data have no repost at all);
    intervals are simulated. Cascades without calendar time (`Cascades.posts_at_once`) tell no rate
    of new posts: none are drawn there, and the result says so.

    Args:
        model: the model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters.
        data: the past. Posts whose observation ended before the window did get no more reposts.
        horizon: how far beyond the window, in the data's unit.
        key: PRNG key.
        bins: number of equal bins; by default one per hour, or one where the unit has no hours.
        covariates: features over the horizon; by default the data's own, if they reach so far.
        draws: draws of the posterior and continuations; a posterior's are thinned or repeated.
        cap: a cascade with more reposts to come than this has exploded. It is drawn again (p0 of
            a known post; a new post as another one) up to 20 times, and stopped there if it still
            does: means and upper quantiles are those of paths below the cap, and so lower bounds.
            By default ten times the largest cascade seen (at least 100,000), for cascades in
            which `p dbar` reaches 1; the others may grow to 10^7.
        prepared: the data as `model.prepare` gave them, for many forecasts that share a
            compilation.

    Raises:
        ValueError: for a horizon that is not positive, without covariates or of more than 5,000
            steps (hours, unless the model says otherwise) or as many bins, features that are
            not those of the fit, and missing parameters.
    """
    s0, period = lengths_of(model, data)
    bins = _bins(horizon, bins, s0, period, data.unit)
    prepared = model.laid_out(data) if prepared is None else model.prepare(prepared)
    params = draws_of(values, model, data, limit=draws)
    rng = generator(key)
    steps, owner = grid_of(horizon, bins, s0)
    ahead = Ahead(model, data, steps, s0, period)
    edges = np.linspace(0, horizon, bins + 1)
    cells, begin, features, times = _background(data, covariates, horizon, edges)
    times = np.zeros_like(times) if data.posts_at_once else times
    rates, posts = np.zeros((draws, bins)), np.zeros((draws, bins))
    critical = np.zeros(draws)
    queue = Queue(ahead, rng, owner, draws, cap)
    for number in range(draws):
        one = {name: value[number % len(value)] for name, value in params.items()}
        given = _p0_given(model, one, prepared)
        shape, rate = (np.asarray(x, np.float64)[: data.num_posts] for x in given)
        law = Law.draw(rng, shape, np.where(rate > 0, 1 / np.where(rate > 0, rate, 1), 0))
        expected = np.exp(features @ np.asarray(one["beta"], np.float64)) * times
        rates[number] = np.bincount(cells, expected, bins)
        count = rng.poisson(expected)
        new = np.repeat(begin, count) + np.repeat(times, count) * rng.random(count.sum())
        place = np.minimum((new / horizon * bins).astype(np.int64), bins - 1)
        posts[number] = np.bincount(place, minlength=bins)
        theta = float(exponent(model, one))
        *known, critical[number] = ahead.known(one, law, theta, rng)
        queue.put(number, theta, *known)
        draw = partial(ahead.new, one, law=law, theta=theta, rng=rng)
        queue.put(number, theta, draw(new), lambda rows, f=draw, t=new: f(t[rows]))
    queue.flush()
    seen = np.bincount(np.asarray(data.post), minlength=data.num_posts)
    out = RetweetForecast(
        edges=float(data.start + data.length) + edges,
        originals=rates.mean(axis=0),
        reposts=queue.mean.mean(axis=0),
        original_draws=posts,
        repost_draws=queue.drawn,
        sizes=SizeForecast(
            data.names, seen, seen[:, None] + queue.sizes, queue.stopped.mean(axis=1),
            float(data.length), float(data.length + horizon), data.unit,
        ),
        critical=float(critical.mean()),
        exploded=float(queue.exploded.mean()),
        cap=queue.cap,
        unit=data.unit,
        origin=data.origin,
        timezone=data.timezone,
        new_posts=not data.posts_at_once,
    )  # fmt: skip
    _warn_of(out)
    return out


def _bins(horizon: float, bins: int | None, s0: float, period: float, unit: str) -> int:
    """Number of bins, by default one for each hour of the rhythm's day; refused where more steps
    are needed than can be held."""
    hour = period / 24
    for step in (STEP * s0, hour)[: 2 if bins is None else 1]:
        if not horizon / step <= MOST_STEPS:
            raise ValueError(
                f"A horizon of {horizon:.6g} is {horizon / step:.6g} steps of {step:.6g}"
                f"{unit and f' {unit}s'}, and a forecast takes at most {MOST_STEPS:,}. Look ahead "
                f"by {MOST_STEPS * step:.6g} at most."
            )
    if bins is not None and bins > MOST_STEPS:
        raise ValueError(f"bins={bins:.6g}; a forecast has at most {MOST_STEPS:,}.")
    return max(1, round(horizon / hour)) if bins is None else bins


def _background(data, covariates, horizon, edges):
    """Bin, begin, features and length of each piece of constant features."""
    end = float(data.start + data.length)
    source = data.covariates if covariates is None else covariates.aligned(data)
    if source is None:
        starts, widths = edges[:-1], np.diff(edges)
        return np.arange(len(widths)), starts, np.ones((len(widths), 1)), widths
    if covariates is not None and source.feature_names != feature_names(data):
        raise ValueError(
            f"The covariates of the horizon have the features {', '.join(source.feature_names)}; "
            f"the data have {', '.join(feature_names(data))}. Give the same, in the same order."
        )
    cut = source.between(end, end + horizon)
    pieces = np.unique(np.concatenate([edges, np.asarray(cut.edges) - end]))
    pieces = pieces[(pieces >= 0) & (pieces <= horizon)]
    middle = (pieces[1:] + pieces[:-1]) / 2
    width = np.diff(pieces)
    owner = np.clip(np.searchsorted(edges, middle, side="right") - 1, 0, len(edges) - 2)
    return owner, pieces[:-1], cut.at(end + middle), width


def _warn_of(out: RetweetForecast) -> None:
    """Warn of cascades that may explode, or did."""
    warned = []
    if out.critical >= 0.01:
        warned.append(
            f"for {100 * out.critical:.0f} % of the known cascades a repost brings more than one "
            f"further repost at the start (p dbar >= 1)"
        )
    if out.exploded > 0:
        warned.append(
            f"in {100 * out.exploded:.0f} % of the draws a cascade passed {out.cap:g} reposts; it "
            f"was drawn again, and where that did not help stopped there: means and upper "
            f"quantiles are those of paths below the cap, and so lower bounds"
        )
    if warned:
        warn("; ".join(warned).capitalize() + ".", ExplosionWarning)
