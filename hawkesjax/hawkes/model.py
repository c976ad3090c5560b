"""The Hawkes model with its verbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hawkesjax.core.reading import Reading
from hawkesjax.hawkes import plots
from hawkesjax.hawkes.attribution import attribution
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.effect_tests import effect_tests
from hawkesjax.hawkes.evaluation import evaluate
from hawkesjax.hawkes.forecast import forecast
from hawkesjax.hawkes.lags import learned_lag
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.marginal import integrated
from hawkesjax.hawkes.predictive import predictive_check, replicated
from hawkesjax.hawkes.reading import reading
from hawkesjax.hawkes.remarks import remarks
from hawkesjax.hawkes.residuals import residuals
from hawkesjax.hawkes.results import HawkesEstimate
from hawkesjax.hawkes.settings import LEARNED, Params
from hawkesjax.hawkes.simulate import simulate


@dataclass(frozen=True)
class Hawkes(HawkesLaw):
    r"""Multivariate Hawkes process whose baselines, effects and memories are learned.

    Intensity of mark i in sequence m, with sums over events strictly before t:

    .. math:: \lambda_{mi}(t) = \mu_{mi} + \sum_j \alpha_{ij} \sum_{k:\, m_k = j,\, t_k < t}
              \gamma_{ij} e^{-\gamma_{ij} (t - t_k)}

    Log-likelihood over the window [a, b] of each sequence, with no constant dropped:

    .. math:: \ell = \sum_n \log \lambda_{k_n}(t_n) - \sum_{m, i} \mu_{mi} (b_m - a_m)
              - \sum_n \sum_i \alpha_{i k_n} (1 - e^{-\gamma_{i k_n} (b - t_n)})

    `alpha[i, j]` is the effect of source j on target i: the expected number of direct children of
    mark i of one event of mark j. Events before the window are unknown and count as none.
    Simultaneous events do not excite each other. A panel's known exposure E multiplies the
    baseline: :math:`E_m(t) \mu_{mi}` replaces it, and :math:`\int E_m(t) dt` replaces b - a.

    With a link, effects may inhibit (`alpha` of either sign): :math:`\lambda = g(\dots)` of the
    same sum, `g(x) = max(x, 0)` (`"rectified"`) or a smooth one (`"softplus"`,
    `hawkesjax.hawkes.links`); the compensator is then integrated between events.

    Args:
        decay: `"pair"` gamma[target, source], `"source"` gamma[source], `"shared"` one gamma.
        baseline: `"sequence"` mu[sequence, mark]; `"shared"` mu[mark]; `"hierarchical"`
            `mu[m, i] = mu_median[i] exp(mu_spread[i] mu_offset[m, i])`, offsets standard normal
            (non-centred; `fit` integrates over them); or `Covariates` C, for `mu[m, i](t) =
            exp(beta[i] . C(t))`, the same for all sequences, whose level is the covariates'
            intercept.
        covariates: in addition to a level for each sequence, `mu[m, i](t) = mu[m, i] exp(beta[i] .
            C(t))`; an intercept among them is left out, since mu takes its place. Covariates are
            constant within cells, looked up at absolute times; the compensator is exact.
        kernel: `"exponential"`, `SumOfExponentials(...)`, `RisingExponential(...)` or
            `PowerLaw(...)` (`hawkesjax.hawkes.kernels`), whose rates are gamma times fixed ratios.
        priors: `"default"`, `"o2o"` (`hawkesjax.hawkes.priors`), or a dict from parameter names
            to numpyro distributions; parameters left out keep the default.
        compensator: `"exact"`, or `"schoenberg"`: `1 - exp(...)` replaced by 1, which biases
            alpha down when the memory is not short relative to the window. Only for replication.
        stationary: restrict alpha to spectral radius below one (a truncated prior).
        gamma: fixed decay rates, a number, (D,) by source, or (D, D), 1 / unit of time; then the
            decayed counts are computed once, and only mu and alpha are learned; `fit` then finds
            the unique maximum target by target, for hundreds of marks.
        link: `"identity"`; `"rectified"` or `"softplus"`, under which effects may inhibit. alpha
            then has the prior Normal(0, 1/D), and events have no parents: `attribution` and
            `effect_tests` are refused, as are `stationary`, magnitudes, `alpha_effects`, a lag,
            and `fit` with a hierarchical baseline.
        magnitude: how an event's effects grow with its size s, the panel's `magnitude`:
            `"exponential"` by `exp(kappa[j] s)`, `"power"` by `s^kappa[j]`, with kappa of each
            source learned; None for no dependence. `alpha` is the effect at size 0 (1 for a power),
            and `alpha_mean` the mean over the window's own events.
        alpha_effects: what else effects depend on: a table of features of sequences (index: their
            names; columns of numbers are log-linear, others make groups against the first level),
            or `Covariates` at the time of the triggering event. `alpha[i, j]` becomes `alpha[i,
            j] exp(x . alpha_effect[i, j])`; `alpha_group` is its value for each distinct row.
        gamma_effects: whether the decay rates of a sequence's events depend on the features of
            `alpha_effects`, too (of sequences, not pooled): gamma, by the axes of `decay`, times
            `exp(x . gamma_effect)`; `gamma_group` is its value for each distinct row.
        pooled: groups (one column, or `alpha_effects="sequence"`: every sequence) are partially
            pooled, `exp(alpha_spread[i, j] alpha_offset[i, j, g])`, offsets standard normal
            (non-centred; for `sample`).
        lag: time from an event to the start of its effect, `phi(t - lag)`, in the panel's unit;
            `"learned"` for the one that `fit` finds best.
        form: how decayed counts are computed: `"auto"`, or by name `"scan"`, `"lanes"`,
            `"registers"` (lanes, as one kernel of a GPU), `"pairs"`, `"blocks"` (one decay for all
            pairs). All give the same numbers.

    Raises:
        ValueError: for an unknown name, a gamma that is not positive, a lag below 0, a table of
            sequences with missing values, repeated names or only constant features, and settings
            that contradict each other.

    Source: Hawkes (1971), Biometrika 58, 83-90; likelihood: Ogata (1978), Ann. Inst. Stat. Math.
    30, 243-261; magnitudes: Ogata (1988), JASA 83, 9-27; approximation: Schoenberg (2013), Ann.
    Inst. Stat. Math. 65, 1-8; links: Bremaud and Massoulie (1996), Ann. Probab. 24, 1563-1588, and
    Bonnet, Martinez Herrera and Sangnier (2021), Stat. Probab. Lett. 179, 109214.
    """

    name = "hawkes"

    simulate = simulate
    forecast = forecast
    residuals = residuals
    evaluate = evaluate
    predictive_check = predictive_check
    replicated = replicated
    attribution = attribution

    def remarks(self, draws: Params, data: EventPanel) -> list[str]:
        """Whether alpha is at or above criticality: `hawkesjax.hawkes.remarks`."""
        return remarks(self, draws, data)

    def settled(self, data: EventPanel, dtype: Any = None) -> tuple[HawkesLaw, str, int]:
        """With a learned lag, the model with the best one: `hawkesjax.hawkes.lags`."""
        return learned_lag(self, data, dtype) if self.lag == LEARNED else (self, "", 0)

    def detected(self, estimate: HawkesEstimate) -> dict[str, Any]:
        """Of effects, whether their test (`effect_tests`) calls them one at 5 %, each by itself."""
        found = super().detected(estimate)
        own = {name for name, _ in (*self.fixed, *self.tied)}
        if self.link == "identity" and "alpha" not in own:
            tested = effect_tests(estimate, estimate.data)["p"].iloc[1:].to_numpy()
            found["alpha"] = tested.reshape(np.shape(estimate.params["alpha"])) < 0.05
        return found

    def marginal(self) -> HawkesLaw:
        """The model whose likelihood `fit` maximises: `hawkesjax.hawkes.marginal`."""
        return integrated(self)

    def reading(self, values: Any, data: EventPanel) -> Reading:
        """How a fit is to be read: `hawkesjax.hawkes.reading`."""
        return reading(self, values, data)

    def figures(self, values: Any, data: EventPanel) -> dict[str, Any]:
        """Every figure of a fit, by name: `hawkesjax.hawkes.plots.figures`."""
        return plots.figures(self, values, data)
