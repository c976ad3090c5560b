"""Scores of effects that are not in the model, over a grid of decay rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.compensator import on_ladder
from hawkesjax.hawkes.concave import Target, maximise
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.known_decays import features
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.prepared import PreparedPanel, stream_of

DECAYS = 8  # candidate decay rates for an effect that is not in the model
# At the fastest, this many children by chance within one memory, over all events: with fewer the
# score is skewed, and too often declares an effect.
LEAST_MET = 10.0
SLOWEST = 3.0  # memories in the longest window


@dataclass(frozen=True)
class Scores:
    """What tests of effects need of a fit; N events, D marks, G decays.

    Args:
        own: (N,) the baseline per unit of level.
        rates, children: of the fitted effects, as `features` gives them: (N, D) or its rows.
        grids: candidate decay rates, by target.
        counts: for each of them, decayed counts (N, D) and children (D,) of each source.
        place: (N,) level of each event.
        exposure: (L, D) coefficient of each level in the compensator.
        marks: (N,).
        found: maxima computed so far.
    """

    own: Float[np.ndarray, " events"]
    rates: Any
    children: Float[np.ndarray, "marks marks"]
    grids: list[np.ndarray]
    counts: dict[float, tuple[np.ndarray, np.ndarray]]
    place: Int[np.ndarray, " events"]
    exposure: Float[np.ndarray, "levels marks"]
    marks: Int[np.ndarray, " events"]
    found: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, law: HawkesLaw, params: Mapping[str, Any], panel: EventPanel) -> Scores:
        data = law.prepare(panel)
        events = panel.num_events
        unit = {**params, "mu": jnp.ones((panel.num_sequences, panel.num_marks), data.dtype)}
        own = np.asarray(law.background.at_events(unit, data), np.float64)
        own = np.ones(events) if own.ndim == 2 else own[:events]
        exposure = np.asarray(law.background.integrals(unit, data), np.float64)
        place = np.asarray(panel.sequence)
        if law.background.levels in ("shared", None):
            exposure, place = exposure.sum(axis=0, keepdims=True), np.zeros(events, int)
        rates, children = features(law, params, data)
        stream, marks = stream_of(panel), np.asarray(panel.marks)
        numbers = np.bincount(marks, minlength=panel.num_marks)
        time, longest = float(panel.observed.sum()), float(panel.duration.max())
        grids = []
        for count in numbers:
            fastest = count * numbers.max() / max(time, 1e-300) / LEAST_MET
            slowest = SLOWEST / max(longest, 1e-300)
            grids.append(np.geomspace(slowest, max(fastest, slowest), DECAYS))
        candidates = [float(rate) for rate in np.unique(np.array(grids))]
        plain = HawkesLaw(decay="shared")
        if data.carried is not None:  # whose children are those of scaled or delayed effects
            plain = HawkesLaw(decay="shared", lag=0.0 if isinstance(law.lag, str) else law.lag)
            data = plain.prepare(panel)
        if data.carried is None:
            padded = on_ladder(stream)
            counts = {rate: _at_rate(rate, stream, padded, data) for rate in candidates}
        else:
            counts = {rate: _delayed(rate, plain, data) for rate in candidates}
        return cls(own, rates, children, grids, counts, place, exposure, marks)

    def _best(self, i: int, sources: tuple[int, ...]) -> tuple[Target, np.ndarray, np.ndarray]:
        """A target's part with some sources, the mask of its events, and its maximum; cached."""
        if (i, sources) not in self.found:
            mine = self.marks == i
            rates = self.rates[mine][:, list(sources)]
            costs = self.exposure[:, i], self.children[i, list(sources)]
            target = Target(rates, self.place[mine], *costs, self.own[mine])
            fitted = target.start if target.impossible else maximise(target, 1e-6)[0]
            self.found[i, sources] = target, mine, fitted
        return self.found[i, sources]

    def shut(self, i: int) -> bool:
        """Whether a target has events without any baseline."""
        return bool(np.any(self.own[self.marks == i] == 0))

    def _sources(self, without: tuple[int, ...] | None) -> list[int]:
        size = len(self.exposure[0])
        return [] if without is None else [j for j in range(size) if j not in without]

    def loss(self, i: int, without: tuple[int, ...] | None) -> float:
        """Minus the largest log-likelihood of a target's part, decays as given."""
        target, _, fitted = self._best(i, tuple(self._sources(without)))
        if target.impossible:
            return np.inf
        return target.loss(fitted)[0] if len(target.level) else 0.0

    def scores(self, i: int, j: int, without: int | None) -> tuple[np.ndarray, np.ndarray]:
        """z of the effect of j on i at each decay rate, and their terms by event, scaled to unit
        length, given a fit without this effect; given levels alone if `without` is None."""
        sources = self._sources(None if without is None else (without,))
        target, mine, fitted = self._best(i, tuple(sources))
        if not len(target.level):
            return np.zeros(DECAYS), np.zeros((1, DECAYS))
        if target.impossible:  # there are events that nothing else can have caused
            return np.full(DECAYS, np.inf), np.zeros((1, DECAYS))
        rate = target.intensity(fitted)
        held = fitted[len(target.exposure) :] > 0
        level = target.own / rate
        others = target.rates[:, held] / rate[:, None]
        z, units = np.zeros(DECAYS), np.zeros((len(rate), DECAYS))
        norm = np.bincount(target.level, weights=level**2, minlength=len(target.exposure))

        def beside_levels(terms: np.ndarray) -> np.ndarray:
            share = np.stack(
                [
                    np.bincount(target.level, weights=column * level, minlength=len(norm))
                    for column in terms.T
                ],
                axis=1,
            )
            share = share / np.where(norm > 0, norm, 1)[:, None]
            return terms - level[:, None] * share[target.level]

        basis = np.linalg.qr(beside_levels(others))[0] if held.any() else np.zeros((len(rate), 0))
        for g, decay in enumerate(self.grids[i]):
            counts, children = self.counts[float(decay)]
            terms = decay * counts[mine, j] / rate
            expected = children[j]
            if i == j:  # no event is a source of itself
                expected = expected * (1 - len(np.unique(target.level)) / len(rate))
            score = terms.sum() - expected
            left = beside_levels(terms[:, None])[:, 0]
            left = left - basis @ (basis.T @ left)
            length = float(np.sqrt(left @ left))
            if length > 1e-8 * max(float(np.sqrt(terms @ terms)), 1e-300):
                z[g], units[:, g] = score / length, left / length
                if i == j and score > 0:
                    z[g] = _root(target, fitted, decay * counts[mine, j], expected)
        return z, units


