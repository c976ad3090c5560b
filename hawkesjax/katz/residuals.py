"""Residuals of the Katz spike model: binary events, so quantiles of counts."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy
from scipy import special

from hawkesjax.core.random import generator
from hawkesjax.inputs.arguments import Key, checked
from hawkesjax.katz.counts import counts_of, factor_of, senders_of, target_bins, volume_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.heard import heard_everywhere
from hawkesjax.katz.law import KatzLaw
from hawkesjax.katz.remembered import own_rates
from hawkesjax.katz.users import draws_of, user_baselines

DRAWS = 50  # of a posterior: their mean lies within 0.14 of its sd, as a rule


@checked
def residuals(
    model: KatzLaw,
    values: Any,
    data: Activity,
    *,
    by: Literal["bin", "user"] = "bin",
    key: Key | None = None,
) -> pd.DataFrame:
    r"""Quantile residuals, standard normal under the truth.

    A user and bin is 0 or 1 with a probability of a thousandth: a Pearson residual of it says
    nothing, and rescaled time needs rates that are small for their bins. Counts do have a
    distribution: with F that of a count n under the model, the residual is
    :math:`\Phi^{-1}(F(n - 1) + u\,(F(n) - F(n - 1)))`, u uniform where a key is given, which makes
    it exactly standard normal under the truth, else 1/2, which makes it repeatable and a little
    too narrow where counts are small.

    - By bin: active users of a bin, given who was active before. A sum of independent 0/1
      variables, taken as the binomial distribution with their mean and variance. Shows what
      changes in time.
    - By user: events of a user over all bins, its baseline integrated over the gamma distribution
      and given what it heard, binomial (Poisson for that link). Shows whether users differ as a
      gamma distribution says.

    Args:
        model: the model.
        values: a `Posterior` (its mean is taken), an `Estimate`, or a dict of natural parameters.
        data: the data.
        by: `"bin"` or `"user"`; the latter needs baselines that are integrated out.
        key: PRNG key of u; None for 1/2.

    Returns:
        One row per bin or user: `observed`, `expected`, `residual`.

    Source: Dunn and Smyth (1996), J. Comput. Graph. Stat. 5, 236-244; binomial approximation: Ehm
    (1991), Stat. Probab. Lett. 11, 7-16.
    """
    draws = draws_of(values, limit=DRAWS)
    point = {name: value.mean(axis=0) for name, value in draws.items()}
    if by not in ("bin", "user"):
        raise ValueError(f'by is {by!r}; it must be "bin" or "user".')
    if by == "user" and model.baseline != "integrated":
        raise ValueError(
            f"Residuals by user need baseline='integrated': {model.baseline} baselines follow each "
            f"user's count."
        )
    of_counts = _by_bin(model, draws, point, data) if by == "bin" else _by_user(model, point, data)
    index, observed, expected, below, at = of_counts
    u = 0.5 if key is None else generator(key).random(len(observed))
    return pd.DataFrame(
        {
            "observed": observed.astype(np.int64),
            "expected": expected,
            "residual": scipy.stats.norm.ppf(np.clip(below + u * (at - below), 1e-16, 1 - 1e-16)),
        },
        index=index,
    )


def _by_bin(model, draws, point, data):
    first, last = target_bins(data)
    link, form = model.link_rule, model.form_rule
    posts = link.posts
    factor = factor_of(data, model.common_factor, posts=posts)
    senders = senders_of(data, posts=posts, memory=model.memory)
    user, bin, heard = heard_everywhere(data.matrix, senders, first - 1, last - 1)
    place = bin + 1 - first
    alpha = float(point["alpha"])
    if model.baseline == "recent":
        quiet, own = _moving(model, point, data, factor, user, place)
    else:
        b = user_baselines(model, draws, data)[:, 0]
        levels, level = np.unique(factor, return_inverse=True)
        silent = [link.mean(g * b) for g in levels]
        quiet, own = np.array([_sums(p) for p in silent])[level], factor[place] * b[user]
    loud, still = link.mean(form.rate(own, alpha, heard)), link.mean(own)
    size = last - first
    mean = quiet[:, 0] + np.bincount(place, weights=loud - still, minlength=size)
    square = quiet[:, 1] + np.bincount(place, weights=loud**2 - still**2, minlength=size)
    observed = volume_of(data, posts=posts)
    if posts:
        below, at = (
            scipy.stats.poisson.cdf(observed - 1, mean),
            scipy.stats.poisson.cdf(observed, mean),
        )
    else:
        share = np.where(mean > 0, square / np.where(mean > 0, mean, 1), 0)
        below, at = (_binomial(observed + step, mean, share) for step in (-1, 0))
    return pd.RangeIndex(first, last, name="bin"), observed, mean, below, at


def _moving(model, point, data, factor, user, place):
    """Of baselines that move: the sums of each bin, and the rates at given users and bins."""
    first, last = target_bins(data)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(last - first + 1))
    quiet, own = np.empty((last - first, 2)), np.empty(len(user))
    for k, rates in enumerate(own_rates(model, point, data, first, last)):
        quiet[k] = _sums(model.link_rule.mean(factor[k] * rates))
        here = order[ends[k] : ends[k + 1]]
        own[here] = factor[k] * rates[user[here]]
    return quiet, own


def _sums(p):
    return np.sum(p), np.sum(p**2)


def _binomial(count, mean, share):
    """Distribution function of a binomial variable of given mean and p, n not a whole number."""
    trials = np.where(share > 0, mean / np.where(share > 0, share, 1), np.inf)
    small = share < 1e-9
    inside = (count >= 0) & (count < trials)
    n = np.where(small | ~inside, 1, trials)
    k = np.where(small | ~inside, 0, count)
    value = special.betainc(np.maximum(n - k, 1e-12), k + 1, 1 - np.where(small, 0.5, share))
    value = np.where(small, scipy.stats.poisson.cdf(count, mean), value)
    return np.where(count < 0, 0.0, np.where(small | inside, value, 1.0))


def _by_user(model, point, data):
    counts = counts_of(data, model)
    observed = counts.events_by_user
    shape, mean, alpha = (float(point[name]) for name in ("shape", "mean", "alpha"))
    # Nodes of the gamma distribution: its quantiles, finer towards both ends.
    edges = np.concatenate([[0], special.expit(np.linspace(-12, 12, 199)), [1]])
    nodes = scipy.stats.gamma.ppf(0.5 * (edges[1:] + edges[:-1]), shape, scale=mean / shape)
    weights = np.diff(edges)
    kinds, place = np.unique(
        np.column_stack([observed, counts.heard_in_all]), axis=0, return_inverse=True
    )
    count, heard = kinds[:, :1], kinds[:, 1:]
    rate = nodes * counts.exposure + model.form_rule.set_off(alpha, heard, nodes)
    if model.link_rule.posts:
        expected = rate
        below, at = scipy.stats.poisson.cdf(count - 1, rate), scipy.stats.poisson.cdf(count, rate)
    else:
        p = model.link_rule.mean(rate / counts.num_bins)
        expected = p * counts.num_bins
        below, at = (scipy.stats.binom.cdf(count + s, counts.num_bins, p) for s in (-1, 0))
    means = (np.sum(weights * part, axis=1)[place.ravel()] for part in (expected, below, at))
    return pd.Index(list(data.user_names), name="user"), observed, *means
