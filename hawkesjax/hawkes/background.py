"""Covariates laid out along the windows of a panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.data.assemble import pieces as pieces_of
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.arrays import AnyArray
from hawkesjax.inputs.spans import snapped


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Cells:
    r"""Distinct rows of features, the time spent in each, and the row of each event.

    A calendar repeats: a year of hours has 168 distinct rows. One evaluation costs the distinct
    rows times the features, the distinct windows times the rows, and one look-up per event.

    Args:
        rows: (U, F) distinct rows of features.
        at: (N,) row of each event.
        exposure: (W, U) time that each distinct window, without its gaps, spends in each row.
        window: (M,) which of these windows each sequence has.
    """

    rows: Float[AnyArray, "rows features"]
    at: Int[AnyArray, " events"]
    exposure: Float[AnyArray, "windows rows"]
    window: Int[AnyArray, " sequences"]

    def log_rates(self, beta: Float[AnyArray, "marks features"]) -> Float[AnyArray, "rows marks"]:
        """beta . C of each row and mark."""
        return self.rows @ beta.T

    def integrals(self, beta: Float[AnyArray, "marks features"]) -> Float[Array, "sequences marks"]:
        """Integral of exp(beta . C) over each sequence's window."""
        return (self.exposure @ jnp.exp(self.log_rates(beta)))[self.window]


def lay_out(covariates: Covariates, panel: EventPanel, dtype: Any) -> Cells:
    """The cells of a panel; covariates are looked up at absolute times, in float64 on the host.

    Raises:
        ValueError: where the covariates do not cover a window, or their clock is another one.
    """
    known = covariates.aligned(panel)
    ends = snapped(panel.window, known.edges)
    watched = panel.duration > 0
    watched[np.unique(panel.sequence)] = True
    if watched.any():
        known.require(ends[watched, 0].min(), ends[watched, 1].max())
    rows, owner = np.unique(known.values, axis=0, return_inverse=True)
    owner = owner.ravel()
    who, first, last = pieces_of(panel)
    spans = snapped(np.stack([first, last], axis=1), known.edges)
    windows, window = np.unique(spans, axis=0, return_inverse=True)
    window = window.ravel()
    exposure = np.stack([_exposure(known, owner, len(rows), *pair) for pair in windows])
    if len(panel.gaps):
        whole = np.zeros((panel.num_sequences, len(rows)))
        np.add.at(whole, who, exposure[window])
        exposure, window = np.unique(whole, axis=0, return_inverse=True)
    return Cells(
        rows=rows.astype(dtype),
        at=owner[known.locate(absolute(panel))].astype(np.int32),
        exposure=exposure.astype(dtype),
        window=window.ravel().astype(np.int32),
    )


def absolute(panel: EventPanel) -> Float[np.ndarray, " events"]:
    """Times of the events on the panel's own clock."""
    return np.asarray(panel.start)[panel.sequence] + np.asarray(panel.times)


def _exposure(known: Covariates, owner: np.ndarray, size: int, low: float, high: float):
    first, last = _range(known, low, high)
    cut = np.clip(known.edges[first : last + 1], low, high)
    return np.bincount(owner[first:last], weights=np.diff(cut), minlength=size)


def _range(known: Covariates, low: float, high: float) -> tuple[int, int]:
    """First cell that [low, high] meets, and the one after the last."""
    first = int(np.searchsorted(known.edges, low, side="right")) - 1
    last = int(np.searchsorted(known.edges, high, side="left"))
    return max(first, 0), last


@dataclass(frozen=True)
class Pieces:
    """The time before each event, and after each sequence's last one, cut at the cells' edges.

    Args:
        owner: (P,) event before which the piece lies; N + m for the silence at the end of
            sequence m.
        row: (P,) its row of features.
        length: (P,) its length.
        rows: (U, F) rows of features.
    """

    owner: Int[np.ndarray, " pieces"]
    row: Int[np.ndarray, " pieces"]
    length: Float[np.ndarray, " pieces"]
    rows: Float[np.ndarray, "rows features"]

    def integrals(
        self, beta: Float[AnyArray, "marks features"], size: int
    ) -> Float[Array, "intervals marks"]:
        """Integral of exp(beta . C) over each of the N + M intervals."""
        rates = jnp.exp(jnp.asarray(self.rows, beta.dtype) @ beta.T)
        parts = rates[self.row] * jnp.asarray(self.length, beta.dtype)[:, None]
        return jax.ops.segment_sum(parts, self.owner, size)


