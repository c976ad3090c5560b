"""Draws of the parameters, and of the users' own baselines where these were integrated out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Float

from hawkesjax.core.draws import draws_of as core_draws
from hawkesjax.core.tables import QUANTILES, statistics
from hawkesjax.inputs.arrays import HostArray
from hawkesjax.katz.blocks import Block
from hawkesjax.katz.counts import target_bins
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.likelihood import node_terms
from hawkesjax.katz.prepared import PreparedActivity, grouping_of, prepare
from hawkesjax.katz.remembered import OWN, Remembered
from hawkesjax.katz.rules import Form, Link, Settings

EDGES = (QUANTILES[0], QUANTILES[2])
CHUNK = 20_000_000  # numbers held at once: 160 MB


def draws_of(values: Any, limit: int | None = None) -> dict[str, np.ndarray]:
    """alpha and what the baselines follow from, with a leading axis of draws (one for a dict or an
    estimate), at most `limit` of them, evenly spaced over all chains; none may be missing."""
    draws = {n: np.asarray(v, np.float64) for n, v in core_draws(values, limit).items()}
    draws.pop("alpha_star", None)
    kinds = ({"b"}, {"shape", "mean"}, set(OWN))
    if "alpha" not in draws or not any(kind <= set(draws) for kind in kinds):
        raise ValueError(
            "Parameters are missing: alpha, and floor, weight and half_life (a model with "
            "baseline='recent'), or b or shape and mean, are needed."
        )
    return draws


def one_of(draws: Mapping[str, np.ndarray], number: int) -> dict[str, HostArray]:
    """One of the draws; what has one draw serves for all."""
    return {name: value[number if len(value) > 1 else 0] for name, value in draws.items()}


@partial(jax.jit, static_argnames=("link", "form"))
def _nodes(params: Any, data: PreparedActivity, block: Block, link: Link, form: Form):
    """log b at each class's nodes, and each group's posterior weights there."""
    log_b, logs = node_terms(link, form, params, data, block)
    return log_b, jax.nn.softmax(logs, axis=1)


def draw_baselines(
    settings: Settings, params: Mapping[str, Any], data: Activity, rng: np.random.Generator
) -> Float[np.ndarray, " users"]:
    """One draw of all baselines from their posterior given the other parameters.

    Independent across users given alpha, shape and mean (`params`, one draw); the distribution
    function of log b is taken as linear between the nodes of the grid. Free ones are parameters
    themselves, and those weighted by recency are known: they are as of the end of the fit.
    """
    if "b" in params:
        return np.asarray(params["b"])
    if settings.baseline == "recent":
        return Remembered.at(params, settings, data, target_bins(data)[1]).rates
    prepared, groups = prepare(data, settings), grouping_of(data, settings)
    params = {name: jnp.asarray(params[name]) for name in ("alpha", "shape", "mean")}
    out, done = np.empty(data.num_users), 0
    for block in prepared.blocks:
        size = len(block.group_users)
        users = np.flatnonzero((groups.kind >= done) & (groups.kind < done + size))
        group = groups.kind[users] - done
        done += size
        log_b, weights = (
            np.asarray(part, np.float64)
            for part in _nodes(params, prepared, block, settings.link_rule, settings.form_rule)
        )
        below = np.cumsum(weights, axis=1)
        below /= below[:, -1:]
        place, inside = _find(below, group, rng.random(len(users)))
        nodes = log_b[np.asarray(block.group_class)[group]]
        rows = np.arange(len(users))
        later = np.minimum(place + 1, nodes.shape[1] - 1)
        step = np.maximum(nodes[rows, later] - nodes[rows, place], 0)
        earlier = nodes[rows, place] - nodes[rows, np.maximum(place - 1, 0)]
        # A node stands for half the way to either neighbour.
        shift = inside - 0.5
        out[users] = np.exp(nodes[rows, place] + shift * np.where(shift > 0, step, earlier))
    quiet = np.flatnonzero(groups.kind >= done)
    rate = _quiet_rates(params, prepared)[groups.kind[quiet] - done]
    out[quiet] = rng.gamma(float(params["shape"]), 1 / rate)
    return out


def _find(below: np.ndarray, group: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The node that each uniform number falls on, and where within its weight."""
    size = below.shape[1]
    flat = (below + np.arange(len(below))[:, None]).ravel()
    place = np.searchsorted(flat, group + u, side="left") - group * size
    place = np.clip(place, 0, size - 1)
    before = np.where(place > 0, below[group, np.maximum(place - 1, 0)], 0)
    weight = below[group, place] - before
    return place, np.clip((u - before) / np.where(weight > 0, weight, 1), 0, 1)


