"""Measure one peer on one file of events; prints one line of JSON.

Run as ``python -m benchmarks.peers.worker NAME EVENTS.npz`` with the peer's own interpreter. Each
peer is called through its compiled value-and-gradient at given parameters; the log-likelihood is
translated to ours: a full sum, target first, `alpha` the expected number of children.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.record import Memory, pin, seconds_of


def _by_mark(case: dict[str, Any]) -> list[np.ndarray]:
    return [case["times"][case["marks"] == mark] for mark in range(len(case["mu"]))]


def _coefficients(case: dict[str, Any]) -> np.ndarray:
    return np.concatenate([case["mu"], case["alpha"].ravel()])


def hawkes_engine(case: dict[str, Any]) -> Callable[[], float]:
    """Its alpha is our alpha times gamma; decays by pair or by source."""
    import hawkes_engine as peer

    gamma, shared = case["gamma"], case["gamma"].ndim == 1
    if gamma.ndim == 0:
        raise NotImplementedError("hawkes-engine has no form for fixed decays")
    times, marks = case["times"], case["marks"].astype(np.uint8)
    values = case["mu"], np.ascontiguousarray(case["alpha"] * gamma), gamma, case["end"]

    def call() -> float:
        return peer.loglik(times, marks, *values, grad=True, shared_decay=shared)["value"]

    return call


def intensify(case: dict[str, Any]) -> Callable[[], float]:
    """Decays by pair (dense), or one fixed decay for all (recursive)."""
    from intensify._libintensify import likelihood

    size, gamma = len(case["mu"]), case["gamma"]
    if gamma.ndim == 1:
        gamma = np.broadcast_to(gamma, (size, size))
    if gamma.ndim == 2:
        times, marks = case["times"], case["marks"].astype(np.int64)
        values = case["end"], size, case["mu"], case["alpha"].ravel(), gamma.ravel()
        return lambda: -likelihood.mv_exp_dense_neg_ll_with_grad(times, marks, *values)[0]
    model = likelihood.MvExpRecursiveLogLik(_by_mark(case), case["end"], float(gamma))
    start, gradient = _coefficients(case), np.empty(size + size * size)
    return lambda: -model.loss_and_grad(start, gradient)


def tick(case: dict[str, Any]) -> Callable[[], float]:
    """One fixed decay for all; its loss is -(log L + D T) / n.

    The compiled model itself: its Python class does not construct on every Python.
    """
    from tick.hawkes.model.build.hawkes_model import ModelHawkesExpKernLogLik

    if case["gamma"].ndim:
        raise NotImplementedError("tick's likelihood has one fixed decay for all pairs")
    model = ModelHawkesExpKernLogLik(float(case["gamma"]), 1)
    model.set_data([_by_mark(case)], np.array([case["end"]]))
    start, gradient = _coefficients(case), np.empty(len(case["mu"]) * (len(case["mu"]) + 1))
    count, offset = len(case["times"]), len(case["mu"]) * case["end"]
    return lambda: -model.loss_and_grad(start, gradient) * count - offset


def hawkes_engine_fit(case: dict[str, Any]) -> dict[str, Any]:
    """Its maximum-likelihood fit from its own starting values, without standard errors."""
    import hawkes_engine as peer

    start = time.process_time()
    fit = peer.fit(
        case["times"],
        case["marks"].astype(np.uint8),
        T=case["end"],
        M=len(case["mu"]),
        shared_decay=case["gamma"].ndim == 1,
        se_method=None,
        ridge_report=False,
    )
    seconds = time.process_time() - start
    return {
        "cpu_s": seconds,
        "log_likelihood": fit.loglik,
        "converged": fit.converged,
        "gradient_inf_norm_log": fit.gradient_inf_norm,
        "iterations": fit.nit,
    }


LIKELIHOODS = {"hawkes-engine": hawkes_engine, "intensify": intensify, "tick": tick}
FITS = {"hawkes-engine": hawkes_engine_fit}


def measure(name: str, path: str, task: str, repeats: int) -> dict[str, Any]:
    """One peer's numbers, or why there are none."""
    with np.load(path, allow_pickle=False) as stored:
        case: dict[str, Any] = {key: stored[key] for key in stored.files}
    case["end"] = float(case["end"])
    row = {"peer": name, "version": importlib.metadata.version(name)}
    row["python"] = platform.python_version()
    if task == "fit":
        return row | FITS[name](case)
    few = case["times"][:100]
    LIKELIHOODS[name](case | {"times": few, "marks": case["marks"][:100], "end": few[-1]})()
    with Memory() as memory:
        call = LIKELIHOODS[name](case)
        value = call()
    timing = seconds_of(call, repeats)
    return row | {
        "log_likelihood": float(value),
        "ns_per_event": timing["median_s"] / len(case["times"]) * 1e9,
        "peak_bytes": memory.added,
        **timing,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("name", choices=sorted(LIKELIHOODS))
    options.add_argument("events")
    options.add_argument("--task", choices=("likelihood", "fit"), default="likelihood")
    options.add_argument("--repeats", type=int, default=7)
    given = options.parse_args()
    pin()
    try:
        row = measure(given.name, given.events, given.task, given.repeats)
    except (ImportError, importlib.metadata.PackageNotFoundError):
        row = {"peer": given.name, "skipped": "not installed"}
    except NotImplementedError as error:
        row = {"peer": given.name, "skipped": str(error)}
    print(json.dumps(row, default=float))


if __name__ == "__main__":
    main()
