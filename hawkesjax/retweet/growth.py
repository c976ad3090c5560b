"""Reposts to come, given features: a lognormal regression rounded down to whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

# Precision of the normal prior of each coefficient, of features in units of their standard
# deviation. Sum of the mean log scores at 10 min, 1, 6 and 24 h, by cross-validation on the
# cascades of the first ten days of tideh_retweets: -30.68 with 3, -30.67 with 10, -30.65 with 30,
# -30.66 with 100, -30.74 with 300.
PRECISION = 30.0
# People who may still repost, in terms of the most reposts to come of any past cascade, or of those
# so far. Data say little of it: that sum is -30.733 with 1.2, -30.657 with 2, -30.654 with 3 and
# -30.653 with 10 and 100; without a bound the sum of means was 17 times that of the sizes (6 h).
AUDIENCE = 3.0
# Standard deviations beyond which a feature counts as that far: the sum is -30.70 with 2, -30.65
# with 3, -30.63 with 4, -30.61 with 8, where a single odd feature moves a forecast as far.
FAR = 3.0
FAINT = 1.0  # precision of g_0, about the log of the spread of log R, and least of any direction
FLAT = 20.0  # of the log deviation: beyond lie only steps of a search that went astray
STEP = 1e-4  # of differences of the gradient


@dataclass(frozen=True)
class Growth:
    r"""The distribution of the reposts R to come, given features x.

    .. math:: R = \lfloor A (1 - e^{-e^Y / A}) \rfloor, \quad
              Y \sim N(\log(1 + n) + b_0 + b \cdot x, e^{2 (g_0 + g \cdot x)}), \quad
              \text{given that } n + R \ge L

    with n reposts so far, to which those to come are proportional, other things equal. e^Y is how
    often someone would repost, R how many of an audience of A do at least once: few reposts do not
    notice that it is finite, many do. R = 0 has the probability of e^Y below (nearly) one. Where
    the cascades of a population were selected by their size, none is smaller than L: the
    distribution is cut there, and b and g are those of cascades that were not selected. What is
    not known of b and g widens the distribution about its median.

    Args:
        center, scale: (F,) mean and standard deviation of each feature.
        location: (F + 1,) b.
        spread: (F + 1,) g.
        covariance: (2 F + 2, 2 F + 2) of b and g.
        inflation: n / (n - p) of n cascades that tell p of the coefficients b.
        least: L; 0 where nothing was selected.
        audience: A of a cascade with fewer reposts so far than it; three times as many as those of
            others.
    """

    center: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]
    location: Float[np.ndarray, " features+1"]
    spread: Float[np.ndarray, " features+1"]
    covariance: Float[np.ndarray, "2*features+2 2*features+2"]
    inflation: float
    least: float
    audience: float

    @classmethod
    def fit(
        cls,
        features: Float[np.ndarray, "cascades features"],
        seen: np.ndarray,
        sizes: np.ndarray,
        least: float,
    ) -> Growth:
        """The mode of the posterior of b and g, and its curvature.

        The prior of each is normal about 0; that of g_0 is faint, and b_0 has none.

        Args:
            features: NaN where unknown, which counts as the mean.
            seen: (C,) n.
            sizes: (C,) n + R, at least `least`.
            least: L.
        """
        known = np.isfinite(features)
        count = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, features, 0).sum(axis=0) / count
        scale = np.sqrt(np.sum(np.where(known, features - center, 0) ** 2, axis=0) / count)
        x = _design(features, center, scale)
        reposts = (sizes - seen).astype(np.float64)
        audience = AUDIENCE * max(1.0, float(reposts.max()), float(least))
        offset, around = np.log1p(seen), _around(audience, seen)
        more = np.log(reposts + 0.5) - offset
        begin = np.zeros((2, x.shape[1]))
        begin[:, 0] = more.mean(), np.log(np.std(more) + 0.1)
        cuts = [_chances(r, around) - offset for r in (reposts, reposts + 1, least - seen)]
        level = begin[1, 0]
        found = minimize(_loss, begin.ravel(), (x, cuts, level), "L-BFGS-B", jac=True).x
        location, spread = found.reshape(2, -1)
        values, vectors = np.linalg.eigh(_curvature(found, x, cuts, level))
        covariance = (vectors / np.maximum(values, FAINT)) @ vectors.T
        told = x.shape[1] - PRECISION * np.trace(covariance[1 : x.shape[1], 1 : x.shape[1]])
        inflation = len(x) / max(len(x) - told, 1.0)
        parts = center, scale, location, spread, covariance, inflation
        return cls(*parts, float(least), audience)

    def _law(self, features, seen):
        """Mean and standard deviation of Y, the log probability of at least `least`, and the factor
        by which what is not known of b and g widens a normal scale."""
        x = _design(features, self.center, self.scale)
        mean, deviation = np.log1p(seen) + x @ self.location, np.exp(x @ self.spread)
        least = _chances(self.least - seen, _around(self.audience, seen))
        kept = log_ndtr((mean - least) / deviation)
        size = x.shape[1]
        of_mean, of_log = (
            np.einsum("cf,fg,cg->c", x, block, x)
            for block in (self.covariance[:size, :size], self.covariance[size:, size:])
        )
        # exp(2 v) is the mean of the variance when its log has variance 4 v.
        wider = np.exp(2 * np.minimum(of_log, 1)) + of_mean / deviation**2
        return mean, deviation, kept, np.sqrt(self.inflation * wider)

    def beyond(
        self, features: Float[np.ndarray, "cascades features"], seen: np.ndarray, sizes: np.ndarray
    ) -> Float[np.ndarray, " cascades"]:
        """The probability of a size of at least `sizes`."""
        mean, deviation, kept, wider = self._law(features, seen)
        tail = log_ndtr((mean - _chances(sizes - seen, _around(self.audience, seen))) / deviation)
        return ndtr(ndtri_exp(np.minimum(tail - kept, 0)) / wider)

    def quantile(
        self,
        features: Float[np.ndarray, "cascades features"],
        seen: np.ndarray,
        p: Float[np.ndarray, "cascades draws"],
    ) -> Float[np.ndarray, "cascades draws"]:
        """The size that is reached or not with probability p, in (0, 1)."""
        mean, deviation, kept, wider = (part[:, None] for part in self._law(features, seen))
        tail = log_ndtr(-wider * ndtri(p)) + kept
        chances = np.exp(np.minimum(mean - deviation * ndtri_exp(tail), 700))
        around = _around(self.audience, seen)[:, None]
        reached = around * -np.expm1(-chances / around)
        return np.maximum(seen[:, None] + np.floor(reached), self.least)


def _design(features: np.ndarray, center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    x = np.clip((features - center) / np.where(scale > 1e-9, scale, np.inf), -FAR, FAR)
    return np.column_stack([np.ones(len(x)), np.where(np.isfinite(x), x, 0)])


def _around(audience: float, seen: np.ndarray) -> np.ndarray:
    return np.maximum(audience, AUDIENCE * seen.astype(np.float64))


def _chances(reposts: np.ndarray, audience: np.ndarray) -> np.ndarray:
    """Y at which so many come: minus infinity for none, infinity for the whole audience."""
    with np.errstate(divide="ignore"):
        return np.log(-audience * np.log1p(-np.clip(reposts / audience, 0, 1)))


def _loss(values, x, cuts, level):
    """Minus the log posterior and its gradient, in b and g."""
    location, spread = values.reshape(2, -1)
    mean, deviation = x @ location, np.exp(np.clip(x @ spread, -FLAT, FLAT))
    low, high, cut = ((cut - mean) / deviation for cut in cuts)
    turned = low > 0  # the tail in which nothing cancels
    a, b = log_ndtr(np.where(turned, -high, low)), log_ndtr(np.where(turned, -low, high))
    inside = b + np.log(-np.expm1(np.minimum(a - b, -1e-300)))
    kept = log_ndtr(-cut)
    ends = (low, inside), (high, inside), (cut, kept)
    densities = [np.exp(_normal(z) - log_share) for z, log_share in ends]
    by_mean = (densities[0] - densities[1] - densities[2]) / deviation
    finite = [np.where(np.isfinite(z), z, 0) for z in (low, high, cut)]
    by_log = densities[0] * finite[0] - densities[1] * finite[1] - densities[2] * finite[2]
    gradient = -np.stack([x.T @ by_mean, x.T @ by_log])
    off = np.stack([location, spread])
    off[1, 0] -= level
    precision = np.full(off.shape, PRECISION)
    precision[:, 0] = 0, FAINT
    loss = -np.sum(inside - kept) + np.sum(precision * off**2) / 2
    return loss, (gradient + precision * off).ravel()


def _normal(z: np.ndarray) -> np.ndarray:
    return -0.5 * (z**2 + np.log(2 * np.pi))


def _curvature(values, *args):
    """Second derivatives of the loss, by differences of its gradient."""
    steps = STEP * np.eye(len(values))
    columns = [(_loss(values + h, *args)[1] - _loss(values - h, *args)[1]) for h in steps]
    curvature = np.stack(columns) / (2 * STEP)
    return (curvature + curvature.T) / 2
