"""Layouts of equal size for streams of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from hawkesjax.hawkes.counts.lanes import LaneForm
from hawkesjax.hawkes.counts.lanes_layout import rung

# Padding that means no event and no lag. All other arrays are padded with 0.
BLANK = {"marks": -1, "lags": -1}
FEW = 4096  # events up to which lags may be padded to the full number of steps


def alike(forms: Sequence[LaneForm], beside: Sequence[dict[str, Any]] = ()) -> list[LaneForm]:
    """Pad the forms with empty lanes and steps to a common size, the largest of theirs and those
    `beside` (`sizes_of`).

    They then share one compilation. Padding does not change `event_terms` (a baseline by event may
    be padded with any value). Results by event (`decayed_counts`, `excitation`) are not defined for
    padded forms, since the `slots` of the padding lie outside.
    """
    known = [*map(sizes_of, forms), *beside]
    sizes = {name: _largest([one[name] for one in known]) for name in known[0]}
    return [_filled_up(form, sizes) for form in forms]


def sizes_of(form: LaneForm) -> dict[str, Any]:
    """Sizes of the arrays of a form, and its static ones, by name."""

    def size(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(size, value))
        return value if isinstance(value, int) else np.shape(value)

    return {part.name: size(getattr(form, part.name)) for part in fields(LaneForm)}


def on_ladder(form: LaneForm) -> LaneForm:
    """The form padded to the next sizes of the ladder; see `alike` for what that changes."""
    events = len(form.slots)
    if not events:
        return form
    steps, lanes = np.shape(form.gaps)
    most = int(rung(events, events))
    beside = lanes - -(-events // steps)  # extra lanes, since no lane holds two sequences
    wide = -(-most // steps) + int(rung(beside, events))
    wide = -(-wide // form.whole) * form.whole

    def size(name: str) -> Any:
        value = getattr(form, name)
        if name == "lags":  # up to FEW events one size for all marks
            rows = (
                min(int(rung(len(lags), events)), steps) if most > FEW else steps for lags in value
            )
            return tuple((row, wide) for row in rows)
        if name == "depth":  # the number of lanes covered doubles with each round of composition
            return 1 << (value - 1).bit_length() if value else 0
        if isinstance(value, int):
            return value
        return (most,) if name == "slots" else (*np.shape(value)[:-1], wide)

    return _filled_up(form, {part.name: size(part.name) for part in fields(LaneForm)})


def divisible(form: LaneForm, parts: int) -> LaneForm:
    """The form with lanes in a number that so many devices can share."""
    wide = -(-form.wide // parts) * parts
    if wide == form.wide:
        return form

    def size(name: str) -> Any:
        value = getattr(form, name)
        if name == "lags":
            return tuple((len(lags), wide) for lags in value)
        if isinstance(value, int):
            return value
        return np.shape(value) if name == "slots" else (*np.shape(value)[:-1], wide)

    return _filled_up(form, {part.name: size(part.name) for part in fields(LaneForm)})


def _filled_up(form: LaneForm, sizes: dict[str, Any]) -> LaneForm:
    blank = BLANK | {"owner": form.num_sequences - 1}
    filled = {
        name: _filled(getattr(form, name), size, blank.get(name, 0)) for name, size in sizes.items()
    }
    filled["slots"] = _moved(form, filled["gaps"].shape, sizes["slots"][0])
    return replace(form, **filled)


def _moved(form: LaneForm, shape: tuple[int, ...], size: int) -> Any:
    """The places of the events after lanes are added; those of the padding lie outside."""
    slots, have = np.asarray(form.slots), np.shape(form.gaps)
    step, lane = np.divmod(slots[slots < have[0] * have[1]], have[1])
    outside = shape[0] * shape[1] + np.arange(size - len(step))
    return np.concatenate([step * shape[1] + lane, outside]).astype(np.int32)


def _largest(sizes: list[Any]) -> Any:
    if isinstance(sizes[0], tuple):
        return tuple(_largest(list(part)) for part in zip(*sizes, strict=True))
    return max(sizes)


def _filled(value: Any, size: Any, blank: float) -> Any:
    if isinstance(value, tuple):
        return tuple(_filled(part, one, blank) for part, one in zip(value, size, strict=True))
    if isinstance(value, int):
        return size
    more = [(0, wanted - have) for wanted, have in zip(size, np.shape(value), strict=True)]
    return np.pad(np.asarray(value), more, constant_values=blank)
