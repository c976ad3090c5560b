"""Is there any effect, and whose? Score tests of each effect against none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Int

from hawkesjax.hawkes.compensator import on_ladder
from hawkesjax.hawkes.concave import Target, maximise
from hawkesjax.hawkes.counts.rows import decayed_to_end
from hawkesjax.hawkes.counts.stream import Stream
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.known_decays import features
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.prepared import PreparedPanel, stream_of
from hawkesjax.hawkes.values import law_of, point_of
from hawkesjax.inputs.arguments import Level, checked

DECAYS = 8  # candidate decay rates for an effect that is not in the model
# At the fastest, this many children by chance within one memory, over all events: with fewer the
# score is skewed, and too often declares an effect.
LEAST_MET = 10.0
SLOWEST = 3.0  # memories in the longest window
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
    which the p-value of T is simulated; effects are positive, so the test is one-sided. A level is
    fitted to events that are no sources of themselves, so that the score of a mark on itself is too
    small by :math:`K_i / N_i` for each level, on average; this is added. The row
    `any -> any` tests the largest statistic of all effects, against rates that are constant or
    follow the covariates alone.

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
    parts = _Parts.of(law, params, data)
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


@dataclass(frozen=True)
class _Parts:
    """What the tests need of a fit; N events, D marks, G decays.

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
    def of(cls, law: HawkesLaw, params: Mapping[str, Any], panel: EventPanel) -> _Parts:
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
        counts = {
            float(rate): _at_rate(float(rate), stream, data) for rate in np.unique(np.array(grids))
        }
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
            score = terms.sum() - children[j]
            if i == j:  # no event is a source of itself
                score += children[j] / max(len(rate), 1) * len(np.unique(target.level))
            left = beside_levels(terms[:, None])[:, 0]
            left = left - basis @ (basis.T @ left)
            length = float(np.sqrt(left @ left))
            if length > 1e-8 * max(float(np.sqrt(terms @ terms)), 1e-300):
                z[g], units[:, g] = score / length, left / length
        return z, units


def _at_rate(rate: float, stream: Stream, data: PreparedPanel) -> tuple[np.ndarray, np.ndarray]:
    """Decayed counts of each source at every event, (N, D), and the children of each source within
    the windows per unit of effect, (D,), at one decay for all."""
    size, events = stream.num_marks, stream.num_events
    gamma = jnp.full((size, size), rate)
    counts = np.array(_decayed(jnp.asarray(rate), on_ladder(stream))[:events], np.float64)
    ends = decayed_to_end(gamma, stream.marks, jnp.asarray(stream.remaining, gamma.dtype))
    plain = HawkesLaw(decay="shared")
    shared = {"alpha": jnp.ones((size, size)), "gamma": rate}
    if data.inflow is not None:
        known = data.inflow.per_effect(gamma, np.ones(1), np.ones(1))
        counts += np.asarray(known, np.float64)[:events] / rate
    return counts, np.asarray(plain.children(shared, data, ends), np.float64)[0]


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
