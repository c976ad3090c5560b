"""A panel of which each process holds some sequences, laid out over the devices of all."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import jax
import numpy as np

from hawkesjax.core.hosts import Shares, agreed, all_names, compare, exchange, own_parts
from hawkesjax.hawkes.background import Cells
from hawkesjax.hawkes.counts.choose import MANY_MARKS, by_lanes
from hawkesjax.hawkes.data.exposure import Exposure
from hawkesjax.hawkes.data.gaps import Gaps
from hawkesjax.hawkes.data.history import History
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.exposed import Exposed
from hawkesjax.hawkes.inflow import Inflow
from hawkesjax.hawkes.prepared import SLOW, PreparedPanel, prepare
from hawkesjax.hawkes.sizes import of_one_size, sizes_of
from hawkesjax.hawkes.watched import Missed
from hawkesjax.inputs.warned import warn


def share_panel(
    model: Any, panel: Any, mesh: Any, dtype: Any = None
) -> tuple[PreparedPanel, EventPanel]:
    """The whole of the panels of all processes, prepared with a part on each device, and a panel
    of all its sequences without events. Every process calls it.

    Args:
        model: the model.
        panel: the sequences of this process.
        mesh: all devices, along the axis "hosts".
        dtype: floating type.

    Raises:
        ValueError: on all processes, where one of the panels cannot be evaluated so, or does not
            fit the others.
    """
    cuts = agreed(lambda: _cuts(model, panel, mesh))
    facts = exchange(
        {
            "sequence_names": panel.sequence_names,
            "mark_names": panel.mark_names,
            "unit": panel.unit,
            "origin": panel.origin,
            "arrays": {
                "start": np.asarray(panel.start),
                "duration": np.asarray(panel.duration),
                "observed": np.asarray(panel.observed),
                "exposed": np.asarray(panel.exposed),
                "counts": panel.counts,
                "sums": _sums(panel),
            },
            "gaps": _columns(panel.gaps),
            "exposure": _columns(panel.exposure),
            "history": len(panel.history),
        }
    )
    compare(facts, {"mark_names": "mark_names", "unit": "unit", "origin": "window"})
    names = all_names([one["sequence_names"] for one in facts], "sequence")
    arrays = {
        name: np.concatenate([one["arrays"][name] for one in facts]) for name in facts[0]["arrays"]
    }
    first = np.cumsum([0, *(len(one["sequence_names"]) for one in facts)])
    gaps, exposure = (
        type(getattr(panel, name))(*_joined([one[name] for one in facts], first))
        for name in ("gaps", "exposure")
    )
    frame = replace(
        panel,
        **dict.fromkeys(("times", "waits", "remaining"), np.zeros(0)),
        **dict.fromkeys(("marks", "sequence"), np.zeros(0, np.int32)),
        start=arrays["start"],
        duration=arrays["duration"],
        sequence_names=names,
        gaps=gaps,
        exposure=exposure,
        history=History.none(),
        magnitude=None,
    )
    begin = int(first[jax.process_index()])
    parts = agreed(lambda: [_prepared(model, panel, cut, frame, begin, dtype) for cut in cuts])
    pairs = zip(parts, cuts, strict=True)
    known = list(
        chain.from_iterable(exchange([_known(one, *(begin + np.array(cut))) for one, cut in pairs]))
    )
    parts = of_one_size(parts, [one["form"] for one in known])
    more = {name: max(one["more"][name] for one in known) for name in known[0]["more"]}
    parts = [_even(one, more) for one in parts]
    real, one = parts[0].durations.dtype, parts[0]
    none = np.zeros(0, np.int32)
    identity = arrays | {"gaps": gaps, "exposure": exposure}
    whole = PreparedPanel(
        form=None,
        durations=arrays["duration"].astype(real),
        observed=arrays["observed"].astype(real),
        counts=arrays["counts"].astype(real),
        marks=none,
        sequence=none,
        powers=np.zeros_like(one.powers),
        longest=np.zeros_like(one.longest),
        num_sequences=len(names),
        num_marks=panel.num_marks,
        cells=_cells(one.cells, [part["cells"] for part in known]),
        inflow=None if one.inflow is None else jax.tree.map(lambda leaf: leaf[:0], one.inflow),
        exposure=Exposed(np.zeros(0, real), arrays["exposed"].astype(real))
        if len(exposure)
        else None,
        carried=_carried(one.carried, [part["sizes"] for part in known]),
        shares=Shares.of(parts, identity, mesh),
    )
    return whole, frame


def _cuts(model: Any, panel: Any, mesh: Any) -> list[tuple[int, int]]:
    """The sequences of each device of this process; what cannot be shared is refused."""
    model.check(panel)
    if panel.resolution:
        raise ValueError(
            "The panel has a resolution, which one process alone can evaluate: leave mesh out, or "
            "use hawkesjax.make_mesh()."
        )
    if model.link != "identity" or model.form not in ("auto", "lanes"):
        raise ValueError(
            "Over hosts events are laid out by lanes: models with a link or another form= run on "
            "one process."
        )
    if not model.strength and panel.num_marks >= MANY_MARKS:
        raise ValueError(
            f"Over hosts events are laid out by lanes, D^2 exponentials an event: "
            f"{panel.num_marks} marks are too many. Leave mesh out: one process takes them by "
            f"blocks (decay='shared') or by pairs."
        )
    if not by_lanes(panel.num_marks) and panel.num_events > SLOW:
        warn(
            f"Over hosts events are laid out by lanes, D^2 exponentials an event: with "
            f"{panel.num_marks} marks one process may be as fast (mesh=None)."
        )
    return own_parts(mesh, panel.counts.sum(axis=1), "sequence")


def _prepared(
    model: Any, panel: EventPanel, cut: tuple[int, int], frame: EventPanel, begin: int, dtype: Any
) -> PreparedPanel:
    """Some sequences of a panel on the host, as the whole of which no other is ever seen; the
    panel's first sequence is number `begin` of the whole."""
    begin, alone = begin + cut[0], cut == (0, panel.num_sequences)
    part = panel if alone else panel.select(range(*cut))

    def placed(values: Any) -> np.ndarray:
        out = np.zeros(frame.num_sequences)
        out[begin : begin + len(values)] = values
        return out

    def moved(one: Any) -> Any:
        return replace(one, sequence=one.sequence + np.int32(begin))

    duration, known = placed(part.duration), Exposure.none()
    part = replace(
        moved(part),
        sequence_names=frame.sequence_names,
        start=placed(part.start),
        duration=duration,
        gaps=moved(part.gaps),
        history=moved(part.history),
        exposure=_everywhere(moved(part.exposure), duration) if len(frame.exposure) else known,
    )
    made = prepare(
        part,
        form="lanes",
        dtype=dtype,
        gamma=model.gamma,
        kernel=model.kernel,
        covariates=model.background.covariates,
        strength=model.strength,
    )
    return jax.tree.map(np.asarray, made)


