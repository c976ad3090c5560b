"""Measure hawkesjax's value and gradient on one file of events; prints one line of JSON.

Run as ``python -m benchmarks.ours EVENTS.npz`` by `benchmarks.likelihood`, a process a case, so
that precision, compilation and peak memory of one case do not touch another's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

import numpy as np

from benchmarks.record import Memory, pin, seconds_of, versions


def measure(stored: dict[str, np.ndarray], given: argparse.Namespace) -> dict[str, Any]:
    """Nanoseconds an event, the first call with compilation, peak memory and the value."""
    import jax
    import jax.numpy as jnp

    import hawkesjax as hj

    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    dtype = np.dtype(given.dtype)
    gamma = stored["gamma"]
    if given.fixed:
        model = hj.Hawkes(gamma=gamma)
    else:
        model = hj.Hawkes(decay=("shared", "source", "pair")[gamma.ndim], form=given.form)
    params = {"mu": stored["mu"][None, :], "alpha": stored["alpha"], "gamma": gamma}
    if given.fixed:
        del params["gamma"]
    if given.round:
        params = {name: value.astype(np.float32) for name, value in params.items()}
    params = {name: jnp.asarray(value, dtype) for name, value in params.items()}

    def prepare(count: int):
        times, marks = stored["times"][:count] + given.offset, stored["marks"][:count]
        end = stored["end"] if count == len(stored["times"]) else stored["times"][count - 1]
        names = [str(mark) for mark in range(len(stored["mu"]))]
        window = (given.offset, float(end) + given.offset)
        panel = hj.EventPanel.from_arrays(times, marks, window=window, mark_names=names)
        return model.prepare(panel, dtype=dtype)

    function = jax.jit(jax.value_and_grad(model.log_likelihood))
    jax.block_until_ready(function(params, prepare(min(500, len(stored["times"])))))
    with Memory() as memory:
        began = clock()
        prepared = prepare(len(stored["times"]))
        preparing = clock() - began
        value, gradient = jax.block_until_ready(function(params, prepared))
    call = lambda: jax.block_until_ready(function(params, prepared))  # noqa: E731
    timing = seconds_of(call, given.repeats, clock)
    count = len(stored["times"])
    return {
        "form": type(prepared.form).__name__,
        "device": jax.devices()[0].device_kind,
        "prepare_s": preparing,
        "log_likelihood": float(value),
        "gradient_max": {k: float(jnp.max(jnp.abs(g))) for k, g in gradient.items()},
        "ns_per_event": timing["median_s"] / count * 1e9,
        "peak_bytes": memory.added,
        "bytes_per_event": None if memory.added is None else memory.added / count,
        "exponentials_ns_per_event": exponentials(count, given, clock) if given.yardstick else None,
        **timing,
        "versions": versions(),
    }


def exponentials(count: int, given: argparse.Namespace, clock: Any) -> float:
    """Nanoseconds an event of four exponentials and nothing else: what D = 2 by pair must pay.

    They are summed a row of 1,024 events at a time and never written to memory.
    """
    import jax
    import jax.numpy as jnp

    gaps = np.random.default_rng(0).exponential(size=(max(count // 1024, 1), 1024))
    gaps = jnp.asarray(gaps, given.dtype)
    rates = jnp.asarray([0.5, 1.0, 2.0, 3.0], given.dtype)[:, None]

    @jax.jit
    def function(rates, gaps):
        add = lambda total, row: (total + jnp.exp(-rates * row), None)  # noqa: E731
        return jax.lax.scan(add, jnp.zeros((4, 1024), gaps.dtype), gaps)[0]

    jax.block_until_ready(function(rates, gaps))
    timing = seconds_of(lambda: function(rates, gaps).block_until_ready(), given.repeats, clock)
    return timing["median_s"] / count * 1e9


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("events")
    options.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    options.add_argument("--fixed", action="store_true", help="the decays are given, not learned")
    options.add_argument("--form", default="auto")
    options.add_argument("--offset", type=float, default=0.0, help="added to all time stamps")
    options.add_argument("--round", action="store_true", help="round the parameters to float32")
    options.add_argument("--yardstick", action="store_true", help="also time 4N exponentials")
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--platform", default="cpu")
    given = options.parse_args()
    os.environ["JAX_PLATFORMS"] = given.platform
    os.environ["JAX_ENABLE_X64"] = "1" if given.dtype == "float64" else "0"
    pin()
    with np.load(given.events, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    print(json.dumps(measure(arrays, given), default=float))


if __name__ == "__main__":
    main()
