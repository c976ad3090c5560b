"""Expected children of simulated events, where effects are scaled or delayed."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hawkesjax.hawkes.data.magnitude import read_magnitude
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.strength import Strength
from hawkesjax.hawkes.watched import with_history
from hawkesjax.inputs.checks import ROWS, column_of, listed

Pools = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Offspring:
    """The factors of simulated events for one set of parameters.

    Args:
        strength: the model's.
        panel: gives sequences, clock and marks of the events, and absolute time 0 of its sequences.
        params: natural parameters.
        by_row: (U, D, D) factor of each row of modifiers.
        pools: of each mark, the magnitudes to draw from.
        start: (M,) absolute time from which events are counted.
    """

    strength: Strength
    panel: EventPanel
    params: Mapping[str, Any]
    by_row: Float[np.ndarray, "rows marks marks"] | None
    pools: Pools
    start: Float[np.ndarray, " sequences"]

    @classmethod
    def of(
        cls,
        model: HawkesLaw,
        params: Mapping[str, Any],
        panel: EventPanel,
        pools: Pools,
        start: Any,
    ) -> Offspring | None:
        """None where all events have the same effects, without delay."""
        strength = model.strength
        if not strength:
            return None
        rows = None
        if strength.modifiers is not None:
            rows = np.exp(np.asarray(strength.by_row(params, strength.modifiers.rows), np.float64))
        return cls(strength, panel, params, rows, pools, np.asarray(start))

    @property
    def lag(self) -> float:
        """Time from an event to the start of its effect."""
        return self.strength.lag

    @property
    def bound(self) -> Any:
        """(D, D) a factor of alpha for bounds: the mean over magnitudes, the maximum over rows."""
        factor = 1.0 if self.by_row is None else self.by_row.max(axis=0)
        if self.strength.magnitude is None:
            return factor
        kappa = np.asarray(self.params["kappa"], np.float64)
        parts = [
            np.mean(np.exp(k * self.strength.feature(pool, len(pool)))) if len(pool) else 1.0
            for k, pool in zip(kappa, self.pools, strict=True)
        ]
        return factor * np.array(parts)[None]

    @functools.cached_property
    def paces(self) -> Float[np.ndarray, "sequences pairs"] | None:
        """Factors of the decay rates by sequence, targets first; None where they are common."""
        known = self.strength.modifiers
        if self.strength.decays is None or known is None:
            return None
        rows = np.asarray(self.strength.paces(self.params, known.rows), np.float64)
        return rows[known.of_sequences(self.panel)].reshape(self.panel.num_sequences, -1)

    def rates(self, gamma: Any) -> Float[np.ndarray, "#sequences marks marks"]:
        """Decay rates of each sequence, or of all."""
        size = self.panel.num_marks
        common = np.broadcast_to(np.asarray(gamma, np.float64), (1, size, size))
        return common if self.paces is None else common * self.paces.reshape(-1, size, size)

    def draw(
        self, times: np.ndarray, marks: np.ndarray, sequence: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, Float[np.ndarray, "events marks"]]:
        """Magnitudes of new events (NaN without), and their factors."""
        sizes = np.full(len(marks), np.nan)
        if self.strength.magnitude is not None:
            for mark, pool in enumerate(self.pools):
                own = np.flatnonzero(marks == mark)
                if len(own) and not len(pool):
                    raise ValueError(
                        f"There are no magnitudes to draw those of mark "
                        f"{self.panel.mark_names[mark]!r} from."
                    )
                sizes[own] = pool[rng.integers(0, len(pool), len(own))] if len(own) else 0.0
        return sizes, self.factors(times, marks, sequence, sizes)

    def factors(
        self, times: np.ndarray, marks: np.ndarray, sequence: np.ndarray, magnitude: Any
    ) -> Float[np.ndarray, "events marks"]:
        """W of events at times since `start`."""
        size = self.panel.num_marks
        found = np.ones((len(marks), size))
        if self.strength.magnitude is not None:
            kappa = np.asarray(self.params["kappa"], np.float64)
            found *= np.exp(kappa[marks] * self.strength.feature(magnitude, len(marks)))[:, None]
        known = self.strength.modifiers
        if known is not None and self.by_row is not None:
            row = known.locate(self.panel, sequence, self.start[sequence] + times)
            found *= self.by_row[row, :, marks]
        return found

    def of_past(self, panel: EventPanel) -> Float[np.ndarray, "past marks"]:
        """W of a panel's history and events, as `with_history` orders them."""
        whole, _ = with_history(panel)
        since = whole.times + (whole.start - self.start)[whole.sequence]
        return self.factors(since, whole.marks, whole.sequence, whole.magnitude)


def pools_of(panel: EventPanel) -> Pools:
    """Magnitudes of a panel's events, by mark."""
    if panel.magnitude is None:
        return tuple(np.zeros(0) for _ in panel.mark_names)
    magnitude, marks = np.asarray(panel.magnitude), np.asarray(panel.marks)
    return tuple(magnitude[marks == mark] for mark in range(panel.num_marks))


def read_pools(given: Any, model: HawkesLaw, mark_names: tuple[str, ...]) -> Pools:
    """The `magnitudes` of `simulate`: values to draw from, or such values by mark.

    Raises:
        ValueError: if the model needs magnitudes and there are none, or the reverse; for unknown
            marks and values that are not sizes.
    """
    if given is None and model.magnitude is None:
        return tuple(np.zeros(0) for _ in mark_names)
    if model.magnitude is None:
        raise ValueError("The model has no magnitude; leave magnitudes out.")
    if given is None:
        raise ValueError(
            "The model scales effects by magnitude: give magnitudes=, the sizes to draw from."
        )
    by_mark = given if isinstance(given, Mapping) else dict.fromkeys(mark_names, given)
    unknown = [str(name) for name in by_mark if name not in mark_names]
    missing = [name for name in mark_names if name not in by_mark]
    if unknown or missing:
        raise ValueError(
            f"magnitudes must name each mark ({listed(mark_names)}); "
            f"{f'it names {listed(unknown)}' if unknown else f'{listed(missing)} missing'}."
        )
    found = []
    for name in mark_names:
        column = column_of(by_mark[name], f"magnitudes of {name}")
        found.append(read_magnitude(column, f"magnitudes of {name}", ROWS))
        model.strength.feature(found[-1], len(column))
    return tuple(found)
