"""Bayes factors of each effect against none, from the draws of one posterior."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from hawkesjax.core.priors import resolve

# Range over which the density at 0 is estimated, in standard deviations of the draws. From 4,000
# draws of an exponential distribution with density 10 at 0: 9.9 with a standard error of 0.4 (with
# 0.25: 10.0 and 0.6; with 1: 9.5 and 0.25); of a gamma distribution of shape 2, whose density at 0
# is 0: 1.1, where its peak is 7.4 (0.3 and 3.0).
WIDTH = 0.5
LEAST = 3.0  # draws in this range: with fewer only a bound is given
WORDS = ((20.0, "strong evidence of an effect"), (3.0, "evidence of an effect"))


def bayes_factors(posterior: Any) -> pd.DataFrame:
    r"""How much better the data are explained with each effect than without, all else learned.

    By the Savage-Dickey ratio the Bayes factor of :math:`\alpha_{ij}` learned against
    :math:`\alpha_{ij} = 0` is :math:`p(\alpha_{ij} = 0) / p(\alpha_{ij} = 0 | data)`, the
    prior density at 0 over the posterior density. It depends on the prior of alpha, and a wider
    prior favours no effect: choose the prior deliberately. The posterior density is a local linear
    estimate at the end of the support, over half a standard deviation of the draws; where too few
    draws lie there, the factor is a lower bound.

    Args:
        posterior: what `sample` returned.

    Returns:
        One row per effect: the factor, its natural logarithm, whether it is a bound, the
        probability of an effect if both are equally likely a priori, and a sentence.

    Raises:
        ValueError: for a model in which an entry of alpha has no prior density of its own
            (`stationary=True`), with fixed or tied entries, or a prior density of 0 or infinity
            at 0 (`Horseshoe`).

    Source: Dickey (1971), Ann. Math. Stat. 42, 204-223; the wording: Kass and Raftery (1995), JASA
    90, 773-795; the density: Jones (1993), Stat. Comput. 3, 135-146, equation 2.4, uniform kernel.
    """
    model = posterior.model
    if model.stationary or {name for name, _ in (*model.fixed, *model.tied)} & {"alpha"}:
        raise ValueError(
            "Bayes factors need a prior of each effect by itself: alpha must be free, not tied, "
            "fixed or restricted to stationarity."
        )
    if model.horseshoe is not None:
        raise ValueError("The density of a Horseshoe is infinite at 0: no factor is defined.")
    alpha = posterior.posterior["alpha"].transpose("chain", "draw", "target", "source")
    draws = alpha.values.reshape(-1, *alpha.shape[2:])
    at, beside = (_log_prior(model, draws.shape[1:], value) for value in (1e-9, 1e-7))
    prior = np.exp(at)
    if not np.all(np.abs(at - beside) < np.log(2)):
        raise ValueError("The prior of alpha has no positive density at 0: no factor is defined.")
    names, rows = alpha.coords["target"].values, []
    for i, target in enumerate(names):
        for j, source in enumerate(alpha.coords["source"].values):
            density, bound = _density(draws[:, i, j])
            factor = float(prior[i, j] / density)
            rows.append((f"{source} -> {target}", factor, bound))
    table = pd.DataFrame(rows, columns=["effect", "factor", "bound"]).set_index("effect")
    table.insert(1, "log", np.log(table["factor"]))
    table["probability"] = table["factor"] / (1 + table["factor"])
    table["in words"] = [_words(factor) for factor in table["factor"]]
    return table


def _log_prior(model: Any, shape: tuple[int, int], value: float) -> np.ndarray:
    """log density of the prior of each entry at a value."""
    given = {} if isinstance(model.priors, str) else dict(model.priors)
    (row,) = (one for one in model.parameters if one.name == "alpha")
    rates = SimpleNamespace(rates=jnp.ones(shape[0]))  # no named prior of alpha depends on these
    prior = given.get("alpha", row.prior)
    prior = prior(rates) if callable(prior) and not hasattr(prior, "log_prob") else prior
    found = resolve({"alpha": prior}, {"alpha": shape})["alpha"]
    return np.broadcast_to(np.asarray(found.log_prob(jnp.full(shape, value)), np.float64), shape)


def _density(draws: np.ndarray) -> tuple[float, bool]:
    """The density of the draws at 0, and whether it is only an upper bound."""
    width = WIDTH * float(np.std(draws))
    near = np.abs(draws) / width
    inside = near[near < 1]
    sides = 2 if np.any(draws < 0) else 1
    least = LEAST / (sides * width * len(draws))
    if len(inside) < LEAST:
        return least, True
    weights = np.ones_like(inside) if sides == 2 else 4 - 6 * inside
    found = float(np.sum(weights)) / (sides * width * len(draws))
    return (found, False) if found > least else (least, True)


def _words(factor: float) -> str:
    for least, words in WORDS:
        if factor > least:
            return words
        if 1 / factor > least:
            return words.replace("of an effect", "of no effect")
    return "inconclusive"
