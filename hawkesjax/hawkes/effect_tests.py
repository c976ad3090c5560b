"""Is there any effect, and whose? Score tests of each effect against none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.scores import Scores
from hawkesjax.hawkes.values import law_of, point_of
from hawkesjax.inputs.arguments import Level, checked

EFFECT = "an effect"
DRAWS = 20_000  # from the null distribution: p-values to 0.0015 (one standard error) at 5 %
LEAST_P = 1 / (1 + DRAWS)


@checked
def effect_tests(
    values: Any, data: EventPanel, *, model: HawkesLaw | None = None, level: Level = 0.95
) -> pd.DataFrame:
    r"""Test each effect against none, and all of them together.

    Without the effect of j on i its decay rate is not identified, so the usual asymptotics of
    likelihood ratios do not hold. The test statistic is the largest score over a grid of decay
    rates g. With :math:`\lambda` the rate fitted without the effect (other decays as given, levels
    and other effects at their best), and R the decayed counts,

    .. math:: z_g = \frac{1}{\sqrt{V_g}} \Big( \sum_{n:\, m_n = i} \frac{g R_{nj}(g)}{\lambda_n}
              - K_j(g) \Big), \qquad T = \max_g z_g^+

    where K are the children that the events of j have within the windows per unit of effect, and V
    is the sum of squares of the score's terms, less the part explained by the levels and the other
    effects. Under no effect the z are jointly normal with the correlations of these terms, from
    which the p-value of T is simulated; effects are positive, so the test is one-sided. The row
    `any -> any` tests the largest statistic of all effects, against rates that are constant or
    follow the covariates alone.

    Of a mark on itself two things differ. A level is fitted to events that are no sources of
    themselves, so K is too large by :math:`K_i / N_i` for each level, on average: this is taken
    off. And its V grows with its score, as both are sums over the same clusters; so z is the signed
    root of twice the gain in log-likelihood at g, which has the same limit and is closer to normal.

    Where effects grow with sizes or differ by group, the effect that is tested does not: without
    it these factors mean nothing. A given `lag` it has.

    Targets with events where the exposure is 0 have no level there: a single event that the other
    effects hardly explain makes V so large that the scores have no power. Their T is at least
    :math:`\sqrt{2\, gain}`, which has the same limiting distribution; the gain is infinite where
    nothing else explains an event.

    Args:
        values: an `Estimate`, a `Posterior` (its mean is taken), or natural parameters.
        data: the events.
        model: the model; required with a dict of parameters of anything but a plain `Hawkes()`.
        level: 1 minus the size of the tests: an effect is reported where p, after Holm's correction
            for the number of effects, is below `1 - level`.

    Returns:
        One row per source and target, and one for `any`: alpha; gain, the log-likelihood in nats
        that is lost without the effect (without all of them); p; `p adjusted` (Holm); and a
        sentence.

    Raises:
        ValueError: for effects that are tied or fixed, or data of another model.

    Source: Davies (1977), Biometrika 64, 247-254, for parameters that exist only under the
    alternative; Holm (1979), Scand. J. Stat. 6, 65-70. The grid and the simulation are ours.
    """
    law = law_of(values, model)
    law.check(data)
    if law.link != "identity":
        raise ValueError(
            "effect_tests are one-sided, for effects of 0 or more (link='identity'): where effects "
            "may inhibit, check whether the intervals of alpha contain 0."
        )
    if {name for name, _ in (*law.fixed, *law.tied)} & {"alpha"}:
        raise ValueError(
            "The model's alpha has fixed or tied entries: effects are tested in a model in which "
            "all are learned."
        )
    if data.resolution:
        data, _ = spread(data, data.resolution)
    params = dict(point_of(values, law, data))
    if law.gamma is not None:
        params.pop("gamma")
    parts = Scores.of(law, params, data)
    rng = np.random.default_rng(0)
    names = list(data.mark_names)
    rows, tests = [], {}
    top, below = 0.0, 1.0  # of all effects together
    lost = 0.0
    for i, target in enumerate(names):
        terms = [parts.scores(i, j, None) for j in range(len(names))]
        joint = np.concatenate([unit for _, unit in terms], axis=1)
        tests[i] = joint
        top = max(top, *(float(z.max(initial=0)) for z, _ in terms))
        lost += parts.loss(i, None) - parts.loss(i, ())
        for j, source in enumerate(names):
            z, unit = parts.scores(i, j, j)
            gain = parts.loss(i, (j,)) - parts.loss(i, ())
            statistic = max(float(z.max(initial=0)), 0.0)
            if parts.shut(i):
                statistic = max(statistic, float(np.sqrt(2 * max(gain, 0))))
            rows.append(
                {
                    "source": source,
                    "target": target,
                    "alpha": float(np.asarray(params["alpha"])[i, j]),
                    "gain": gain,
                    "p": _share(_largest(unit, rng) >= statistic) if statistic else 1.0,
                }
            )
    for joint in tests.values():
        below *= float(np.mean(_largest(joint, rng) < top)) if top else 0.0
    together = max(1 - below, LEAST_P)
    table = pd.DataFrame(rows)
    table["p adjusted"] = _holm(table["p"].to_numpy())
    any_row = {"source": "any", "target": "any", "alpha": np.nan, "gain": lost, "p": together}
    table = pd.concat([pd.DataFrame([any_row | {"p adjusted": together}]), table])
    table["in words"] = [_words(p, level) for p in table["p adjusted"]]
    return table.set_index(["source", "target"])


def _largest(units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws of the largest of 0 and of normal variables with the correlations of the columns."""
    correlation = units.T @ units
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.maximum((rng.standard_normal((DRAWS, len(values))) @ root.T).max(axis=1), 0)


def _share(over: np.ndarray) -> float:
    """A p-value from draws; the observed statistic counts as one more, so that none is 0."""
    return float((1 + over.sum()) / (1 + len(over)))


def _holm(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p, kind="stable")
    steps = np.minimum(p[order] * np.arange(len(p), 0, -1), 1)
    out = np.empty_like(steps)
    out[order] = np.maximum.accumulate(steps)
    return out


def _words(p: float, level: float) -> str:
    return EFFECT if p < 1 - level else "no clear effect"
