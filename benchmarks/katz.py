"""Katz scores at the size of a real network: sweep, radius, ranking, reading, and peers.

Run as ``python -m benchmarks.katz``. Times are CPU times of one core. The networks have 10^6 users
and 10^7 edges: `hubs` and `heavy`, where users who are listened to also listen (tails that are
heavy on both sides, as in message logs, and heavier), and `uniform`, where everyone is alike. A
network without structure is the hardest for a Krylov basis. Repeated sweeps work in the same
memory; in fresh memory, which a virtual machine may give out slowly, they are timed besides.
Sweeps and BiCGSTAB take turns, so that both see the same machine.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import record

record.pin()

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.sparse.linalg import LinearOperator, bicgstab  # noqa: E402

import hawkesjax as hj  # noqa: E402
from hawkesjax.katz.steady.krylov import Effort, krylov_sweep, sweep_room  # noqa: E402
from hawkesjax.katz.steady.radius import radius_bounds  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
STARS = np.arange(20) * 0.05
TOLERANCE = 1e-8
TAILS = {"hubs": (1.6, 2.2), "heavy": (3.0, 3.0)}  # of listeners, senders


def network(kind: str, users: int, edges: int) -> sparse.csr_array:
    """A random network of about so many distinct edges."""
    rng = np.random.default_rng(0)
    if kind == "uniform":
        listener, sender = rng.integers(0, users, (2, edges))
    else:
        label = rng.permutation(users)
        listener, sender = (
            label[(users * rng.random(edges) ** tail).astype(np.int64)] for tail in TAILS[kind]
        )
    keys = np.unique(listener * users + sender)
    rows, columns = np.divmod(keys, users)
    begins = np.zeros(users + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=users), out=begins[1:])
    return sparse.csr_array(
        (np.ones(len(keys)), columns.astype(np.int32), begins), shape=(users, users)
    )


def sweep(kind: str, given: Any) -> dict[str, Any]:
    """Sweep, single solve, BiCGSTAB, radius and one product on one network."""
    users = int(10**6 * given.scale)
    matrix = network(kind, users, int(1.02e7 * given.scale))
    b = np.random.default_rng(1).poisson(1.0, users).astype(float)
    row: dict[str, Any] = {"case": f"sweep-{kind}", "users": users, "edges": int(matrix.nnz)}
    found = radius_bounds(matrix)
    row["radius"] = record.seconds_of(lambda: radius_bounds(matrix), given.repeats)
    row["radius"] |= {
        "value": found.value,
        "gap": (found.upper - found.lower) / found.value,
        "products": found.products,
    }
    alphas = STARS / found.value
    row["product"] = record.seconds_of(lambda: matrix @ b, 2 * given.repeats)
    room = sweep_room(len(alphas), users)
    effort = Effort(TOLERANCE, room=room)
    row["sweep"] = record.seconds_of(lambda: krylov_sweep(matrix, b, alphas, effort), given.repeats)
    row["single"] = record.seconds_of(
        lambda: krylov_sweep(matrix, b, alphas[-1:], effort), given.repeats
    )
    row["sweep_fresh"] = record.seconds_of(
        lambda: krylov_sweep(matrix, b, alphas, Effort(TOLERANCE)), given.repeats
    )
    whole = krylov_sweep(matrix, b, alphas, Effort(TOLERANCE))
    true = [
        np.linalg.norm(b - scores + alpha * (matrix @ scores)) / np.linalg.norm(b)
        for alpha, scores in zip(alphas, whole.scores, strict=True)
    ]
    row["sweep"] |= {"products": whole.products, "worst_residual": float(max(true))}
    row["bicgstab"] = bicgstab_one_by_one(
        matrix,
        b,
        alphas[1:],
        whole.scores[1:],
        between=lambda: krylov_sweep(matrix, b, alphas, effort),
    )
    if not given.no_peers:
        row["peers"] = networkit(matrix, float(alphas[10]), given)
    return row


def bicgstab_one_by_one(
    matrix: sparse.csr_array,
    b: np.ndarray,
    alphas: np.ndarray,
    scores: np.ndarray,
    *,
    between: Callable[[], Any],
) -> dict[str, Any]:
    """SciPy's BiCGSTAB for one alpha after the other, and apart what it takes to form I - alpha A;
    with an operator in place of the formed system; and our sweep, taking turns with them."""
    forming, solving, operating, sweeping, apart = [], [], [], [], 0.0
    eye = sparse.eye_array(len(b), format="csr")
    for alpha, expected in zip(alphas, scores, strict=True):
        start = time.process_time()
        system = sparse.csr_array(eye - alpha * matrix)
        formed = time.process_time()
        solution, failed = bicgstab(system, b, rtol=TOLERANCE)
        solved = time.process_time()
        assert not failed
        apart = max(apart, float(np.abs(solution - expected).max() / expected.max()))
        operator = LinearOperator(
            matrix.shape, lambda x, a=alpha: x - a * (matrix @ x), dtype=float
        )
        again = time.process_time()
        assert not bicgstab(operator, b, rtol=TOLERANCE)[1]
        operated = time.process_time()
        between()
        sweeping.append(time.process_time() - operated)
        operating.append(operated - again)
        forming.append(formed - start)
        solving.append(solved - formed)
    return {
        "forming_s": forming,
        "solving_s": solving,
        "operator_s": operating,
        "sweep_s": sweeping,
        "largest_difference": apart,
    }


def networkit(matrix: sparse.csr_array, alpha: float, given: Any) -> dict[str, Any]:
    """One alpha by networkit, in an interpreter that has it."""
    named = dict(pair.split("=", 1) for pair in given.peer_python)
    python = named.get("networkit") or os.environ.get("PEER_PYTHON_NETWORKIT") or sys.executable
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edges.npz"
        coordinates = matrix.tocoo().coords
        np.savez(path, listener=coordinates[0], sender=coordinates[1], users=matrix.shape[0])
        command = [python, str(ROOT / "benchmarks/peers/katz_networkit.py"), str(path), str(alpha)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"skipped": (done.stderr.strip().splitlines() or ["it failed"])[-1]}
    version, seconds = done.stdout.split()[-2:]
    return {"peer": "networkit", "version": version, "seconds": float(seconds), "alpha_star": 0.5}


def reading(given: Any) -> dict[str, Any]:
    """A log of 10^7 messages from CSV into an Activity, in a process of its own."""
    rows, users = int(10**7 * given.scale), int(10**6 * given.scale)
    rng = np.random.default_rng(0)
    when = np.sort(rng.integers(0, 7 * 86400, rows))
    source, target = (users * rng.random((2, rows)) ** 2).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        import pandas as pd

        frame = pd.DataFrame({"time": when, "source": source, "target": target})
        frame.to_csv(path, index=False)
        del frame
        program = (
            "import resource, time, hawkesjax as hj\n"
            "import hawkesjax.katz.data.activity\n"
            "wall, cpu = time.perf_counter(), time.process_time()\n"
            f"a = hj.read_messages({str(path)!r}, edges='messages', bin=60, unit='second', "
            "usual=(0, 345600))\n"
            "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
            "print(time.perf_counter() - wall, time.process_time() - cpu, peak, a.num_edges)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    wall, cpu, peak, edges = done.stdout.split()
    return {
        "case": "reading",
        "messages": rows,
        "edges": int(edges),
        "wall_s": float(wall),
        "cpu_s": float(cpu),
        "peak_bytes": int(peak),
    }


def higgs() -> dict[str, Any]:
    """Products until the top 100 of the Higgs log is proven, at alpha* = 0.6."""
    folder = Path(os.environ.get("HAWKESJAX_DATA", ROOT.parent / "shared" / "data"))
    path = folder / "higgs2012" / "events.csv.gz"
    if not path.exists():
        return {"case": "higgs", "skipped": "the data are not here (set HAWKESJAX_DATA)"}
    activity = hj.read_messages(path, kind="kind", bin=60, unit="second", usual=(0, 259200))
    start = time.process_time()
    ranking = hj.katz.rank(activity, alpha_star=0.6, top=100)
    return {
        "case": "higgs",
        "products": ranking.products,
        "certified": ranking.certified,
        "cpu_s": time.process_time() - start,
    }


def against(value: float, limit: float, least: bool = False) -> str:
    """A figure beside the one to reach."""
    reached = value >= limit if least else value <= limit
    return f" (at {'least' if least else 'most'} {limit:g}: {'yes' if reached else 'NO'})"


def show(row: dict[str, Any]) -> None:
    """One case in words."""
    if "skipped" in row:
        print(f"{row['case']}: skipped, {row['skipped']}")
    elif row["case"] == "reading":
        print(
            f"reading {row['messages']:,} messages: {row['wall_s']:.1f} s"
            f"{against(row['wall_s'], 30)}, {row['cpu_s']:.1f} s of CPU, "
            f"peak {row['peak_bytes'] / 1e9:.2f} GB"
            f"{against(row['peak_bytes'] / 1e9, 3)}"
        )
    elif row["case"] == "higgs":
        print(
            f"higgs2012: top 100 at alpha* = 0.6 {'' if row['certified'] else 'NOT '}certified by "
            f"{row['products']} products{against(row['products'], 20)}, {row['cpu_s']:.2f} s"
        )
    else:
        _show_sweep(row)


def _show_sweep(row: dict[str, Any]) -> None:
    whole, single = row["sweep"]["median_s"], row["single"]["median_s"]
    print(f"{row['case']}: {row['users']:,} users, {row['edges']:,} edges")
    print(
        f"  one product {row['product']['median_s']:.4f} s, "
        f"{1e9 * row['product']['median_s'] / row['edges']:.2f} ns an edge"
    )
    print(
        f"  sweep of 20 alpha* {whole:.2f} s{against(whole, 1.0)}, {row['sweep']['products']} "
        f"products, worst residual {row['sweep']['worst_residual']:.1e}"
        f"{against(row['sweep']['worst_residual'], 1.01 * TOLERANCE)}"
    )
    print(f"  in fresh memory each time {row['sweep_fresh']['median_s']:.2f} s")
    print(
        f"  against one solve at 0.95 ({single:.2f} s): {whole / single:.2f}x"
        f"{against(whole / single, 1.5)}"
    )
    peer = row["bicgstab"]
    turns = float(np.median(peer["sweep_s"]))
    formed, solved, operated = (
        sum(peer[name]) for name in ("forming_s", "solving_s", "operator_s")
    )
    print(
        f"  BiCGSTAB, one alpha* after the other ({solved:.1f} s) against sweeps in turn with it "
        f"({turns:.2f} s): {solved / turns:.1f}x{against(solved / turns, 15, least=True)}; "
        f"I - alpha A formed first ({formed:.1f} s): {(formed + solved) / turns:.1f}x; "
        f"an operator ({operated:.1f} s): {operated / turns:.1f}x"
    )
    radius = row["radius"]
    print(
        f"  radius {radius['value']:.9g}, relative gap {radius['gap']:.0e}: "
        f"{radius['median_s']:.2f} s{against(radius['median_s'], 1.5)}"
    )
    peer = row.get("peers", {})
    if "skipped" in peer:
        print(f"  networkit: skipped, {peer['skipped']}")
    elif peer:
        print(
            f"  networkit {peer['version']}, one alpha* of 0.5: {peer['seconds']:.1f} s of CPU, "
            f"{peer['seconds'] / whole:.0f}x our sweep"
        )


def main() -> None:
    options = record.parser(__doc__)
    given = options.parse_args()
    cases = {
        "sweep-hubs": lambda: sweep("hubs", given),
        "sweep-heavy": lambda: sweep("heavy", given),
        "sweep-uniform": lambda: sweep("uniform", given),
        "reading": lambda: reading(given),
        "higgs": higgs,
    }
    rows = []
    for name, measure in cases.items():
        if record.wanted(name, given.cases):
            rows.append(measure())
            show(rows[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory of this process {peak / 1e9:.2f} GB")
    used = {key: str(value) for key, value in vars(given).items() if key != "peer_python"}
    print("wrote", record.save("katz", rows, used, given.out))


if __name__ == "__main__":
    main()