def _quiet_rates(params: Mapping[str, Any], prepared: PreparedActivity) -> np.ndarray:
    """Rate of the gamma posterior of each quiet kind."""
    heard = float(params["alpha"]) * np.asarray(prepared.quiet_heard, np.float64)
    return float(params["shape"]) / float(params["mean"]) + float(prepared.exposure) + heard


def user_baselines(
    settings: Settings, draws: Mapping[str, np.ndarray], data: Activity
) -> Float[np.ndarray, "users statistics"]:
    """Posterior mean and 2.5 and 97.5 % quantiles of every user's baseline.

    Exact given the draws: each draw's posterior on the grid is pooled, no user is sampled.
    Arguments as `draw_baselines`, with one number per draw.
    """
    if "b" in draws or settings.baseline == "recent":
        rng = np.random.default_rng(0)  # nothing is left to chance
        each = [
            draw_baselines(settings, one_of(draws, number), data, rng)
            for number in range(max(map(len, draws.values())))
        ]
        return np.column_stack([*statistics(np.stack(each), median=False).values()])
    prepared, groups = prepare(data, settings), grouping_of(data, settings)
    parts = [
        table for block in prepared.blocks for table in _pooled(settings, draws, prepared, block)
    ]
    levels = (np.arange(64) + 0.5) / 64  # a draw's gamma distribution by 64 equally likely values
    quiet, means = [], []
    for number in range(len(draws["alpha"])):
        one = one_of(draws, number)
        rates = _quiet_rates(one, prepared)
        quiet.append(scipy.stats.gamma.ppf(levels, one["shape"])[None, :] / rates[:, None])
        means.append(one["shape"] / rates)
    pooled = np.stack(quiet, axis=1).reshape(len(prepared.quiet_heard), -1)
    edges = np.quantile(pooled, EDGES, axis=1)
    parts.append(np.column_stack([np.mean(means, axis=0), edges.T]))
    return np.concatenate(parts)[groups.kind]


def _pooled(settings, draws, prepared, block) -> Iterator[np.ndarray]:
    """Statistics of a block's groups, some groups at a time."""
    count = len(draws["alpha"])
    points = [jax.tree.map(jnp.asarray, one_of(draws, number)) for number in range(count)]
    laws = (settings.link_rule, settings.form_rule)
    grids = [_nodes(point, prepared, block, *laws) for point in points]
    log_b = np.stack([np.asarray(nodes, np.float64) for nodes, _ in grids], axis=1)
    size, owner = len(block.group_users), np.asarray(block.group_class)
    step = max(1, CHUNK // (count * block.nodes))
    for begin in range(0, size, step):
        part = slice(begin, begin + step)
        weights = np.stack([np.asarray(w[part], np.float64) for _, w in grids], axis=1) / count
        nodes = log_b[owner[part]].reshape(len(weights), -1)
        weights = weights.reshape(len(weights), -1)
        mean = np.sum(np.exp(nodes) * weights, axis=1)
        order = np.argsort(nodes, axis=1)
        nodes, weights = (np.take_along_axis(x, order, 1) for x in (nodes, weights))
        below = np.cumsum(weights, axis=1) - 0.5 * weights
        edges = [
            [np.exp(np.interp(level, below[g], nodes[g])) for level in EDGES]
            for g in range(len(nodes))
        ]
        yield np.column_stack([mean, np.asarray(edges).reshape(len(nodes), 2)])
