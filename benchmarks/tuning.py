"""Are the tuned constants of the likelihoods still well chosen on this machine?

Run as ``python -m benchmarks.tuning``. Each constant is set to values around its own, and value and
gradient are timed at each, in turns; printed are the times as ratios to that of the value in use.
The comments beside the constants cite these figures.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.events import simulate
from benchmarks.record import parser, pin, save, seconds_of, wanted


@dataclass(frozen=True)
class Knob:
    """A constant and the case on which it is varied.

    Args:
        module, name: where it stands.
        values: that are tried.
        events, marks: size of the case.
        decay, settings: of the model.
    """

    module: str
    name: str
    values: tuple[float, ...]
    events: int
    marks: int
    decay: str = "pair"
    settings: tuple[tuple[str, Any], ...] = ()


COUNTS = "hawkesjax.hawkes.counts"
PAIRS = (("form", "pairs"),)
KNOBS = (
    Knob(f"{COUNTS}.choose", "FEW_MARKS", (0, 99), 200_000, 2),
    Knob(f"{COUNTS}.choose", "FEW_MARKS", (0, 99), 200_000, 3),
    Knob(f"{COUNTS}.choose", "FEW_MARKS", (0, 99), 200_000, 4),
    Knob(f"{COUNTS}.choose", "FEW_MARKS", (0, 99), 200_000, 6),
    Knob(f"{COUNTS}.choose", "FEW_MARKS", (0, 99), 200_000, 10),
    Knob(f"{COUNTS}.pairs_chunks", "CHUNK", (192, 384, 768, 1536, 3072), 400_000, 20,
         "pair", PAIRS),
    Knob(f"{COUNTS}.pairs_chunks", "OVERHEAD", (25, 50, 100, 200, 400, 800), 20_000, 20,
         "pair", PAIRS),
    Knob(f"{COUNTS}.pairs_places", "LANE", (16, 32, 64, 128, 256), 400_000, 20, "pair", PAIRS),
    Knob(f"{COUNTS}.pairs_places", "BLOCK", (6_000, 12_500, 25_000, 50_000, 100_000), 400_000, 20,
         "pair", PAIRS),
    Knob(f"{COUNTS}.pairs_places", "PADDING", (1.0, 1.1, 1.3), 400_000, 20, "pair", PAIRS),
    Knob("hawkesjax.hawkes.timeline", "HELD", (2**14, 2**16, 2**18, 2**20), 20_000, 2, "pair",
         (("link", "softplus"),)),
    Knob("hawkesjax.hawkes.timeline", "LONGEST", (16, 32, 64, 128), 20_000, 2, "pair",
         (("link", "softplus"),)),
)  # fmt: skip


def timed(knob: Knob, value: float, scale: float) -> tuple[Callable[[], Any], int]:
    """A call of value and gradient with the constant at this value, and the number of events."""
    import jax

    import hawkesjax as hj

    module = importlib.import_module(knob.module)
    kept = getattr(module, knob.name)
    case = simulate(max(int(knob.events * scale), 1000), knob.marks, knob.decay)
    names = [str(mark) for mark in range(knob.marks)]
    panel = hj.EventPanel.from_arrays(
        case.times, case.marks, window=(0.0, case.end), mark_names=names
    )
    model = hj.Hawkes(decay=knob.decay, **dict(knob.settings))
    setattr(module, knob.name, value)
    try:
        prepared = model.prepare(panel)
        function = jax.jit(jax.value_and_grad(model.log_likelihood))
        params = {"mu": case.mu[None, :], "alpha": case.alpha, "gamma": case.gamma}
        jax.block_until_ready(function(params, prepared))  # traced with this value
    finally:
        setattr(module, knob.name, kept)
    return lambda: jax.block_until_ready(function(params, prepared)), panel.num_events


def measure(knob: Knob, given: Any) -> dict[str, Any]:
    """Nanoseconds an event at each value; the values take turns."""
    kept = getattr(importlib.import_module(knob.module), knob.name)
    calls = {value: timed(knob, value, given.scale) for value in knob.values}
    seconds: dict[float, list[float]] = {value: [] for value in knob.values}
    for _ in range(given.repeats):
        for value, (call, _) in calls.items():
            seconds[value].append(seconds_of(call, 1)["median_s"])
    events = next(iter(calls.values()))[1]
    times = {value: float(np.median(each)) / events * 1e9 for value, each in seconds.items()}
    return {
        "constant": f"{knob.module.removeprefix('hawkesjax.')}.{knob.name}",
        "in_use": kept,
        "events": events,
        "marks": knob.marks,
        "ns_per_event": {f"{value:g}": time for value, time in times.items()},
    }


def line_of(row: dict[str, Any]) -> str:
    """A constant's times as ratios to the fastest."""
    times = row["ns_per_event"]
    best = min(times.values())
    parts = ", ".join(f"{value}: {time / best:.2f}" for value, time in times.items())
    return (
        f"{row['constant']} = {row['in_use']:g} (D = {row['marks']}, {row['events']:,} events; "
        f"{best:.1f} ns an event at best): {parts}"
    )


def main() -> None:
    given = parser(__doc__).parse_args()
    pin()
    import jax

    jax.config.update("jax_enable_x64", True)
    rows = []
    for knob in KNOBS:
        if wanted(knob.name, given.cases):
            rows.append(measure(knob, given))
            print(line_of(rows[-1]), flush=True)
    save("tuning", rows, vars(given), given.out)


if __name__ == "__main__":
    main()
