"""Simulation by thinning, for rates that are not sums of effects and so have no clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.clusters import refuse_explosion
from hawkesjax.hawkes.intensity import by_pair
from hawkesjax.hawkes.links import Link, rate
from hawkesjax.hawkes.prepared import EXPOSED


@dataclass(frozen=True, eq=False)
class Paths:
    """Initial state of paths that run side by side: B paths, D marks, K terms of the kernel.

    Args:
        link: link of the rates.
        edges: (B, C + 1) where the cells of each path's baseline begin and end, since its start.
        mu: (B, C, D) the baseline in each cell.
        alpha: (B, D, D) effects, row = target.
        rates: (B, K, D, D) decays.
        weights: (B, K) shares of the kernel's terms.
        state: (B, K, D, D) the events before the start, of each source, decayed to it.
    """

    link: Link
    edges: Float[np.ndarray, "paths edges"]
    mu: Float[np.ndarray, "paths cells marks"]
    alpha: Float[np.ndarray, "paths marks marks"]
    rates: Float[np.ndarray, "paths terms marks marks"]
    weights: Float[np.ndarray, "paths terms"]
    state: Float[np.ndarray, "paths terms marks marks"]


def thinned(
    paths: Paths, rng: np.random.Generator, *, max_events: int | None = None
) -> tuple[Float[np.ndarray, " events"], Int[np.ndarray, " events"], Int[np.ndarray, " events"]]:
    r"""Draw the events of all paths, exactly.

    Between events excitation only decays: until the baseline changes, the rates are at most
    :math:`g(\mu_i + \sum_j \max(\alpha_{ij}, 0) \gamma_{ij} S_{ij})`. A candidate comes at the sum
    of these bounds, and is kept with probability rate over bound. All paths take steps together.

    Args:
        paths: their initial states, and how long they run.
        rng: source of randomness.
        max_events: cap on the events of all paths together.

    Returns:
        Times since the start of each event's path, marks, paths; sorted by path and time.

    Raises:
        ValueError: as `simulate_clusters`, with the positive parts of the effects for alpha.

    Source: Ogata (1981), IEEE Trans. Inf. Theory 27, 23-31; Lewis and Shedler (1979).
    """
    exciting = np.maximum(paths.alpha, 0) * np.sum(paths.weights, axis=1)[:, None, None]
    if max_events is None:
        expected = np.sum(paths.mu * np.diff(paths.edges)[..., None], axis=1)
        most = np.max(exciting, axis=0, initial=0)
        fastest = np.max(paths.rates, axis=(0, 1), initial=1e-300)
        refuse_explosion(expected.sum(axis=0), most, fastest, paths.edges[:, -1])
    size = paths.alpha.shape[-1]
    weight = paths.alpha[:, None] * paths.rates * paths.weights[:, :, None, None]
    who = np.flatnonzero(paths.edges[:, -1] > 0)
    now, cell = np.zeros(len(who)), np.zeros(len(who), int)
    state = paths.state[who]
    kept: list[tuple[np.ndarray, ...]] = []
    total = 0
    while len(who):
        mu = paths.mu[who, cell]
        bound = rate(
            paths.link, mu + np.sum(np.maximum(weight[who], 0) * state, axis=(1, 3)), mu, host=True
        )
        whole = bound.sum(axis=1)
        with np.errstate(divide="ignore"):
            wait = rng.standard_exponential(len(who)) / whole
        edge = paths.edges[who, cell + 1]
        passes = now + wait >= edge
        step = np.where(passes, edge - now, wait)
        now = np.where(passes, edge, now + wait)
        state = state * np.exp(-paths.rates[who] * step[:, None, None, None])
        inner = mu + np.sum(weight[who] * state, axis=(1, 3))
        rates = rate(paths.link, inner, mu, host=True)
        sums = np.cumsum(rates, axis=1)
        chance = rng.random(len(who)) * whole
        born = ~passes & (chance < sums[:, -1])
        mark = np.minimum(np.sum(chance[:, None] >= sums, axis=1), size - 1)
        rows = np.flatnonzero(born)
        kept.append((now[rows], mark[rows].astype(np.int32), who[rows].astype(np.int32)))
        total += len(rows)
        if max_events is not None and total > max_events:
            raise ValueError(
                f"More than max_events = {max_events} events: raise max_events, shorten the window "
                f"or reduce mu or alpha. Nothing was returned: a truncated panel would be biased."
            )
        state[rows, :, :, mark[rows]] += 1
        cell = cell + passes
        going = cell < paths.mu.shape[1]
        if not going.all():
            who, now, cell, state = who[going], now[going], cell[going], state[going]
    if not kept:
        return np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int32)
    times, marks, owners = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = np.lexsort((times, owners))
    return times[order], marks[order], owners[order]


def paths_of(
    model: Any,
    draws: list[dict[str, Any]],
    panel: Any,
    past: tuple[Any, Any, Any],
    start: np.ndarray,
    duration: np.ndarray,
) -> Paths:
    """A path for each draw of the parameters and each sequence of a panel, draws first.

    Args:
        model: the model.
        draws: natural parameters, mu among them.
        panel: gives the sequences, marks and clock of the paths.
        past: age at the start, mark and sequence of each event before it.
        start: (M,) absolute time at which the paths of each sequence begin.
        duration: (M,) how long they run.
    """
    if len(panel.exposure):
        raise ValueError(EXPOSED)
    num, size, known = panel.num_sequences, panel.num_marks, model.background.covariates
    edges = np.stack([np.zeros(num), duration], axis=1)
    features = None
    if known is not None:
        known = known.aligned(panel)
        if np.any(duration > 0):
            stop = (start + duration)[duration > 0]
            known.require(float(start[duration > 0].min()), float(stop.max()))
        inner = np.unique(known.edges)
        first = np.searchsorted(inner, start, side="right")
        last = np.searchsorted(inner, start + duration, side="left")
        # Cells of zero length at the end give all sequences the same number.
        cells = np.maximum(last - first, 0)
        places = first[:, None] + np.arange(cells.max(initial=0))
        here = inner[np.minimum(places, len(inner) - 1)] - start[:, None]
        here = np.where(places < last[:, None], np.minimum(here, duration[:, None]), edges[:, 1:])
        edges = np.concatenate([edges[:, :1], here, edges[:, 1:]], axis=1)
        middle = start[:, None] + (edges[:, 1:] + edges[:, :-1]) / 2
        features = known.at(np.clip(middle, known.edges[0], known.edges[-1]).ravel())
        features = features.reshape(num, -1, features.shape[-1])
    age, marks, owner = past
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("mu", "alpha", "rates", "weights", "state")
    }
    for one in draws:
        alpha = np.asarray(one["alpha"], np.float64)
        gamma = by_pair(np.asarray(one["gamma"], np.float64)[None], size)[0]
        rates = gamma * np.asarray(model.kernel.ratios)[:, None, None]
        shares = np.asarray(model.kernel.weights(one), np.float64)
        level = np.broadcast_to(np.asarray(one.get("mu", 1.0), np.float64), (num, size))[:, None]
        if features is not None:
            level = level * np.exp(features @ np.asarray(one["beta"], np.float64).T)
        state = np.zeros((num, len(rates), size, size))
        if len(age):
            decayed = np.exp(
                -np.moveaxis(rates[:, :, marks], 2, 0) * np.asarray(age)[:, None, None]
            )
            np.add.at(state, (owner, slice(None), slice(None), marks), decayed)
        for name, value in (
            ("mu", level),
            ("alpha", np.broadcast_to(alpha, (num, size, size))),
            ("rates", np.broadcast_to(rates, state.shape)),
            ("weights", np.broadcast_to(shares, (num, len(shares)))),
            ("state", state),
        ):
            parts[name].append(value)
    joined = {name: np.concatenate(part) for name, part in parts.items()}
    return Paths(link=model.link, edges=np.tile(edges, (len(draws), 1)), **joined)
