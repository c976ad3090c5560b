"""o2o-process's Stan model and a hand-written O(N) one, beside ours on the same panels.

Run as ``python -m benchmarks.o2o``, on one core. The panels and the Stan models' timings are read
from ``HAWKESJAX_REFERENCE`` (by default ``../shared/reference/o2o`` beside the repository). It
measures our gradient and our sampler (4 chains of 500 + 1,000, the second of two runs of the same
sizes) on each panel, and prints the tables of ``docs/o2o.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.nuts import ROOT, o2o, sample

PANELS = ("m5_t100", "m10_t200", "m20_t500")
TIMED = 0.5  # seconds over which gradients are repeated


def reference() -> dict[str, Any]:
    """The Stan models' timings; the script ends where they are not there."""
    default = ROOT.parent / "shared" / "reference"
    folder = Path(os.environ.get("HAWKESJAX_REFERENCE", default))
    for path in (folder / "timings.json", folder / "o2o" / "timings.json"):
        if path.exists():
            return json.loads(path.read_text())
    sys.exit("the o2o reference is not here (set HAWKESJAX_REFERENCE)")


def gradient_seconds(name: str) -> tuple[int, float]:
    """Events of a panel, and CPU seconds of one value and gradient of its log-likelihood, many in
    one compiled loop, as a sampler calls them."""
    import jax
    import jax.numpy as jnp

    built = o2o(name)(1.0)
    assert built is not None
    model, panel = built
    data = model.prepare(panel)
    params = {
        "mu": jnp.full((panel.num_sequences, 2), 0.2),
        "alpha": jnp.full((2, 2), 0.3),
        "gamma": jnp.full((2, 2), 2.0),
    }

    @jax.jit
    def several(params, data, times):
        def step(_, carry):
            slope = jax.grad(model.log_likelihood)(carry, data)
            return jax.tree.map(lambda value, part: value + 1e-30 * part, carry, slope)

        return jax.lax.fori_loop(0, times, step, params)

    def run(times: int) -> float:
        start = time.process_time()
        jax.block_until_ready(several(params, data, times))
        return time.process_time() - start

    run(1)
    times = max(10, int(TIMED / max(run(20) / 20, 1e-6)))
    return panel.num_events, float(np.median([run(times) / times for _ in range(3)]))


def sampler(name: str) -> dict[str, Any]:
    """Our figures of `benchmarks.nuts`, from the second of two runs."""
    built = o2o(name)(1.0)
    assert built is not None
    lengths = {"warmup": 500, "chains": 4, "from_fit": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the first run only compiles
        sample(*built, argparse.Namespace(samples=50, **lengths), seed=0)
    return sample(*built, argparse.Namespace(samples=1000, **lengths), seed=1)


def compare(cases: str) -> list[dict[str, Any]]:
    """A row a panel."""
    theirs = reference()
    rows = []
    for name in PANELS:
        if not record.wanted(name, cases):
            continue
        ours = sampler(name)
        events, seconds = gradient_seconds(name)
        gradient = theirs["seconds_per_gradient"][name]
        row = {
            "panel": name,
            "events": events,
            "gradient_s": seconds,
            "o2o_gradient_s": gradient["original_s"],
            "rewrite_gradient_s": gradient["fast0_s"],
            "ess": ours["ess_per_cpu_s"],
            "sampler": ours,
        }
        for key, stem in (("o2o_ess", "original"), ("rewrite_ess", "fast1")):
            found = [theirs.get(f"{stem}_{name}_{n}chain") for n in (4, 1)]
            first = next((one for one in found if one), None)
            row[key] = None if first is None else first["min_ess_all_per_cpu_s"]
        rows.append(row)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Two Markdown tables."""
    print("\nSmallest bulk effective sample size a CPU second, compilation apart:\n")
    print("| panel | events | o2o-process | O(N) Stan | hawkesjax | ratio to o2o | to O(N) Stan |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        told = [_number(row["o2o_ess"]), _number(row["rewrite_ess"]), _number(row["ess"])]
        told += [_ratio(row["ess"], row[key]) for key in ("o2o_ess", "rewrite_ess")]
        print(f"| {row['panel']} | {row['events']:,} | {' | '.join(told)} |")
    print("\nOne gradient of the log-likelihood, milliseconds:\n")
    print("| panel | events | o2o-process | O(N) Stan | hawkesjax | ratio to o2o | to O(N) Stan |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        seconds = [row[f"{stem}gradient_s"] for stem in ("o2o_", "rewrite_", "")]
        told = [f"{1e3 * one:.3f}" for one in seconds]
        told += [_ratio(one, seconds[2]) for one in seconds[:2]]
        print(f"| {row['panel']} | {row['events']:,} | {' | '.join(told)} |")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _ratio(large: float | None, small: float | None) -> str:
    return "" if large is None or small is None else f"{large / small:.3g}"


def main() -> None:
    given = record.parser(__doc__).parse_args()
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    record.pin()
    rows = compare(given.cases)
    show(rows)
    print("\nwrote", record.save("o2o", rows, {"timed": TIMED}, given.out))


if __name__ == "__main__":
    main()
