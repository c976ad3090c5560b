"""A panel of which each process holds some sequences, laid out over the devices of all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from hawkesjax.core.hosts import Shares, agreed, all_names, compare, exchange, own_parts
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.prepared import PreparedPanel, prepare
from hawkesjax.hawkes.sizes import of_one_size, sizes_of
from hawkesjax.inputs.checks import listed


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
            "start": np.asarray(panel.start),
            "duration": np.asarray(panel.duration),
            "counts": panel.counts,
            "sums": _sums(panel),
        }
    )
    compare(facts, {"mark_names": "mark_names", "unit": "unit", "origin": "window"})
    names = all_names([one["sequence_names"] for one in facts], "sequence")
    start, duration, counts, sums = (
        np.concatenate([one[name] for one in facts])
        for name in ("start", "duration", "counts", "sums")
    )
    begin = sum(len(one["sequence_names"]) for one in facts[: jax.process_index()])
    parts = agreed(lambda: [_prepared(model, panel, cut, names, begin, dtype) for cut in cuts])
    sizes = [size for some in exchange([sizes_of(one) for one in parts]) for size in some]
    parts = of_one_size(parts, sizes)
    real = parts[0].durations.dtype
    whole = PreparedPanel(
        form=None,
        durations=duration.astype(real),
        observed=duration.astype(real),
        counts=counts.astype(real),
        marks=np.zeros(0, np.int32),
        sequence=np.zeros(0, np.int32),
        powers=np.zeros_like(parts[0].powers),
        longest=np.zeros_like(parts[0].longest),
        num_sequences=len(names),
        num_marks=panel.num_marks,
        shares=Shares.of(parts, {"duration": duration, "counts": counts, "sums": sums}, mesh),
    )
    nothing = np.zeros(0)
    frame = replace(
        panel,
        times=nothing,
        waits=nothing,
        remaining=nothing,
        marks=nothing.astype(np.int32),
        sequence=nothing.astype(np.int32),
        start=start,
        duration=duration,
        sequence_names=names,
        magnitude=None,
    )
    return whole, frame


def _cuts(model: Any, panel: Any, mesh: Any) -> list[tuple[int, int]]:
    """The sequences of each device of this process; what cannot be shared is refused."""
    model.check(panel)
    known = {
        "gaps": len(panel.gaps),
        "an exposure": len(panel.exposure),
        "a history": len(panel.history),
        "a resolution": panel.resolution,
    }
    given = [name for name, value in known.items() if value]
    if given:
        raise ValueError(
            f"The panel has {listed(given)}, which one process alone can evaluate: leave mesh out, "
            f"or use hawkesjax.make_mesh()."
        )
    plain = model.background.covariates is None and model.link == "identity"
    if not plain or model.strength or model.form not in ("auto", "lanes"):
        raise ValueError(
            "Over hosts events are laid out by lanes: models with covariates, magnitudes, "
            "alpha_effects, a lag, a link or another form= run on one process."
        )
    return own_parts(mesh, panel.counts.sum(axis=1), "sequence")


def _prepared(
    model: Any,
    panel: EventPanel,
    cut: tuple[int, int],
    names: tuple[str, ...],
    begin: int,
    dtype: Any,
) -> PreparedPanel:
    """Some sequences of a panel on the host, as the whole of which no other is ever seen; the
    panel's first sequence is number `begin` of the whole."""
    begin, alone = begin + cut[0], cut == (0, panel.num_sequences)
    part = panel if alone else panel.select(range(*cut))

    def placed(values: Any) -> np.ndarray:
        out = np.zeros(len(names))
        out[begin : begin + len(values)] = values
        return out

    part = replace(
        part,
        sequence=part.sequence + np.int32(begin),
        sequence_names=names,
        start=placed(part.start),
        duration=placed(part.duration),
    )
    made = prepare(part, form="lanes", dtype=dtype, gamma=model.gamma, kernel=model.kernel)
    return jax.tree.map(np.asarray, made)


def _sums(panel: Any) -> np.ndarray:
    """Sums of times by sequence and mark, which tell panels with equal counts apart."""
    cells = np.asarray(panel.sequence, np.int64) * panel.num_marks + panel.marks
    size = panel.num_sequences * panel.num_marks
    return np.bincount(cells, weights=panel.times, minlength=size).reshape(-1, panel.num_marks)
