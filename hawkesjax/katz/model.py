"""The Katz spike model: its law with the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hawkesjax.core.reading import Reading
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.forecast import forecast
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.predictive import replicated
from hawkesjax.katz.reading import reading
from hawkesjax.katz.recent import recent
from hawkesjax.katz.residuals import residuals
from hawkesjax.katz.simulate import simulate


@dataclass(frozen=True)
class KatzSpike(KatzLaw):
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

    With `baseline="recent"`, a user's baseline follows its own posts, the fresh ones most:

    .. math:: b_i[k] = f + w \bar s_i[k], \qquad
              \bar s_i[k] = \frac{\sum_{l < k} s_i[l]\, 2^{-a_{kl} / h}}
                                 {\sum_{l < k} 2^{-a_{kl} / h}}

    with the `floor` f that all users have, the `weight` w and the `half_life` h in bins; ages a
    count watched bins, and all bins before count, also those before the fit. The likelihood is
    exact in one pass over the log, by a recursion over each user's own posts and one over the bins.
    What a post sets off in its author's own future is here, not in alpha.

    Args:
        link: `"hazard"`; `"poisson"` for numbers of posts; `"clip"`, probability min(eta, 1), only
            for replication: beyond 1 it has no gradient. With it alpha is held where silent bins
            are possible.
        form: `"additive"` or `"multiplicative"`.
        baseline: `"integrated"` (parameters `alpha`, `shape`, `mean`), `"recent"` (`alpha`,
            `floor`, `weight`, `half_life`; not with the clipped link) or `"free"` (`alpha`,
            `b[user]`).
        memory: phi; what is heard becomes `A h`, `h[k] = phi h[k-1] + s[k]`.
        common_factor: None, `"volume"` (active users of bin k + 1 itself, in steps of 10 %), or one
            number per bin of the fit, scaled to mean 1.
        priors: `"default"`, or a dict from parameter names to numpyro distributions. The default
            does not depend on the length of a bin or the size of the network: with rho the
            spectral radius, `alpha ~ HalfNormal(1 / rho)`, so that :math:`\alpha^* = \alpha \rho`
            is of order 1, its natural limit (multiplicative: HalfNormal with scale 1 over the mean
            r of those who heard something: one message heard about doubles the rate);
            `shape ~ LogNormal(0, 1.5)`; `mean ~ LogNormal(log rate, 1.5)` with the data's own
            rate; `floor ~ HalfCauchy(rate)`; `weight ~ HalfNormal(1)`;
            `half_life ~ LogNormal(log(K / 20), 2)`, K the watched bins before the fit's end;
            `b ~ HalfCauchy(rate)`.

    Raises:
        ValueError: for an unknown name or value.

    Source: Higham, Grindrod, Mantzaris, Otley and Laflin, "Anticipating activity in social media
    spikes" (ICWSM workshops 2014), equations 2-5. They have no link ("a normalization factor
    should be included") and print the quotient alpha / rho for alpha*; only the product is right.
    """

    name = "katz"
    elsewhere: ClassVar[Mapping[str, str]] = {
        "evaluate": "rank users with hj.katz.rank and score the ranking with hj.katz.evaluate",
        "attribution": "see post.influence(), the share of events set off by others",
        "predictive_check": "test hj.residuals by bin and by user with hj.residual_tests",
    }

    simulate = simulate
    forecast = forecast
    residuals = residuals
    recent = recent
    replicated = replicated

    def reading(self, values: Any, data: Activity) -> Reading:
        """How a fit is to be read: `hawkesjax.katz.reading`."""
        return reading(self, values, data)
