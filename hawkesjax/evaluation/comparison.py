"""Which model predicts better: leave-one-out comparison in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.core.diagnostics import arviz
from hawkesjax.core.posterior import Posterior

SMALL = 4.0  # nats below which a difference says little (Sivula et al. 2020)
HIGH_K = 0.7  # of Pareto: above it the estimate is unreliable (Vehtari et al. 2017)


def compare(posteriors: Mapping[str, Posterior]) -> pd.DataFrame:
    r"""Rank models of the same events by their expected log predictive density (PSIS-LOO).

    One line per model, best first: `elpd` and its standard error, the effective number of
    parameters, the difference from the best and the standard error of that difference (over the
    same terms, so that what the models share cancels), how many terms have a Pareto k above 0.7
    (their leave-one-out density is unreliable), and a sentence.

    The terms are those of the kept pointwise log-likelihood: by event, the density of the next
    event given all before it; by sequence, the density of a whole sequence, the right choice
    when the question is about new sequences.

    Args:
        posteriors: at least two, by name, each sampled on the same panel.

    Raises:
        ValueError: for fewer than two, a posterior without pointwise terms, or terms or events
            that are not the same.

    Source: Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432; what a
    small difference is: Sivula, Magnusson, Matamoros and Vehtari (2020), arXiv 2008.10296.
    """
    if len(posteriors) < 2:
        raise ValueError("compare needs at least two posteriors, by name.")
    _check_same(posteriors)
    rows, terms = {}, {}
    for name, posterior in posteriors.items():
        loo = arviz().loo(posterior.to_arviz(), pointwise=True)
        old = hasattr(loo, "loo_i")
        pointwise = np.asarray(loo.loo_i if old else loo.elpd_i).ravel()
        terms[name] = pointwise
        rows[name] = {
            "elpd": pointwise.sum(),
            "se": np.sqrt(len(pointwise) * pointwise.var()),
            "effective parameters": float(loo.p_loo if old else loo.p),
            "high k": int(np.sum(np.asarray(loo.pareto_k) > HIGH_K)),
        }
    order = sorted(rows, key=lambda name: -rows[name]["elpd"])
    best = order[0]
    table = []
    for name in order:
        apart = terms[name] - terms[best]
        difference = float(apart.sum())
        error = float(np.sqrt(len(apart) * apart.var()))
        words = "best" if name == best else _words(difference, error, best)
        if rows[name]["high k"]:
            words += f"; {rows[name]['high k']} of {len(apart)} terms are unreliable"
        table.append(
            {**rows[name], "difference": difference, "se of difference": error, "in words": words}
        )
    return pd.DataFrame(table, index=pd.Index(order, name="model"))


def _words(difference: float, error: float, best: str) -> str:
    gap = f"{-difference:.1f} nats (standard error {error:.1f}) behind {best}"
    if -difference < SMALL:
        return f"as good as {best} for all that the data say"
    if -difference < 2 * error:
        return f"{gap}: perhaps worse"
    return f"{gap}: {'clearly' if -difference > 4 * error else 'probably'} worse"


def _check_same(posteriors: Mapping[str, Posterior]) -> None:
    first, *others = posteriors
    for name, posterior in posteriors.items():
        if posterior.log_likelihood is None:
            raise ValueError(
                f"{name!r} has no pointwise log-likelihood: "
                f"use posterior.with_log_likelihood(panel)."
            )
    reference = posteriors[first]
    for name in others:
        other = posteriors[name]
        if not other.observed_data.equals(reference.observed_data):
            raise ValueError(f"{name!r} and {first!r} were sampled on different events.")
        if not other.constant_data.equals(reference.constant_data):
            raise ValueError(f"{name!r} and {first!r} were sampled on different windows.")
        shapes = [_terms(reference), _terms(other)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"The pointwise terms of {first!r} and {name!r} differ ({shapes[0]}, {shapes[1]}): "
                f"give both the same with with_log_likelihood(panel, by=...)."
            )


def _terms(posterior: Posterior) -> dict[Any, int]:
    """Sizes of the axes of the pointwise terms."""
    kept: Any = posterior.log_likelihood
    return {dim: size for dim, size in kept.sizes.items() if dim not in ("chain", "draw")}
