"""What a GPU brings to value and gradient, maximum likelihood and NUTS, against one CPU core.

Run as ``python -m benchmarks.gpu`` on a machine with a GPU; it needs neither ArviZ nor the peers.
One process a platform does all cases in the order of their weight and leaves out what no longer
fits into ``--seconds``. Times on the CPU are CPU times of one core, those on a GPU wall times,
after a first call that compiles and is recorded apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.events import Case, simulate

ROOT = Path(__file__).resolve().parent.parent
WARMUP, SAMPLES, CHAINS, BLOCK = 200, 300, 4, 50


@dataclass(frozen=True)
class Task:
    """One case: a likelihood in one form and precision, a fit, or a run of the sampler."""

    kind: str  # "gradient", "fit" or "nuts"
    num_events: int
    num_marks: int
    decay: str
    form: str = "auto"
    dtype: str = "float64"

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.decay}-{self.num_marks}-{self.num_events:.0e}".replace("+0", "")

    @property
    def events(self) -> str:
        """The file of the events, which several tasks share."""
        return f"{self.decay}-{self.num_marks}-{self.num_events}.npz"


PAIR = [
    Task("gradient", size, 2, "pair", form, dtype)
    for size in (10**6, 10**5, 10**7)
    for form in ("lanes", "registers", "pairs")
    for dtype in ("float64", "float32")
    if size < 10**7 or form != "pairs"
]
MANY = [
    *(Task("gradient", 10**6, 20, decay, "pairs") for decay in ("pair", "source")),
    Task("gradient", 10**6, 20, "fixed"),
    *(Task("gradient", 10**6, 20, decay, "lanes") for decay in ("pair", "source")),
]
TASKS = (
    *PAIR[:4],
    *MANY,
    Task("fit", 10**6, 2, "pair"),
    Task("nuts", 5000, 2, "panel", "lanes"),
    *PAIR[4:],
    Task("gradient", 10**5, 2, "pair", "scan"),
    Task("nuts", 5000, 2, "panel", "pairs"),
    *(Task("gradient", 10**8, 2, "pair", form, "float32") for form in ("lanes", "registers")),
)
SEQUENCES = 20  # of the panel


def panel_of(stored: dict[str, np.ndarray], sequences: int = 1) -> Any:
    """The events as a panel; cut into sequences of equal length for the sampler."""
    import hawkesjax as hj

    times, end = stored["times"], float(stored["end"])
    length = end / sequences
    sequence = np.minimum((times / length).astype(int), sequences - 1)
    names = [str(mark) for mark in range(len(stored["mu"]))]
    return hj.EventPanel.from_arrays(
        np.clip(times - sequence * length, 0, length),
        stored["marks"],
        sequence=sequence,
        window=(0.0, length),
        mark_names=names,
        sequence_names=[str(number) for number in range(sequences)],
    )


def gradient(task: Task, stored: dict[str, np.ndarray], given: Any, clock: Callable) -> dict:
    """Nanoseconds an event of value and gradient."""
    import jax
    import jax.numpy as jnp

    import hawkesjax as hj

    params = {"mu": stored["mu"][None, :], "alpha": stored["alpha"], "gamma": stored["gamma"]}
    if task.decay == "fixed":
        model = hj.Hawkes(gamma=params.pop("gamma"))
    else:
        model = hj.Hawkes(decay=task.decay, form=task.form)
    params = {name: jnp.asarray(value, task.dtype) for name, value in params.items()}
    prepared = model.prepare(panel_of(stored), dtype=np.dtype(task.dtype))
    function = jax.jit(jax.value_and_grad(model.log_likelihood))
    call = lambda: jax.block_until_ready(function(params, prepared))  # noqa: E731
    wall = time.perf_counter()
    value, _ = call()
    compiled, start = time.perf_counter() - wall, time.perf_counter()
    call()
    once = time.perf_counter() - start
    timing = record.seconds_of(call, max(1, min(given.repeats, int(4 / max(once, 1e-9)))), clock)
    return {
        "form": type(prepared.form).__name__,
        "log_likelihood": float(value),
        "ns_per_event": timing["median_s"] / len(stored["times"]) * 1e9,
        "compile_s": compiled,
        **timing,
    }


def fit(task: Task, stored: dict[str, np.ndarray], given: Any, clock: Callable) -> dict:
    """Seconds of the second of two fits."""
    import hawkesjax as hj

    model = hj.Hawkes(decay=task.decay, form=task.form)
    seconds = []
    for _ in range(2):
        panel = panel_of(stored)
        start = clock()
        estimate = hj.fit(model, panel, errors=False)
        seconds.append(clock() - start)
    return {
        "form": type(model.prepare(panel).form).__name__,
        "first_s": seconds[0],
        "seconds": seconds[1],
        "steps": estimate.steps,
        "converged": estimate.converged,
        "gradient_nats_per_event": estimate.gradient,
        "log_likelihood": estimate.log_likelihood,
    }


def nuts(task: Task, stored: dict[str, np.ndarray], given: Any, clock: Callable) -> dict:
    """Gradients a second and seconds of vectorised chains, compilation apart."""
    import jax
    import jax.numpy as jnp
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    import hawkesjax as hj
    from hawkesjax.core.nuts import Settings, kernel_for
    from hawkesjax.core.unconstrained import Unconstrained, best_start, scattered

    model = hj.Hawkes(baseline="shared", form=task.form)
    prepared = model.prepare(panel_of(stored, SEQUENCES))
    dense = tuple(tuple(names) for names in model.dense_mass(prepared))
    kernel = kernel_for(model, Settings(WARMUP, 0.8, 10, dense, BLOCK))
    start = best_start(Unconstrained(model), prepared)
    keys = jax.random.split(jax.random.key(0), CHAINS)
    points = [scattered(start, key, 0.1) for key in keys]
    points = jax.tree.map(lambda *leaves: jnp.stack(leaves), *points)
    began = clock()
    state = kernel.init(keys, points, prepared)
    jax.block_until_ready(kernel.advance(state, prepared, jnp.asarray(0)))
    compiled, began, steps, draws = clock() - began, clock(), 0, []
    for number in range((WARMUP + SAMPLES) // BLOCK):
        state, block = jax.block_until_ready(kernel.advance(state, prepared, jnp.asarray(BLOCK)))
        steps += int(np.sum(np.asarray(block.statistics["num_steps"])))
        if number >= WARMUP // BLOCK:
            draws.append(jax.tree.map(np.asarray, block.point))
        if time.perf_counter() > given.stop:
            break
    seconds = clock() - began
    row = {
        "form": type(prepared.form).__name__,
        "compile_s": compiled,
        "seconds": seconds,
        "iterations": (number + 1) * BLOCK,
        "gradients": steps,
        "gradients_per_s": steps / seconds,
    }
    if len(draws) * BLOCK >= 100:
        drawn = jax.tree.map(lambda *leaves: np.concatenate(leaves, 1), *draws)
        row["min_ess"] = min(float(np.min(effective_sample_size(v))) for v in drawn.values())
        row["max_r_hat"] = max(float(np.max(split_gelman_rubin(v))) for v in drawn.values())
    return row


MEASURES = {"gradient": gradient, "fit": fit, "nuts": nuts}


def work(given: argparse.Namespace) -> None:
    """All cases on one platform: a line of JSON each. A process of its own."""
    began = time.perf_counter()
    given.stop = began + given.seconds
    if given.worker == "cpu":
        record.pin()
    import jax

    backend = jax.default_backend()
    if given.worker != "cpu" and backend == "cpu":
        sys.exit("jax found no accelerator")
    clock = time.process_time if backend == "cpu" else time.perf_counter
    about = {"platform": backend, "device": jax.devices()[0].device_kind}
    for number, task in enumerate(TASKS):
        if not chosen(task, given) or (task.form == "registers" and backend == "cpu"):
            continue  # on a CPU that form is interpreted
        row = {"task": number, "case": task.name, "dtype": task.dtype, "asked": task.form, **about}
        with np.load(Path(given.folder) / task.events, allow_pickle=False) as file:
            stored = {key: file[key] for key in file.files}
        row["num_events"] = len(stored["times"])
        if time.perf_counter() > given.stop:
            row["skipped"] = "no time left"
        else:
            try:
                row |= MEASURES[task.kind](task, stored, given, clock)
            except Exception as error:  # one case that fails must not lose the others
                row["skipped"] = f"{type(error).__name__}: {str(error)[:300]}"
        row["versions"] = record.versions()
        print(json.dumps(row, default=float), flush=True)


def rows_of(platform: str, folder: str, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Start a platform's process and read its rows as they come."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--worker", platform, "--folder", folder]
    for name in ("cases", "repeats", "seconds", "largest"):
        command += [f"--{name}", str(getattr(given, name))]
    environment = dict(os.environ, JAX_ENABLE_X64="1")
    environment.pop("JAX_PLATFORMS", None)
    if platform == "cpu":
        environment["JAX_PLATFORMS"] = "cpu"
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stdout or ():
            if line.startswith("{"):
                yield json.loads(line)
    if process.returncode:
        yield {"case": "all", "platform": platform, "skipped": f"ended with {process.returncode}"}


def line_of(row: dict[str, Any]) -> str:
    """One row of the table."""
    head = f"{row['platform']:5} {row['case']:22} {row.get('form', row.get('asked', '')):10} "
    head += f"{row.get('dtype', ''):8} "
    if "skipped" in row:
        return head + f"skipped: {row['skipped']}"
    if "ns_per_event" in row:
        body = f"{row['ns_per_event']:9.2f} ns an event"
    elif "gradients" in row:
        body = f"{row['gradients_per_s']:9.0f} gradients a second, {row['seconds']:.1f} s for "
        body += f"{row['iterations']} iterations of {CHAINS} chains"
        if "min_ess" in row:
            body += f", least ESS {row['min_ess']:.0f}, R-hat at most {row['max_r_hat']:.3f}"
    else:
        body = f"{row['seconds']:9.2f} s, {row['steps']} steps, "
        body += "converged" if row["converged"] else "NOT converged"
    return head + body + f"  (first {row.get('compile_s', row.get('first_s', 0)):.1f} s)"


def chosen(task: Task, given: argparse.Namespace) -> bool:
    """Whether a task is asked for."""
    return record.wanted(task.name, given.cases) and task.num_events <= given.largest


def write_events(folder: str, given: argparse.Namespace) -> None:
    """Simulate every stream that is asked for, once."""
    for task in TASKS:
        path = Path(folder) / task.events
        if path.exists() or not chosen(task, given):
            continue
        count = max(200, int(task.num_events * given.scale))
        decay = {"fixed": "shared", "panel": "pair"}.get(task.decay, task.decay)
        case: Case = simulate(count, task.num_marks, decay)
        case.save(folder).rename(path)


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--platforms", default="gpu,cpu", help="in this order")
    options.add_argument("--seconds", type=float, default=120, help="a platform's time")
    options.add_argument("--largest", type=int, default=10**7, help="events; up to 100,000,000")
    options.add_argument("--worker", default="", help=argparse.SUPPRESS)
    options.add_argument("--folder", default="", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given)
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_events(folder, given)
        for platform in given.platforms.split(","):
            for row in rows_of(platform, folder, given):
                rows.append(row)
                print(line_of(row), flush=True)
    hidden = ("peer_python", "no_peers", "worker", "folder")
    used = {key: str(value) for key, value in vars(given).items() if key not in hidden}
    print("\nwrote", record.save("gpu", rows, used, given.out))


if __name__ == "__main__":
    main()
