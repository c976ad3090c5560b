"""Prepared panels padded to common sizes, so that they share their compilations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from hawkesjax.hawkes.counts import padding
from hawkesjax.hawkes.counts.blocks import BlockForm
from hawkesjax.hawkes.counts.fixed import FixedForm
from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.lanes_layout import rung
from hawkesjax.hawkes.counts.mixture import MixtureForm
from hawkesjax.hawkes.counts.points import PointForm
from hawkesjax.hawkes.counts.registers import RegisterForm


def prepare_alike(model: Any, panels: Sequence[Any]) -> list[Any]:
    """Panels with equal numbers of sequences in the same windows, prepared so that all share one
    compilation.

    Only the forms for few marks with learned decays, and that for events with weights, can be
    padded; others are returned unchanged.
    """
    return [jax.device_put(one) for one in of_one_size([model.prepare(each) for each in panels])]


def sizes_of(prepared: Any) -> dict[str, Any]:
    """Sizes of a prepared panel's form, which other processes compare with theirs."""
    if isinstance(prepared.form, PointForm):
        events, past = len(prepared.form.rows), len(prepared.carried.marks)
        return {"points": prepared.form.num_points, "events": events, "past": past}
    return padding.sizes_of(prepared.form.form if _has_lanes(prepared.form) else prepared.form)


def of_one_size(prepared: Sequence[Any], beside: Sequence[dict[str, Any]] = ()) -> list[Any]:
    """Prepared panels padded to the largest of them, where their form can be, on the host; also of
    those `beside`, of which the sizes are known alone (`sizes_of`)."""
    whole = [jax.tree.map(np.asarray, one) for one in prepared]
    if all(isinstance(one.form, PointForm) for one in whole):
        known = [*map(sizes_of, whole), *beside]
        sizes = [max(one[name] for one in known) for name in ("points", "events", "past")]
        whole = [_with_points(one, *sizes) for one in whole]
    elif all(isinstance(one.form, LaneForm) for one in whole):
        forms = padding.alike([one.form for one in whole], beside)
        whole = [_filled(one, form) for one, form in zip(whole, forms, strict=True)]
    elif all(_has_lanes(one.form) for one in whole):
        forms = padding.alike([one.form.form for one in whole], beside)
        whole = [
            _filled(one, one.form.filled(form)) for one, form in zip(whole, forms, strict=True)
        ]
    if all(one.timeline is not None for one in whole):
        size = max(len(one.timeline.gap) for one in whole)
        whole = [replace(one, timeline=one.timeline.filled(size)) for one in whole]
    return whole


def on_ladder(prepared: Any) -> Any:
    """A prepared panel padded to the next sizes of the ladder, where its form can be."""
    form = prepared.form
    if isinstance(form, LaneForm):
        return _filled(prepared, padding.on_ladder(form))
    if _has_lanes(form):
        return _filled(prepared, form.filled(padding.on_ladder(form.form)))
    if isinstance(form, BlockForm):
        events = len(form.place)
        return _filled(prepared, form.filled(int(rung(events, events)))) if events else prepared
    if isinstance(form, PointForm):
        sizes = (form.num_points, len(form.rows), len(prepared.carried.marks))
        return _with_points(prepared, *(int(rung(size, size)) if size else 0 for size in sizes))
    return prepared


def divisible(prepared: Any, parts: int) -> Any | None:
    """A prepared panel whose form so many devices can share; None for the forms that go event by
    event or chunk by chunk, and for the kernel of one GPU."""
    form = prepared.form
    inner = form.form if _has_lanes(form) else form
    # Known decays: sums over a chunk's events are added up chunk by chunk, which for two devices
    # means to wait for each other 2,600 times, 0.9 s instead of 0.012 (two million events).
    if isinstance(inner, RegisterForm | FixedForm):
        return None
    if prepared.copies is not None:
        return prepared if isinstance(inner, LaneForm) and inner.wide % parts == 0 else None
    if isinstance(form, LaneForm):
        return replace(prepared, form=padding.divisible(form, parts))
    if _has_lanes(form):
        return replace(prepared, form=replace(form, form=padding.divisible(form.form, parts)))
    return None


def _has_lanes(form: Any) -> bool:
    """Whether a form is a sum over terms whose decayed counts come by lanes."""
    return isinstance(form, MixtureForm) and isinstance(form.form, LaneForm)


def _with_points(prepared: Any, points: int, events: int, past: int) -> Any:
    """A form of points, and its events' `carried`, padded to these numbers."""
    filled = _filled(prepared, prepared.form.filled(points, events))
    return replace(filled, carried=prepared.carried.filled(points, past))


def _filled(prepared: Any, form: LaneForm | PointForm | MixtureForm | BlockForm) -> Any:
    """With a padded form, and arrays by event padded to match."""
    names = {PointForm: "rows", MixtureForm: "remaining", BlockForm: "place"}
    places = len(getattr(form, names.get(type(form), "slots")))

    def longer(values: Any, filling: float = 0) -> Any:
        return np.pad(values, (0, places - len(values)), constant_values=filling)

    cells, inflow, exposure = prepared.cells, prepared.inflow, prepared.exposure
    return replace(
        prepared,
        form=form,
        marks=longer(prepared.marks),
        sequence=longer(prepared.sequence),
        cells=None if cells is None else replace(cells, at=longer(cells.at)),
        inflow=None
        if inflow is None
        else replace(
            inflow,
            times=longer(inflow.times),
            marks=longer(inflow.marks),
            sequence=longer(inflow.sequence),
        ),
        exposure=None if exposure is None else replace(exposure, at=longer(exposure.at, 1)),
    )
