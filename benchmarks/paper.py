"""Bytes of the prepared data by formula, what fits on a GPU, and what devices send each other.

Run as ``python -m benchmarks.paper``: the tables of ``docs/paper-and-pencil.md``.
"""

from __future__ import annotations

import argparse
import math
import re
from typing import Any

GPU, SHARE = 80e9, 0.9  # bytes of a GPU, and the share of them that data may take
INT = 4
COLLECTIVE = re.compile(r"= (.*?) (?:all-reduce|collective-permute|all-gather|all-to-all)\(")
ARRAY = re.compile(r"(f64|f32|s64|s32)\[([\d,]*)\]")
WIDTHS = {"f64": 8, "f32": 4, "s64": 8, "s32": 4}


def hawkes_lanes(marks: int, width: int) -> int:
    """Bytes an event of the lanes: gap, lag, jumps by mark; place, sequence, two marks."""
    return width * (2 + marks) + 4 * INT


def hawkes_pairs(marks: int, width: int) -> int:
    """Bytes an event of the pairs: two gaps; a place and a lag for each source; five whole
    numbers."""
    return (INT + width) * marks + 2 * width + 5 * INT


def retweet(sizes: dict[str, int], width: int, nodes: int = 16) -> int:
    """Bytes of the prepared cascades from their `sizes`: young reposts are atoms, each with its row
    of the panel's polynomials; older ones are summed in blocks."""
    return (
        sizes["atoms"] * ((2 + nodes) * width + INT)
        + sizes["blocks"] * ((3 + nodes) * width + 2 * INT)
        + sizes["young"] * (2 * width + 2 * INT)
        + sizes["panels"] * (2 + 5 * nodes) * width
        + sizes["nodes"] * (4 * width + INT)
        + sizes["posts"] * 4 * width
    )


def katz(sizes: dict[tuple[int, str], int], width: int) -> int:
    """Bytes of the prepared activity from its `sizes`: kinds of users, however many users are of
    each."""
    each = {
        "grids": 2 * width,
        "classes": width + INT,
        "cells": 2 * width + INT + 1,
        "terms": width + 2 * INT,
        "groups": 2 * width + INT,
        "kinds": 2 * width,
    }
    return sum(size * each[what] for (_, what), size in sizes.items())


def sent(lanes: int, marks: int, devices: int, width: int) -> float:
    """Bytes that a device sends for a gradient by lanes: the two states at the lanes' ends, once
    there and once back as XLA's partitioner moves them by one lane, and the maps of 8 blocks of
    lanes, composed over 1, 2 and 4 blocks."""
    return 4 * marks**2 * width * (lanes / devices + 2 * 3 * 8)


def moved(events: int = 100_000) -> tuple[int, int]:
    """Lanes of a stream of two marks on two host devices, and the bytes that its compiled gradient
    moves between them, by the collectives of the program."""
    import jax
    import numpy as np

    import hawkesjax as hj

    rng, model = np.random.default_rng(0), hj.Hawkes()
    times, marks = np.sort(rng.uniform(0, events, events)), rng.integers(0, 2, events)
    panel = hj.EventPanel.from_arrays(times, marks, window=(0, events))
    prepared: Any = model.prepare(panel, mesh=hj.make_mesh(2))
    params = {"mu": np.ones((1, 2)), "alpha": np.full((2, 2), 0.2), "gamma": np.ones((2, 2))}
    program = jax.jit(jax.value_and_grad(model.log_likelihood_inside)).lower(params, prepared)
    total = 0
    for line in str(program.compile().as_text()).splitlines():
        found = COLLECTIVE.search(line)
        for kind, shape in ARRAY.findall(found[1]) if found else ():
            total += WIDTHS[kind] * math.prod(int(size) for size in shape.split(",") if size)
    return prepared.form.wide, total


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--compiled", action="store_true", help="count what a program moves, too")
    given = options.parse_args()
    print("| form | bytes an event, float64 | float32 | events on 80 GB, float32 |")
    print("|---|---|---|---|")
    forms = {"lanes": hawkes_lanes, "pairs": hawkes_pairs}
    for name, marks in (("lanes", 2), ("lanes", 20), ("pairs", 20), ("pairs", 200)):
        double, single = (forms[name](marks, width) for width in (8, 4))
        print(f"| {name}, D = {marks} | {double} | {single} | {SHARE * GPU / single:.1e} |")
    print("\n| lanes | devices | MB sent by each for a gradient of two marks, float64 |")
    print("|---|---|---|")
    for lanes, devices in ((1480, 2), (1480, 16), (12_239_904, 128)):
        print(f"| {lanes:,} | {devices} | {sent(lanes, 2, devices, 8) / 1e6:.2f} |")
    if given.compiled:
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_num_cpu_devices", 2)
        lanes, total = moved()
        print(f"\nCompiled, two devices: {lanes:,} lanes, {total / 1e6:.2f} MB.")


if __name__ == "__main__":
    main()
