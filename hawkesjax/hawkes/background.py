"""Covariates laid out along the windows of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.hawkes.data.assemble import pieces as pieces_of
from hawkesjax.hawkes.data.exposure import Exposure
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.exposed import intervals
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
        exposure: (W, U) time that each distinct window, without its gaps, spends in each row; with
            a known exposure E, its integral over that time.
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
        ValueError: where the covariates do not cover a window, or use a different clock.
    """
    known = covariates.aligned(panel)
    ends = snapped(panel.window, known.edges)
    watched = panel.duration > 0
    watched[np.unique(panel.sequence)] = True
    if watched.any():
        known.require(ends[watched, 0].min(), ends[watched, 1].max())
    rows, owner = np.unique(known.values, axis=0, return_inverse=True)
    owner = owner.ravel()
    at = owner[known.locate(absolute(panel))].astype(np.int32)
    if len(panel.exposure):
        whole = _exposed_cells(known, owner, len(rows), panel)
        exposure, window = np.unique(whole, axis=0, return_inverse=True)
        place = window.ravel().astype(np.int32)
        return Cells(rows.astype(dtype), at, exposure.astype(dtype), place)
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
        at=at,
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


def _exposed_cells(
    known: Covariates, rows: np.ndarray, size: int, panel: EventPanel
) -> Float[np.ndarray, "sequences rows"]:
    """The integral of E over each sequence's watched time in each distinct row."""
    who, first, last = pieces_of(panel)
    since = np.asarray(panel.start)[who]
    low, high = first - since, last - since
    low, high, who, length, _, factor = _exposed(panel, low, high, who, high - low)
    since = np.asarray(panel.start)[who]
    owner, cell, length = _cut(known, since + low, since + high, length)
    whole = np.zeros((panel.num_sequences, size))
    np.add.at(whole, (who[owner], rows[cell]), factor[owner] * length)
    return whole


def _range(known: Covariates, low: float, high: float) -> tuple[int, int]:
    """First cell that [low, high] meets, and the one after the last."""
    first = int(np.searchsorted(known.edges, low, side="right")) - 1
    last = int(np.searchsorted(known.edges, high, side="left"))
    return max(first, 0), last