def pieces(covariates: Covariates, panel: EventPanel) -> Pieces:
    """Cut the gaps between events at the edges of the cells: N + M + (cells met) pieces."""
    known = covariates.aligned(panel)
    edges, most = known.edges, known.num_cells - 1
    sequence, times = np.asarray(panel.sequence), absolute(panel)
    stop = panel.start + panel.duration
    heads = np.flatnonzero(np.diff(sequence, prepend=-1))
    ends = np.flatnonzero(np.diff(sequence, append=panel.num_sequences))
    before = np.roll(times, 1)
    before[heads] = panel.start[sequence[heads]]
    last, tails = panel.start.copy(), panel.duration.copy()
    last[sequence[ends]], tails[sequence[ends]] = times[ends], panel.remaining[ends]

    low = snapped(np.concatenate([before, last]), edges)
    high = snapped(np.concatenate([times, stop]), edges)
    begin = np.clip(np.searchsorted(edges, low, side="right") - 1, 0, most)
    count = np.clip(np.searchsorted(edges, high, side="left") - 1, begin, most) - begin + 1
    owner = np.repeat(np.arange(len(low)), count)
    cell = begin[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    cut = np.minimum(high[owner], edges[cell + 1]) - np.maximum(low[owner], edges[cell])
    # A gap within one cell is known to the last digit, whatever the size of the time stamps.
    whole = np.concatenate([panel.waits, tails])[owner]
    length = np.where(count[owner] == 1, whole, np.maximum(cut, 0))
    return Pieces(owner, cell, length, known.values)


@dataclass(frozen=True)
class Course:
    """exp(beta . C) along one stretch of each sequence, on the host: where immigrants come.

    Args:
        edges: of each distinct stretch, the edges of its cells since its start.
        sums: of each distinct stretch, (cells + 1, D) integral from its start to each edge.
        window: (M,) which of these stretches each sequence has.
    """

    edges: tuple[Float[np.ndarray, " _"], ...]
    sums: tuple[Float[np.ndarray, "_ marks"], ...]
    window: Int[np.ndarray, " sequences"]

    @property
    def totals(self) -> Float[np.ndarray, "sequences marks"]:
        """Integral over each sequence's stretch."""
        return np.stack([sums[-1] for sums in self.sums])[self.window]

    def place(
        self, share: np.ndarray, marks: np.ndarray, sequence: np.ndarray
    ) -> Float[np.ndarray, " events"]:
        """Times since the start at which given shares of the integral are reached."""
        window, times = self.window[sequence], np.empty(len(share))
        for number, (edges, sums) in enumerate(zip(self.edges, self.sums, strict=True)):
            for mark in np.unique(marks[window == number]):
                own = (window == number) & (marks == mark)
                times[own] = np.interp(share[own] * sums[-1, mark], sums[:, mark], edges)
        return times


def course(
    covariates: Covariates, beta: np.ndarray, start: np.ndarray, stop: np.ndarray, clock: Any
) -> Course:
    """The course of exp(beta . C) over [start, stop] of each sequence.

    Args:
        covariates: C.
        beta: (D, F).
        start, stop: (M,) absolute times.
        clock: anything with the `unit` and `origin` of these times.

    Raises:
        ValueError: where the covariates do not cover a stretch.
    """
    known = covariates.aligned(clock)
    ends = snapped(np.stack([start, stop], axis=1), known.edges)
    if (ends[:, 1] > ends[:, 0]).any():
        known.require(ends[:, 0].min(), ends[:, 1].max())
    pairs, window = np.unique(ends, axis=0, return_inverse=True)
    all_edges, all_sums = [], []
    for low, high in pairs:
        first, last = _range(known, low, high)
        edges = np.clip(known.edges[first : last + 1], low, high)
        rates = np.exp(known.values[first:last] @ np.asarray(beta, np.float64).T)
        steps = rates * np.diff(edges)[:, None]
        all_sums.append(np.concatenate([np.zeros((1, len(beta))), np.cumsum(steps, axis=0)]))
        all_edges.append(edges - low if len(edges) else np.zeros(1))
    return Course(tuple(all_edges), tuple(all_sums), window.ravel())
