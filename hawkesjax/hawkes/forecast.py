"""What comes next: events beyond the window, given the past."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.core.kept import Kept
from hawkesjax.core.random import generator
from hawkesjax.core.record import recorded
from hawkesjax.core.tables import statistics
from hawkesjax.hawkes.background import immigrants
from hawkesjax.hawkes.clusters import simulate_clusters
from hawkesjax.hawkes.data.gaps import Gaps
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import spread
from hawkesjax.hawkes.drift import warn_of_drift
from hawkesjax.hawkes.inherited import inherited
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.offspring import Offspring, pools_of
from hawkesjax.hawkes.plots import forecasts as plots
from hawkesjax.hawkes.simulate import terms_of
from hawkesjax.hawkes.thinning import paths_of, thinned
from hawkesjax.hawkes.values import draws_of, one_of
from hawkesjax.hawkes.watched import with_history
from hawkesjax.inputs.arguments import Count, Key, Positive, checked
from hawkesjax.inputs.moments import shown

MAX_EVENTS = 10_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Kept):
    """Simulated continuations of a panel.

    Args:
        steps: (draws, bins, M, D) events in each part of the horizon, one continuation per draw.
        horizon: length of the stretch after each window, in `unit`; its parts are of equal length.
        sequence_names, mark_names, unit: as in the panel.
        start: the moment at which the stretch begins, where the panel has dates and all its windows
            end at one.
        record: of the run (`hawkesjax.core.record`).
    """

    drawn_by: ClassVar[str] = "figures()"

    steps: Int[np.ndarray, "draws bins sequences marks"]
    horizon: float
    sequence_names: tuple[str, ...]
    mark_names: tuple[str, ...]
    unit: str
    start: str | None = None
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> Int[np.ndarray, "draws sequences marks"]:
        """Events within the whole horizon."""
        return self.steps.sum(axis=1)

    @property
    def edges(self) -> Float[np.ndarray, " edges"]:
        """Where the parts begin and end, since the window's end."""
        return np.linspace(0, self.horizon, self.steps.shape[1] + 1)

    def summary(self) -> pd.DataFrame:
        """Mean, sd and quantiles of the counts: one row per sequence and mark, and `all`."""
        return _statistics(self.counts, self._names(), ["sequence", "mark"])

    def by_step(self) -> pd.DataFrame:
        """The same for each part of the horizon (each day, say), by its start and end since the
        window's end."""
        edges = self.edges
        names = [
            (start, end, *name)
            for start, end in itertools.pairwise(edges.tolist())
            for name in self._names()
        ]
        return _statistics(self.steps, names, ["start", "end", "sequence", "mark"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """The counts within the whole horizon, and by part of it."""
        return {"forecast": self.summary(), "forecast_steps": self.by_step()}

    def figures(self) -> dict[str, Any]:
        """The counts of each sequence, and the events so far where there are several bins."""
        counts = {"forecast": plots.forecast(self)}
        return counts | ({"fan": plots.fan(self)} if self.steps.shape[1] > 1 else {})

    def _names(self) -> list[tuple[str, str]]:
        return list(itertools.product([*self.sequence_names, "all"], self.mark_names))

    def _shown(self) -> pd.DataFrame:
        return self.summary()

    def __repr__(self) -> str:
        unit = f" {self.unit}s" if self.unit else ""
        rows = self.summary().loc[["all"]].to_string(float_format=lambda x: f"{x:.4g}")
        return f"Forecast: {self.horizon:g}{unit}, {len(self.steps)} continuations\n{rows}"


def _forecast(steps: np.ndarray, horizon: float, panel: EventPanel) -> Forecast:
    ends = np.asarray(panel.start) + np.asarray(panel.duration)
    one = panel.origin is not None and len(ends) and np.ptp(ends) == 0
    start = shown(panel, ends[:1])[0] if one else None
    names = (panel.sequence_names, panel.mark_names)
    return Forecast(steps, float(horizon), *names, panel.unit, start)


def _statistics(counts: np.ndarray, rows: list, names: list[str]) -> pd.DataFrame:
    whole = np.concatenate([counts, counts.sum(axis=-2, keepdims=True)], axis=-2)
    table = statistics(whole.reshape(len(whole), -1), sd=True)
    return pd.DataFrame(table, index=pd.MultiIndex.from_tuples(rows, names=names))


@recorded
@checked
def forecast(
    model: HawkesLaw,
    values: Any,
    data: EventPanel,
    *,
    horizon: Positive,
    key: Key,
    draws: Count = 400,
    bins: Count = 1,
    max_events: Count = MAX_EVENTS,
) -> Forecast:
    r"""Continue every sequence beyond its window, given its events.

    The past triggers events beyond the window, drawn exactly (`hawkesjax.hawkes.inherited`); new
    immigrants join them, and all have offspring. Each continuation uses one whole draw of the
    posterior, so that the intervals include its uncertainty. Events in gaps of the record are
    unknown, and their children are missing. An exposure must be known over the horizon, as
    covariates must: its rows may extend beyond the window. It is not assumed to be 1 or to keep its
    last value, since a population is not 1 and a night does not last.

    Args:
        model: the model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters (then every
            continuation has the same parameters).
        data: the events so far.
        horizon: how far beyond each window, in the panel's unit.
        key: PRNG key.
        draws: number of continuations; a posterior's draws are thinned or repeated to this number.
        bins: parts of the horizon, of equal length, that are counted separately: 7 for the days
            of a week, a few dozen for `hawkesjax.plots.fan`.
        max_events: cap on the events of one continuation.

    Warns:
        DriftWarning: when events fall off or rise before the windows' end, and a trend of the
            baseline explains it (`drift`); `choose_trend` finds a baseline that changes.

    Raises:
        ValueError: for a horizon that is not positive, one that the model's covariates or the
            panel's exposure do not cover, or a continuation beyond the cap.
    """
    warn_of_drift(model, values, data)
    return continued(model, values, data, horizon, key, draws, bins, max_events, Gaps.none())


def continued(
    model: HawkesLaw,
    values: Any,
    panel: EventPanel,
    horizon: float,
    key: Any,
    draws: int,
    bins: int,
    max_events: int,
    gaps: Gaps,
) -> Forecast:
    """`forecast` of what will be observed where the stretches beyond the windows have gaps."""
    parameters = draws_of(values, model, limit=draws, panel=panel)
    rng = generator(key)
    num, size = panel.num_sequences, panel.num_marks
    duration = np.full(num, float(horizon))
    steps = np.zeros((draws, bins, num, size), np.int64)
    if panel.resolution:
        panel, _ = spread(panel, panel.resolution)
    whole, _ = with_history(panel)
    past = whole.remaining, whole.marks, whole.sequence
    pools, stop = pools_of(panel), panel.window[:, 1]
    if model.link != "identity":
        ones = [one_of(parameters, number) for number in range(draws)]
        paths = paths_of(model, ones, panel, past, stop, duration)
        times, marks, owners = thinned(paths, rng, max_events=max_events * draws)
        sequence, number = owners % num, owners // num
        part = np.minimum((times * (bins / horizon)).astype(np.int64), bins - 1)
        seen = ~gaps.holds(times, sequence) if len(gaps) else np.ones(len(times), bool)
        np.add.at(steps, tuple(x[seen] for x in (number, part, sequence, marks)), 1)
        return _forecast(steps, horizon, panel)
    for number in range(draws):
        one = one_of(parameters, number)
        mu, place = immigrants(model.background, one, panel, panel.duration, duration)
        rates = np.broadcast_to(one["gamma"], (1, size, size))
        terms = terms_of(model, one)
        offspring, scaled = Offspring.of(model, one, panel, pools, stop), ()
        if offspring is not None:
            scaled = offspring.of_past(panel), offspring.lag
            rates = offspring.rates(one["gamma"])
        times, marks, sequence, _ = simulate_clusters(
            mu,
            one["alpha"],
            np.asarray(one["gamma"]),
            duration,
            rng,
            max_events=max_events,
            inherited=inherited(*past, one["alpha"], rates, terms, duration, rng, *scaled),
            place=place,
            terms=terms,
            offspring=offspring,
        )
        if len(gaps):
            seen = ~gaps.holds(times, sequence)
            times, marks, sequence = times[seen], marks[seen], sequence[seen]
        part = np.minimum((times * (bins / horizon)).astype(np.int64), bins - 1)
        cells = (part * num + sequence) * size + marks
        steps[number] = np.bincount(cells, minlength=bins * num * size).reshape(bins, num, size)
    return _forecast(steps, horizon, panel)
