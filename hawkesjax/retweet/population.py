"""How the infectivity of cascades falls with age, learned from many, to predict the size of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from hawkesjax.core.random import generator
from hawkesjax.inputs.checks import counted
from hawkesjax.retweet.ages import (
    binned,
    check_observed,
    extras_of,
    fine_edges,
    in_pieces,
    learn_normal,
    learn_swing,
    posterior,
    sizes_at,
    spread_of,
    steps_ahead,
    wave_of,
)
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.memory.kernel import kernel_integral
from hawkesjax.retweet.memory.volterra import draw_reposts, transfer
from hawkesjax.retweet.model import RetweetHawkes
from hawkesjax.retweet.prepared import lengths_of
from hawkesjax.retweet.sizes import SizeForecast

AGES = (0, 2, 6, 12, 36, 72, 108, 144, 216, 288, 432, 720, 1152, 2016)  # in units of s0
ROWS = 20_000  # cascades times draws continued at once: 16 MB per array of 100 steps


@dataclass(frozen=True, eq=False, repr=False)
class CascadePopulation:
    r"""A distribution of infectivities: what p_i(t) of a cascade is like before it is seen.

    .. math:: p_i(t) = e^{w_i(t - t_i)} [1 - S_i r_0 \sin(2 \pi (t + \phi_0) / T_m)], \qquad
              w_i \sim N(m, \Sigma)

    with w constant between the ages `edges`. The normal distribution holds two more numbers, the
    logs of the mean followers of a cascade's reposters and of its author's followers: where many
    are reached, few of them repost. m and Sigma are learned from whole cascades. The exponential
    `log p0 - age / tau` of `RetweetHawkes` is the case in which w falls along a straight line;
    here the data say how it falls, how much cascades differ, and how far the first hours of a
    cascade tell of the days to come. Build one with `learn`.

    Args:
        edges: (K + 1,) ages, in `unit`.
        mean: (K + 2,) m: of w, of log mean followers of reposters, of log (1 + author's).
        covariance: (K + 2, K + 2) Sigma.
        swing: r0 cos(w phi0) and r0 sin(w phi0).
        spread: variance over squared mean of a reposter's followers: a typical cascade's.
        training: the cascades that it was learned from; `forecast` calibrates itself on them.
        model: the `RetweetHawkes` whose kernel and period it has.
    """

    edges: Float[np.ndarray, " edges"]
    mean: Float[np.ndarray, " edges+1"]
    covariance: Float[np.ndarray, "edges+1 edges+1"]
    swing: Float[np.ndarray, "2"]
    spread: float
    training: Cascades
    model: RetweetHawkes
    _maps: dict[Any, np.ndarray] = field(default_factory=dict)

    @classmethod
    def learn(
        cls,
        cascades: Cascades,
        *,
        ages: Sequence[float] | np.ndarray | None = None,
        model: RetweetHawkes | None = None,
    ) -> CascadePopulation:
        """Learn from cascades by an EM algorithm (a Laplace approximation for each cascade).

        Args:
            cascades: at least ten, each observed from its post to at least the last age.
            ages: edges of the pieces of constant w, from 0, in the cascades' unit; by default 10
                and 30 minutes, 1, 3, 6, 9, 12, 18, 24, 36 and 60 hours, 4 and 7 days.
            model: for its kernel (theta, s0) and period; `RetweetHawkes()` by default.

        Raises:
            ValueError: for fewer cascades, and for those observed for too short a time; names
                the first of them.
        """
        model = RetweetHawkes() if model is None else model
        if not isinstance(model.theta, float):
            raise ValueError(f"theta is {model.theta!r}; give a number, such as 0.242.")
        s0, _ = lengths_of(model, cascades)
        edges = np.asarray(AGES if ages is None else ages, np.float64) * (s0 if ages is None else 1)
        if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or not np.all(np.diff(edges) > 0):
            raise ValueError(f"ages are {list(edges)}: give ascending ages that begin with 0.")
        if cascades.num_posts < 10:
            raise ValueError(
                f"{counted(cascades.num_posts, 'cascade')} do not make a population: give at "
                f"least 10."
            )
        check_observed(cascades, edges[-1], "ages=")
        fine = fine_edges(edges, s0, edges[-1])
        counts, reach, _ = binned(model, cascades, fine, edges[-1])
        piece = np.searchsorted(edges, fine[:-1], side="right") - 1
        swing = learn_swing(model, cascades, fine, counts, reach, piece)
        n, f = in_pieces(model, cascades, edges, fine, counts, reach, swing)
        spread = spread_of(cascades)
        mean, covariance = learn_normal(n, f, *extras_of(cascades, edges[-1], spread))
        return cls(edges, mean, covariance, swing, spread, cascades, model)

    @property
    def r0(self) -> float:
        """Size of the daily swing."""
        return float(np.hypot(*self.swing))

    def forecast(
        self,
        cascades: Cascades,
        *,
        observed: float,
        horizon: float | None = None,
        key: Array | int,
        draws: int = 400,
        calibrate: bool = True,
        cap: float | None = None,
    ) -> SizeForecast:
        """Size of each cascade at an age, from what was seen of it up to an earlier age.

        Nothing beyond `observed` is used, whatever the cascades hold. The posterior of w_i given
        the reposts so far is taken by Laplace's approximation; each draw of it is carried on to
        the horizon repost by repost (`memory.volterra.draw_reposts`).

        Calibration: the population is learned again on each half of its training cascades, and
        the other half is forecast from the same age; quantiles are then read where they would
        have been right there. It corrects what the model does not know of, on cascades that are
        not these.

        Args:
            cascades: observed from their post to at least `observed`.
            observed: age up to which each is seen, in the cascades' unit.
            horizon: age at which the size is asked for; the population's last age by default.
            key: PRNG key.
            draws: simulated continuations of each cascade.
            calibrate: whether to calibrate.
            cap: a continuation with more reposts than this has exploded; None: ten times the
                largest training cascade. No cascade of the population did, so w is restricted to
                paths that do not: an exploded draw gives its place to another of its cascade
                (where all explode, they stop at the cap). The share is reported.

        Raises:
            ValueError: for ages out of order or beyond the population's, another unit of time
                than that of the training cascades, followers known of one and not of the other,
                and cascades not observed for long enough.
        """
        horizon = float(self.edges[-1]) if horizon is None else float(horizon)
        if cascades.unit != self.training.unit:
            raise ValueError(
                f"The cascades are in {cascades.unit or 'no named unit'!r}, the population in "
                f"{self.training.unit or 'no named unit'!r}: convert one of them."
            )
        known, other = (_knows_followers(one) for one in (self.training, cascades))
        if known != other:
            have, lack = ("population", "cascades") if known else ("cascades", "population")
            raise ValueError(
                f"Followers are known of the {have}, but not of the {lack}, of whom everyone "
                f"counts as one: sizes would be wrong by the number of followers. Give both with "
                f"followers, or both without (followers=None)."
            )
        if not 0 < observed < horizon <= self.edges[-1] * (1 + 1e-12):
            raise ValueError(
                f"observed={observed:g} and horizon={horizon:g} must be ages in this order, up to "
                f"the population's last age {self.edges[-1]:g}."
            )
        if draws < 1:
            raise ValueError(f"draws is {draws!r}; at least 1 is needed.")
        check_observed(cascades, observed, "observed=")
        rng = generator(key)
        if cap is None:
            cap = 10.0 * float(np.max(sizes_at(self.training, np.inf)))
        stretch = observed, horizon, rng, draws, cap
        levels = self._calibration(*stretch) if calibrate else None
        parts = self._continue(cascades, *stretch)
        return SizeForecast(cascades.names, *parts, observed, horizon, cascades.unit, levels)

    def _calibration(self, observed, horizon, rng, draws, cap) -> np.ndarray:
        """Sorted positions, among their draws, of training cascades forecast by the others."""
        key = (observed, horizon, draws)
        if key not in self._maps:
            order = rng.permutation(self.training.num_posts)
            places = []
            for half in (0, 1):
                others = self.training.select(order[1 - half :: 2])
                held = self.training.select(order[half::2])
                part = CascadePopulation.learn(others, ages=self.edges, model=self.model)
                _, sizes, _ = part._continue(held, observed, horizon, rng, draws, cap)
                truth = sizes_at(held, horizon)[:, None]
                below = np.sum(sizes < truth, axis=1) + 0.5 * np.sum(sizes == truth, axis=1)
                places.append((below + 0.5) / (draws + 1))
            self._maps[key] = np.sort(np.concatenate(places))
        return self._maps[key]

    def _continue(self, cascades, observed, horizon, rng, draws, cap):
        s0, _ = lengths_of(self.model, cascades)
        before = fine_edges(self.edges, s0, observed)
        counts, reach, followers = binned(self.model, cascades, before, observed)
        n, f = in_pieces(self.model, cascades, self.edges, before, counts, reach, self.swing)
        extras = extras_of(cascades, observed, self.spread)
        mode, curvature = posterior(n, f, *extras, self.mean, np.linalg.inv(self.covariance))
        factor = np.linalg.cholesky(np.linalg.inv(curvature))

        after = steps_ahead(self.edges, s0, observed, horizon)
        middle = (after[1:] + after[:-1]) / 2
        later = np.searchsorted(self.edges, middle, side="right") - 1
        kernel = self.model.theta, s0
        known = np.asarray(cascades.post_followers)[:, None] * np.diff(
            kernel_integral(after, *kernel)
        )
        known = known + followers @ transfer(after, before, *kernel).T
        within = transfer(after, after, *kernel)
        wave = wave_of(self.model, cascades, middle, self.swing)
        seen = counts.sum(axis=1)
        num = cascades.num_posts
        sizes, exploded = np.empty((num, draws)), np.zeros((num, draws), bool)
        many = max(1, ROWS // num)
        for low in range(0, draws, many):
            size = min(many, draws - low)
            normal = rng.standard_normal((size, num, len(self.mean)))
            paths = mode + np.einsum("pkl,spl->spk", factor, normal)
            rate = (np.exp(paths[:, :, later]) * wave).reshape(size * num, -1)
            part = rate, np.tile(known, (size, 1)), np.exp(paths[:, :, len(self.edges) - 1]).ravel()
            drawn, boom = draw_reposts(rng, *part, self.spread, within, cap=cap)
            total = seen + drawn.sum(axis=1).reshape(size, num)
            sizes[:, low : low + size] = total.T
            exploded[:, low : low + size] = boom.reshape(size, num).T
        return seen.astype(np.int64), _settled(sizes, exploded, rng), exploded.mean(axis=1)

    def __repr__(self) -> str:
        last = len(self.edges) - 2
        fall = np.exp(self.mean[last] - self.mean[0])
        return (
            f"CascadePopulation of {counted(self.training.num_posts, 'cascade')}: infectivity "
            f"{np.exp(self.mean[0]):.3g} at first and {fall:.2g} times that after "
            f"{self.edges[-2]:g} {self.training.unit}s, r0 {self.r0:.3g}, "
            f"{np.exp(self.mean[last + 1]):.4g} followers per reposter"
        )


def _knows_followers(cascades: Cascades) -> bool:
    """Whether anyone counts as more, or less, than one."""
    return any(np.any(np.asarray(x) != 1) for x in (cascades.post_followers, cascades.followers))


def _settled(sizes: np.ndarray, exploded: np.ndarray, rng: Any) -> np.ndarray:
    """Exploded draws replaced by others of the same cascade, where there are any."""
    out = sizes.copy()
    for row in np.flatnonzero(exploded.any(axis=1) & ~exploded.all(axis=1)):
        lost = exploded[row]
        out[row, lost] = rng.choice(sizes[row, ~lost], int(lost.sum()))
    return out
