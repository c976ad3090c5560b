"""One device against several: value and gradient of each likelihood, and NUTS on one long stream.

Run as ``python -m benchmarks.devices``; ``--devices 4`` for more than two host devices. Both are
measured in one process, turn by turn, in wall time: the ratio counts. XLA may use several threads
for one device, too; so on a CPU one device is measured on one core as well.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.katz_likelihood import log_of

EVENTS, CASCADES, USERS_TIMES, NUTS_EVENTS = 10_000_000, 100_000, 6.67, 1_000_000
MU, ALPHA = np.array([0.5, 0.5]), np.array([[0.3, 0.1], [0.2, 0.3]])
GAMMA = np.array([[2.0, 3.0], [4.0, 1.0]])
TRUTH = {"mu": MU, "alpha": ALPHA, "gamma": GAMMA}


def stream_of(events: float) -> Any:
    """One long stream of two marks."""
    import jax

    import hawkesjax as hj

    rate = np.linalg.solve(np.eye(2) - ALPHA, MU).sum()
    return hj.simulate(hj.Hawkes(), TRUTH, window=(0, events / rate), key=jax.random.key(0))


def cascades_of(count: int) -> Any:
    """Posts of 2,000 hours with some ten reposts each."""
    import hawkesjax as hj

    rng = np.random.default_rng(0)
    sizes = np.minimum(rng.geometric(0.1, count), 200)
    post, made = np.repeat(np.arange(count), sizes), np.sort(rng.uniform(0, 2000, count))
    times = made[post] + rng.exponential(5, len(post))
    return hj.Cascades.from_arrays(
        made,
        rng.integers(10, 5000, count),
        times,
        rng.integers(1, 3000, len(post)),
        post,
        sentiment=rng.integers(0, 3, count),
        window=(0, 2100),
        unit="hour",
        late="drop",
    )


def cases(scale: float) -> Any:
    """Name, model, data and parameters of each likelihood."""
    import hawkesjax as hj

    panel = stream_of(EVENTS * scale)
    yield "hawkes", hj.Hawkes(), panel, TRUTH | {"mu": MU[None]}
    data = cascades_of(int(CASCADES * scale))
    params = {"beta": [np.log(data.num_posts / 2100)], "tau": 20.0, "swing": [0.1, 0.1]}
    params |= {"p0_mean": 1e-3, "p0_shape": 2.0}
    yield "retweet", hj.RetweetHawkes(), data, params
    activity, truth = log_of(USERS_TIMES * scale)
    yield "katz", hj.KatzSpike(), activity, truth


def timed(call: Any) -> float:
    """Seconds of a call, until its result is there."""
    import jax

    begin = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - begin


@contextlib.contextmanager
def on_one_core() -> Iterator[bool]:
    """All threads of this process on one core, where they are the system's to place."""
    folder = Path("/proc/self/task")
    if not folder.exists() or os.environ.get("JAX_PLATFORMS", "cpu") != "cpu":
        yield False
        return
    threads = [int(path.name) for path in folder.iterdir()]
    before = {thread: os.sched_getaffinity(thread) for thread in threads}
    for thread, cores in before.items():
        os.sched_setaffinity(thread, {max(cores)})
    try:
        yield True
    finally:
        for thread, cores in before.items():
            os.sched_setaffinity(thread, cores)


def compared(name: str, model: Any, data: Any, params: Any, mesh: Any, repeats: int) -> Any:
    """Wall time of value and gradient on one device and on a mesh, in turns."""
    import jax
    import jax.numpy as jnp

    params = {key: jnp.asarray(value, float) for key, value in params.items()}
    one = model.prepare(data)
    several = model.prepare(one, mesh=mesh)
    function = jax.jit(jax.value_and_grad(model.log_likelihood))
    places = {"one": one, "several": several}
    seconds: dict[str, list[float]] = {key: [] for key in places}
    values = {key: float(jax.block_until_ready(function(params, places[key]))[0]) for key in places}
    for _ in range(repeats):
        for key, place in places.items():
            seconds[key].append(timed(lambda place=place: function(params, place)))
    best = {key: min(found) for key, found in seconds.items()}
    row = {"case": name, "events": int(one.num_events), **best}
    row |= {"ratio": best["one"] / best["several"]}
    with on_one_core() as alone:
        if alone:
            row["core"] = min(timed(lambda: function(params, one)) for _ in range(repeats))
            row["ratio to a core"] = row["core"] / best["several"]
    row |= {"difference": abs(values["several"] / values["one"] - 1)}
    print(row, flush=True)
    return row


def sampled(scale: float, devices: int) -> Any:
    """Wall time of one chain's NUTS on one device and on all."""
    import jax

    import hawkesjax as hj

    panel, seconds = stream_of(NUTS_EVENTS * scale), {}
    some = {"num_warmup": 150, "num_samples": 150, "num_chains": 1, "pointwise": None}
    for name, mesh in {"one": None, "several": hj.make_mesh(devices)}.items():
        post = hj.sample(
            hj.Hawkes(), panel, key=jax.random.key(1), mesh=mesh, progress=False, **some
        )
        steps = int(post.sample_stats["num_steps"].sum())
        seconds[name] = post.info["seconds"]["sampling"]
    row = {"case": "nuts", "events": panel.num_events, **seconds, "leapfrog_steps": steps}
    row["ratio"] = seconds["one"] / seconds["several"]
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, print and keep."""
    options = record.parser(__doc__)
    options.add_argument("--devices", type=int, default=2)
    given = options.parse_args()
    import jax

    jax.config.update("jax_enable_x64", True)
    if os.environ.get("JAX_PLATFORMS", "cpu") == "cpu":  # no effect beside an accelerator
        jax.config.update("jax_num_cpu_devices", given.devices)
    import hawkesjax as hj

    rows, mesh = [], hj.make_mesh(given.devices)
    for name, model, data, params in cases(given.scale):
        if record.wanted(name, given.cases):
            rows.append(compared(name, model, data, params, mesh, given.repeats))
    if record.wanted("nuts", given.cases):
        rows.append(sampled(given.scale, given.devices))
    used = {name: str(value) for name, value in vars(given).items() if name != "peer_python"}
    print(record.save("devices", rows, used, given.out))


if __name__ == "__main__":
    main()