def _root(target: Target, fitted: np.ndarray, rates: np.ndarray, children: float) -> float:
    """The root of twice what one more effect gains."""
    columns = np.column_stack([target.rates, rates])
    costs = target.exposure, np.append(target.children, children)
    more = Target(columns, target.level, *costs, target.own)
    gain = target.loss(fitted)[0] - more.loss(maximise(more, 1e-6)[0])[0]
    return float(np.sqrt(2 * max(gain, 0)))


def _at_rate(
    rate: float, stream: Stream, padded: Stream, data: PreparedPanel
) -> tuple[np.ndarray, np.ndarray]:
    """Decayed counts of each source at every event, (N, D), and the children of each source within
    the windows per unit of effect, (D,), at one decay for all."""
    size, events = stream.num_marks, stream.num_events
    gamma = jnp.full((size, size), rate)
    counts = np.array(_decayed(jnp.asarray(rate), padded), np.float64)[:events]
    # On the host: a program would be compiled for each number of events.
    late = np.bincount(stream.marks, np.exp(-rate * stream.remaining), minlength=size)
    ends = jnp.broadcast_to(jnp.asarray(late, gamma.dtype), (size, size))
    plain = HawkesLaw(decay="shared")
    shared = {"alpha": jnp.ones((size, size)), "gamma": rate}
    if data.inflow is not None:
        known = data.inflow.per_effect(gamma, np.ones(1), np.ones(1))
        counts += np.asarray(known, np.float64)[:events] / rate
    return counts, np.asarray(plain.children(shared, data, ends), np.float64)[0]


def _delayed(rate: float, plain: HawkesLaw, data: PreparedPanel) -> tuple[np.ndarray, np.ndarray]:
    """The same for effects that begin later."""
    rates, children = features(plain, {"gamma": rate}, data)
    return rates / rate, children[0]


@jax.jit
def _decayed(rate: Array, stream: Stream) -> Float[Array, "events marks"]:
    """Decayed counts of earlier events by mark, one event per step."""
    eye = jnp.eye(stream.num_marks, dtype=rate.dtype)
    zero = jnp.zeros(stream.num_marks, rate.dtype)

    def step(carry, event):
        state, waiting = carry
        gap, mark, first = event
        moved = gap > 0
        state = jnp.where(moved, jnp.exp(-rate * gap) * (state + waiting), state)
        waiting = jnp.where(moved, 0, waiting)
        state, waiting = jnp.where(first, 0, state), jnp.where(first, 0, waiting)
        return (state, waiting + eye[mark]), state

    columns = jnp.asarray(stream.gaps, rate.dtype), stream.marks, stream.first
    return jax.lax.scan(step, (zero, zero), columns)[1]