@dataclass(frozen=True)
class Pieces:
    """The time before each event, and after each sequence's last event, cut at the cells' edges.

    Args:
        owner: (P,) event before which the piece lies; N + m for the time after the last event of
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
    """Cut the gaps between events at the edges of the cells: N + M + (cells met) pieces. With an
    exposure they are cut at its edges, too, and their lengths are multiplied by it."""
    known = covariates.aligned(panel)
    low, high, sequence, whole = intervals(panel)
    size = np.arange(len(low))
    weight = np.ones(len(low))
    if len(panel.exposure):
        low, high, sequence, whole, size, weight = _exposed(panel, low, high, sequence, whole)
    since = np.asarray(panel.start)[sequence]
    owner, cell, length = _cut(known, since + low, since + high, whole)
    return Pieces(size[owner], cell, length * weight[owner], known.values)


def _exposed(panel: EventPanel, low: Any, high: Any, sequence: Any, whole: Any) -> tuple[Any, ...]:
    """Stretches cut at the edges of the exposure: start, end, sequence and length of each part,
    the stretch that it belongs to, and E."""
    known = panel.exposure
    owner, piece, length = known.cut(low, high, sequence, whole)
    factor, start = np.asarray(known.factor)[piece], np.asarray(known.start)[piece]
    begin = np.maximum(low[owner], start)
    stop = np.minimum(high[owner], begin + length)
    return begin, stop, sequence[owner], length, owner, factor


def _cut(
    known: Covariates, low: np.ndarray, high: np.ndarray, whole: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of absolute time cut at the edges of the cells: the stretch, cell and length of
    each part; `whole` holds the stretches' lengths."""
    edges, most = known.edges, known.num_cells - 1
    low, high = snapped(low, edges), snapped(high, edges)
    begin = np.clip(np.searchsorted(edges, low, side="right") - 1, 0, most)
    count = np.clip(np.searchsorted(edges, high, side="left") - 1, begin, most) - begin + 1
    owner = np.repeat(np.arange(len(low)), count)
    cell = begin[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    cut = np.minimum(high[owner], edges[cell + 1]) - np.maximum(low[owner], edges[cell])
    # A stretch within one cell keeps its exact length, however large the time stamps are.
    return owner, cell, np.where(count[owner] == 1, whole[owner], np.maximum(cut, 0))


@dataclass(frozen=True)
class Course:
    """exp(beta . C) along one stretch of each sequence, on the host, for placing immigrants.

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


def immigrants(
    baseline: Any,
    params: Mapping[str, Any],
    panel: EventPanel,
    begin: Float[np.ndarray, " sequences"],
    length: Float[np.ndarray, " sequences"],
) -> tuple[Float[np.ndarray, "sequences marks"], Any]:
    """Mean rates of immigrants over a stretch of each sequence, and the function that places them
    in it (None for a constant rate).

    Args:
        baseline: levels and covariates of the baseline.
        params: natural parameters.
        panel: the panel whose clock and exposure apply.
        begin: where the stretches begin, relative to the windows' starts.
        length: their lengths.

    Raises:
        ValueError: where covariates or the exposure do not cover a stretch.
    """
    shape = (panel.num_sequences, panel.num_marks)
    level = np.broadcast_to(params.get("mu", 1.0), shape)
    known, exposure = baseline.covariates, panel.exposure
    if known is None and not len(exposure):
        return level, None
    start = panel.start + begin
    beta = np.zeros((shape[1], 0)) if known is None else np.asarray(params["beta"], np.float64)
    if len(exposure):
        exposure = exposure.known(begin, length, panel)
        along = _course_of(known, beta, start, length, exposure, panel)
    else:
        along = course(known, beta, start, start + length, panel)
    return level * along.totals / np.where(length > 0, length, 1)[:, None], along.place


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


def _course_of(
    covariates: Covariates | None,
    beta: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    exposure: Exposure,
    clock: Any,
) -> Course:
    """The course of E exp(beta . C) over the stretches, with E counted from each one's start."""
    known = None if covariates is None else covariates.aligned(clock)
    if known is not None and np.any(length > 0):
        ends = snapped(np.stack([start, start + length], axis=1)[length > 0], known.edges)
        known.require(ends[:, 0].min(), ends[:, 1].max())
    found: dict[Any, int] = {}
    all_edges: list[np.ndarray] = []
    all_sums: list[np.ndarray] = []
    window = np.zeros(len(start), int)
    place = np.searchsorted(exposure.sequence, np.arange(len(start) + 1))
    for m, long in enumerate(length):
        mine = slice(place[m], place[m + 1])
        since, factor = np.asarray(exposure.start)[mine], np.asarray(exposure.factor)[mine]
        key = (0.0 if known is None else start[m], long, since.tobytes(), factor.tobytes())
        if key not in found:
            found[key] = len(found)
            cells = np.zeros(0) if known is None else known.edges - start[m]
            edges = np.clip(np.unique(np.concatenate([[0.0, long], since, cells])), 0, long)
            middle = (edges[1:] + edges[:-1]) / 2
            rates = factor[np.searchsorted(since, middle, side="right") - 1][:, None]
            if known is not None:
                row = np.searchsorted(cells, middle, side="right") - 1
                row = np.clip(row, 0, known.num_cells - 1)
                rates = rates * np.exp(known.values[row] @ beta.T)
            steps = np.broadcast_to(rates * np.diff(edges)[:, None], (len(middle), len(beta)))
            all_sums.append(np.concatenate([np.zeros((1, len(beta))), np.cumsum(steps, axis=0)]))
            all_edges.append(edges)
        window[m] = found[key]
    return Course(tuple(all_edges), tuple(all_sums), window)