def _everywhere(known: Exposure, duration: np.ndarray) -> Exposure:
    """An exposure with a piece of factor 1 for each sequence that has none."""
    without = np.setdiff1d(np.arange(len(duration)), known.sequence)
    ones = np.ones(len(without))
    more = Exposure(without.astype(np.int32), 0 * ones, duration[without], ones)
    both = jax.tree.map(lambda *parts: np.concatenate(parts), known, more)
    order = np.argsort(both.sequence, kind="stable")
    return jax.tree.map(lambda column: column[order], both)


def _columns(known: Gaps | Exposure) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(known)]


def _joined(columns: list[list[np.ndarray]], first: np.ndarray) -> list[np.ndarray]:
    """Columns of all processes, the sequences (the first column) numbered through."""
    parts = [[one[0] + np.int32(by), *one[1:]] for one, by in zip(columns, first, strict=False)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _known(part: PreparedPanel, low: int, high: int) -> dict[str, Any]:
    """What the processes tell one another of a part, which has the sequences low .. high - 1."""
    missed, inflow, cells = part.missed, part.inflow, part.cells
    return {
        "form": sizes_of(part),
        "more": {
            "gaps": 0 if missed is None else len(missed.length),
            "before": 0 if missed is None else len(missed.gap),
            "past": 0 if inflow is None else len(inflow.age),
            "windows": 0 if cells is None else len(cells.exposure),
        },
        "cells": None if cells is None else (cells.exposure, cells.window[low:high]),
        "sizes": None if part.carried is None else part.carried.extremes.size,
    }


def _even(part: PreparedPanel, sizes: dict[str, int]) -> PreparedPanel:
    """With so many gaps, events before them, past events and windows of covariates; those that are
    added weigh nothing."""
    missed, inflow, cells = part.missed, part.inflow, part.cells
    real, none = part.durations.dtype, np.zeros(0, np.int32)
    nothing = np.zeros(0, real)

    def longer(values: Any, size: int, filling: Any = 0) -> Any:
        values = np.asarray(values)
        fill = [(0, size - len(values))] + [(0, 0)] * (values.ndim - 1)
        return np.pad(values, fill, constant_values=filling)

    if sizes["gaps"]:
        # One gap of no length at the end, before which lie the events that fill up.
        missed = missed or Missed(none, none, nothing, nothing, none > 0, nothing)
        events, gaps = sizes["before"], sizes["gaps"] + 1
        missed = Missed(
            gap=longer(missed.gap, events, gaps - 1),
            marks=longer(missed.marks, events),
            left=longer(missed.left, events),
            step=longer(missed.step, gaps),
            first=longer(missed.first, gaps, True),
            length=longer(missed.length, gaps),
        )
    if sizes["past"]:
        events = (np.zeros(len(part.marks), real), part.marks, part.sequence)
        inflow = inflow or Inflow(nothing, none, none, *events, part.durations)
        inflow = replace(
            inflow,
            age=longer(inflow.age, sizes["past"]),
            source=longer(inflow.source, sizes["past"]),
            owner=longer(inflow.owner, sizes["past"], part.num_sequences),  # of no sequence
        )
    if cells is not None:
        cells = replace(cells, exposure=longer(cells.exposure, sizes["windows"]))
    return replace(part, missed=missed, inflow=inflow, cells=cells)


def _cells(one: Any, known: list[Any]) -> Cells | None:
    """The covariates of all sequences, without the events'."""
    if one is None:
        return None
    first = np.cumsum([0, *(len(rows) for rows, _ in known)])
    window = np.concatenate([own + by for (_, own), by in zip(known, first, strict=False)])
    exposure = np.concatenate([rows for rows, _ in known])
    return replace(one, at=np.zeros(0, np.int32), exposure=exposure, window=window.astype(np.int32))


def _carried(one: Any, sizes: list[Any]) -> Any:
    """The extreme sizes of all events."""
    if one is None:
        return None
    every = np.concatenate(sizes)
    kind = np.zeros(len(every), np.int32)
    return replace(one, marks=kind, own=np.ones_like(every), size=every, row=kind).extremes


def _sums(panel: Any) -> np.ndarray:
    """Sums of times by sequence and mark, which tell panels with equal counts apart."""
    cells = np.asarray(panel.sequence, np.int64) * panel.num_marks + panel.marks
    size = panel.num_sequences * panel.num_marks
    return np.bincount(cells, weights=panel.times, minlength=size).reshape(-1, panel.num_marks)
