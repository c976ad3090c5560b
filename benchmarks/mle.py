"""Maximum likelihood to true convergence: CPU seconds after compilation, and the gradient left.

Run as ``python -m benchmarks.mle``, on one core. The second of two fits to the same events counts
(the first one compiles); the layout of the events for the device is part of it.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.events import Case, simulate
from benchmarks.peers import run as peers


@dataclass(frozen=True)
class Task:
    """One fit and the seconds that it may take."""

    name: str
    num_events: int
    num_marks: int
    limit_s: float
    peers: tuple[str, ...] = ()


TASKS = (
    Task("mle-2-1e6", 10**6, 2, 1.5, peers=("hawkes-engine",)),
    Task("mle-20-1e5", 10**5, 20, 60.0),
)


def fit(case: Case, errors: bool) -> dict[str, Any]:
    """One fit from the model's own start."""
    import hawkesjax as hj

    names = [str(mark) for mark in range(len(case.mu))]
    panel = hj.EventPanel.from_arrays(
        case.times, case.marks, window=(0.0, case.end), mark_names=names
    )
    cpu, wall = time.process_time(), time.perf_counter()
    estimate = hj.fit(hj.Hawkes(), panel, errors=errors)
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "converged": estimate.converged,
        "result": estimate.result.value,
        "message": estimate.message,
        "steps": estimate.steps,
        "gradient_nats_per_event": estimate.gradient,
        "log_likelihood": estimate.log_likelihood,
        "worst_error_of_mu": float(np.max(np.abs(estimate.params["mu"] - case.mu))),
        "worst_error_of_alpha": float(np.max(np.abs(estimate.params["alpha"] - case.alpha))),
    }


def measure(task: Task, given: Any) -> dict[str, Any]:
    """First and second fit, the second with standard errors, and the peers."""
    case = simulate(max(500, int(task.num_events * given.scale)), task.num_marks, "pair")
    row: dict[str, Any] = {"case": task.name, "num_events": case.num_events}
    row["first"] = fit(case, errors=False)
    row["second"] = fit(case, errors=False)
    row["limit_s"] = task.limit_s
    if given.errors:
        fit(case, errors=True)
        row["with_errors"] = fit(case, errors=True)
    names = () if given.no_peers else task.peers
    row["peers"] = list(peers.measure(case, names, given.peer_python, task="fit"))
    return row


def show(task: Task, row: dict[str, Any]) -> None:
    """One case in words."""
    mine = row["second"]
    met = "yes" if mine["cpu_s"] <= task.limit_s and mine["converged"] else "NO"
    print(f"\n{task.name}: N = {row['num_events']:,}, D = {task.num_marks}")
    print(f"  hawkesjax: {mine['cpu_s']:.2f} s CPU (at most {task.limit_s:g}: {met}), ", end="")
    print(f"{mine['steps']} steps, {row['first']['cpu_s']:.1f} s with compilation")
    print(f"  {mine['message']}")
    print(f"  gradient {mine['gradient_nats_per_event']:.1e} nats per event; ", end="")
    print(f"log-likelihood {mine['log_likelihood']:.6f}")
    if "with_errors" in row:
        print(f"  with standard errors: {row['with_errors']['cpu_s']:.2f} s CPU")
    for peer in row["peers"]:
        if "skipped" in peer:
            print(f"  {peer['peer']}: skipped, {peer['skipped']}")
            continue
        short = mine["log_likelihood"] - peer["log_likelihood"]
        print(f"  {peer['peer']} {peer['version']}: {peer['cpu_s']:.2f} s CPU, ", end="")
        print(f"{peer['cpu_s'] / mine['cpu_s']:.1f}x ours; {short:.3g} nats below ours; ", end="")
        print(f"says converged: {peer['converged']}")


def main() -> None:
    options = record.parser(__doc__)
    options.add_argument("--errors", action="store_true", help="also time standard errors")
    given = options.parse_args()
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    record.pin()
    rows = []
    for task in TASKS:
        if record.wanted(task.name, given.cases):
            rows.append(measure(task, given))
            show(task, rows[-1])
    options_used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print("\nwrote", record.save("mle", rows, options_used, given.out))
    if not all(row["second"]["converged"] for row in rows):
        sys.exit("a fit did not converge")


if __name__ == "__main__":
    main()
