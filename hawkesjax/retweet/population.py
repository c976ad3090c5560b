"""How cascades of a kind grow, learned from past ones, to predict the sizes of young ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betainc

from hawkesjax.core.random import generator
from hawkesjax.evaluation.calibration import held_of
from hawkesjax.evaluation.counts import GRID
from hawkesjax.inputs.arguments import AtLeastZero, Count, Key, Positive, Range, checked, number
from hawkesjax.inputs.checks import counted
from hawkesjax.inputs.warned import warn
from hawkesjax.retweet.ages import check_observed, sizes_at, spans_of
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.features import GROUPS, features, unknown
from hawkesjax.retweet.growth import Growth
from hawkesjax.retweet.size_scores import errors, held_by, simple_sizes
from hawkesjax.retweet.sizes import SizeForecast

FEWEST = 10
FOLDS = 10  # of the calibration
# Cascades that hold what they should, put beside those of the calibration: it then needs more
# than a handful to widen or narrow an interval.
PRIOR = 20.0
EDGE = 5  # smallest cascades, whose distances say how far below them the smallest may lie


class ExtrapolationWarning(UserWarning):
    """Cascades lie outside of what a population was learned from."""


@dataclass(frozen=True, eq=False, repr=False)
class CascadePopulation:
    r"""How many reposts are to come for a cascade of a kind, given what its first hours show.

    .. math:: R = \lfloor A (1 - e^{-e^Y / A}) \rfloor, \quad
              Y \sim N(\log(1 + n) + b_0 + b \cdot x, e^{2 (g_0 + g \cdot x)}), \quad
              \text{given that } n + R \ge L

    R reposts come between an age and the horizon after n that were seen; x are features of what
    was seen: reposts, their speed lately, followers of the author and of those reached, time of
    day. b and g are learned from past cascades for the age and horizon asked, with normal priors.
    L is the size by which the past cascades were selected, 0 if they were not; A a finite
    audience, three times the most that came in any past cascade (or came already).

    Of followers and the time of day, what is not known of both the past and the young cascades is
    left out: the others are asked as if nobody knew it of any. Intervals are calibrated: they are
    widened or narrowed so that they held, in cross-validation on the past cascades, what they
    should.

    Args:
        training: the past cascades.
        horizon: the age up to which all of them were observed, in their unit.
        least: L; None where it is told from the smallest sizes.

    Build one with `learn`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> waits = [np.append(0.0, rng.gamma(0.5, 6.0, rng.poisson(50))) for _ in range(30)]
        >>> rows = pd.DataFrame({"hours": np.concatenate(waits),
        ...     "cascade": np.repeat(range(30), [len(each) for each in waits])})
        >>> data = hj.Cascades.from_cascades(rows, cascade="cascade", time="hours",
        ...     followers=None, window=(0, 72), late="drop", unit="hour")
        >>> population = hj.CascadePopulation.learn(data.select(range(25)))
        >>> told = population.forecast(data.select(range(25, 30)), observed=1.0,
        ...     key=jax.random.key(0))
        >>> bool(np.all(told.table()["median"] >= told.seen))
        True
    """

    training: Cascades
    horizon: float
    least: float | None
    _learned: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    @checked
    def learn(
        cls,
        cascades: Cascades,
        *,
        horizon: Positive | None = None,
        least: AtLeastZero | None = None,
    ) -> CascadePopulation:
        """Learn from past cascades of the kind whose sizes will be asked for.

        Args:
            cascades: at least ten, small ones among them if small ones will be asked for.
            horizon: the largest age at which sizes will be asked for, in the cascades' unit. All
                must be observed for as long; None: as long as all were.
            least: the size by which they were selected (only tweets with more than 2,000
                reposts, say); 0: they were not. None: told from the smallest of them.

        Raises:
            ValueError: for fewer cascades, for those observed for too short a time or with a gap
                of the record, and for cascades smaller than `least`.

        """
        if cascades.num_posts < FEWEST:
            raise ValueError(
                f"{counted(cascades.num_posts, 'cascade')} do not make a population: give at "
                f"least {FEWEST}."
            )
        horizon = float(np.min(spans_of(cascades))) if horizon is None else float(horizon)
        if not horizon > 0:
            raise ValueError("A cascade was observed for no time. Select the others.")
        check_observed(cascades, horizon, "horizon=")
        smallest = int(np.min(sizes_at(cascades, horizon)))
        if least is not None and least > smallest:
            raise ValueError(
                f"least={least:g}, but a cascade has {counted(smallest, 'repost')} at age "
                f"{horizon:g}: select the larger ones, or pass a smaller least=."
            )
        return cls(cascades, horizon, least)

    @checked
    def forecast(
        self,
        cascades: Cascades,
        *,
        observed: Positive,
        horizon: Positive | None = None,
        key: Key,
        draws: Count = 400,
        calibrate: bool = True,
    ) -> SizeForecast:
        """Size of each cascade at an age, from what was seen of it up to an earlier age.

        Nothing beyond `observed` is used, whatever the cascades hold.

        Args:
            cascades: observed from their post to at least `observed`.
            observed: age up to which each is seen, in the cascades' unit.
            horizon: age at which the size is asked for; the population's by default.
            key: PRNG key of the draws.
            draws: draws of each size, one in each of as many parts of equal probability.
            calibrate: whether intervals are calibrated; the median is the same.

        Raises:
            ValueError: for ages out of order or beyond the population's, another unit of time
                than that of the past cascades, and cascades not observed for long enough.
        """
        if cascades.unit != self.training.unit:
            raise ValueError(
                f"The cascades are in {cascades.unit or 'no named unit'!r}, the population in "
                f"{self.training.unit or 'no named unit'!r}: convert one of them."
            )
        horizon = self._ordered(observed, horizon)
        check_observed(cascades, observed, "observed=")
        (table, past), young = self._seen(observed), sizes_at(cascades, observed)
        _warn_of(past, young, observed)
        x = features(cascades, observed)
        ignored = unknown(table, x)
        growth, held = self._growth(observed, horizon, ignored)
        x = _without(x, ignored)
        rng = generator(key)
        places = np.tile(np.arange(draws), (len(x), 1))
        p = (rng.permuted(places, axis=1) + rng.random(places.shape)) / draws
        p = np.interp(p, held, GRID) if calibrate else p
        sizes = growth.quantile(x, young, np.clip(p, 1e-12, 1 - 1e-12))
        ages = float(observed), horizon
        return SizeForecast(cascades.names, young, sizes, None, *ages, cascades.unit, ignored)

    @checked
    def evaluate(
        self,
        observed: Positive | Sequence[float],
        *,
        horizon: Positive | None = None,
        folds: Count = 10,
        key: Key,
    ) -> pd.DataFrame:
        """Score such forecasts on the past cascades by cross-validation, beside simple ones.

        Each fold is forecast by a population learned, and calibrated, on the others. Beside it a
        log-linear regression of `(N + 1) / (n + 1)` on the same features; the size so far times
        the median of that ratio; the median size; and nothing more.

        Args:
            observed: an age, or several, in the past cascades' unit.
            horizon: age of the sizes; the population's by default.
            folds: at least 2.
            key: PRNG key of the folds and draws.

        Returns:
            One row per age and forecast: median and mean absolute percentage error (of cascades
            with a repost), mean absolute error in reposts, shares held by intervals of 80 and
            95 %, and `total`, the sum of the predicted means over that of the sizes.

        Raises:
            ValueError: for ages out of order, and folds that leave fewer than ten cascades.
        """
        parts = min(int(number(folds, "folds", Range(2), whole=True)), self.training.num_posts)
        ages = np.atleast_1d(np.asarray(observed, np.float64)).tolist()
        last = [self._ordered(age, horizon) for age in ages]
        truth = sizes_at(self.training, self.horizon if horizon is None else horizon)
        rng, rows = generator(key), {}
        fold = rng.permutation(len(truth)) % parts
        for age, until in zip(ages, last, strict=True):
            table, seen = self._seen(age)
            ours, simple = [], []
            for held in (fold == each for each in range(parts)):
                rest = self.training.select(~held)
                one = CascadePopulation.learn(rest, horizon=self.horizon, least=self.least)
                young = self.training.select(held)
                with warnings.catch_warnings():  # a fold has the ends of the whole
                    warnings.simplefilter("ignore", ExtrapolationWarning)
                    told = one.forecast(young, observed=age, horizon=until, key=key)
                ours.append(pd.DataFrame(held_by(told, truth[held])).assign(truth=truth[held]))
                simple.append(pd.DataFrame(simple_sizes(table.to_numpy(), seen, truth, held)))
            told, others = pd.concat(ours), pd.concat(simple)
            known = told["truth"].to_numpy(np.float64)
            shares = told.filter(like="coverage").mean().to_dict()
            total = told["mean"].sum() / max(known.sum(), 1)
            rows[age, "population"] = (
                errors(told["median"].to_numpy(), known) | shares | {"total": total}
            )
            rows |= {(age, name): errors(others[name].to_numpy(), known) for name in others}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["observed", "forecast"])

    def _ordered(self, observed: float, horizon: float | None) -> float:
        horizon = self.horizon if horizon is None else float(horizon)
        if not observed < horizon <= self.horizon * (1 + 1e-9):
            raise ValueError(
                f"observed={observed:g} and horizon={horizon:g} must be ages in this order, up to "
                f"the population's last age {self.horizon:g}."
            )
        return horizon

    def _seen(self, observed: float) -> tuple[pd.DataFrame, np.ndarray]:
        """Features and sizes of the past cascades at an age."""
        if observed not in self._learned:
            self._learned[observed] = (
                features(self.training, observed),
                sizes_at(self.training, observed),
            )
        return self._learned[observed]

    def _growth(self, observed, horizon, ignored) -> tuple[Growth, np.ndarray]:
        """The law of the reposts between two ages, without what is ignored, and its calibration."""
        key = observed, horizon, ignored
        if key not in self._learned:
            table, seen = self._seen(observed)
            x = _without(table, ignored)
            sizes = sizes_at(self.training, horizon)
            below, through = np.zeros((2, len(x)))
            order = np.random.default_rng(0).permutation(len(x))
            for first in range(FOLDS):
                out = np.zeros(len(x), bool)
                out[order[first::FOLDS]] = True
                part = Growth.fit(x[~out], seen[~out], sizes[~out], self._least(sizes[~out]))
                below[out] = 1 - part.beyond(x[out], seen[out], sizes[out])
                through[out] = 1 - part.beyond(x[out], seen[out], sizes[out] + 1)
            growth = Growth.fit(x, seen, sizes, self._least(sizes))
            self._learned[key] = growth, held_of(below, through, PRIOR)
        return self._learned[key]

    def _least(self, sizes: np.ndarray) -> float:
        """The size by which cascades were selected: below the smallest by as much as the next
        ones lie apart."""
        if self.least is not None:
            return self.least
        low = np.sort(sizes)[:EDGE].astype(np.float64)
        return max(0.0, low[0] - float(np.mean(np.diff(low))))

    def __repr__(self) -> str:
        sizes = sizes_at(self.training, self.horizon)
        low, middle, high = np.quantile(sizes, (0.1, 0.5, 0.9))
        cut = self._least(sizes)
        return (
            f"CascadePopulation of {counted(len(sizes), 'cascade')}: {middle:,.0f} reposts by "
            f"age {self.horizon:g} {self.training.unit}s in the median ({low:,.0f} to {high:,.0f}: "
            f"80 %)" + (f", none below {cut:,.0f}" if cut >= 1 else "")
        )


def _without(table: pd.DataFrame, ignored: tuple[str, ...]) -> np.ndarray:
    lost = [column for name in ignored for column in GROUPS[name]]
    return table.drop(columns=lost).to_numpy(np.float64)


def _warn_of(past: np.ndarray, young: np.ndarray, observed: float) -> None:
    """Warn where more cascades than chance brings lie outside of those of the population."""
    outside = int(np.sum((young < past.min()) | (young > past.max())))
    # Of n, at least k of probability p: a regularised incomplete beta function.
    chance = betainc(outside, len(young) - outside + 1, 2 / (len(past) + 1)) if outside else 1.0
    if chance < 0.01:
        warn(
            f"{counted(outside, 'cascade')} of {len(young):,} had fewer or more reposts by age "
            f"{observed:g} than any of the population ({past.min():,} to {past.max():,}): their "
            f"sizes are extrapolated. Learn from cascades like them.",
            ExtrapolationWarning,
        )
