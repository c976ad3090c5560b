"""The retweet model: its law with the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hawkesjax.core.reading import Reading
from hawkesjax.retweet import plots
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.evaluation import evaluate
from hawkesjax.retweet.forecast import forecast
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.predictive import replicated
from hawkesjax.retweet.reading import reading
from hawkesjax.retweet.residuals import residuals
from hawkesjax.retweet.simulate import simulate


@dataclass(frozen=True)
class RetweetHawkes(RetweetLaw):
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
            the best for each, for `fit`; `"free"`: one parameter per post.
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

    name = "retweet"
    elsewhere: ClassVar[Mapping[str, str]] = {
        "predictive_check": (
            "test hj.residuals(model, values, data) with hj.residual_tests, or score a forecast "
            "with hj.evaluate"
        ),
        "attribution": (
            "each repost names its post: post.p0(key=...) says how readily each post is reposted, "
            "post.rate_ratios() what drives the posts"
        ),
    }

    simulate = simulate
    forecast = forecast
    residuals = residuals
    evaluate = evaluate
    replicated = replicated

    def reading(self, values: Any, data: Cascades) -> Reading:
        """How a fit is to be read: `hawkesjax.retweet.reading`."""
        return reading(self, values, data)

    def figures(self, values: Any, data: Cascades) -> dict[str, Any]:
        """Every figure of a fit, by name: `hawkesjax.retweet.plots.figures`."""
        return plots.figures(self, values, data)
