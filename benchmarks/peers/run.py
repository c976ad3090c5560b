"""Run the peers' workers on a case, each with its own interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.events import Case

ROOT = Path(__file__).resolve().parent.parent.parent


def interpreters(given: Iterable[str]) -> dict[str, str]:
    """NAME=PATH pairs; a peer that is not named is looked for in the environment."""
    pairs = dict(pair.split("=", 1) for pair in given)
    for name in ("hawkes-engine", "intensify", "tick"):
        variable = "PEER_PYTHON_" + name.upper().replace("-", "_")
        pairs.setdefault(name, os.environ.get(variable, sys.executable))
    return pairs


def measure(
    case: Case,
    names: Iterable[str],
    given: Iterable[str],
    *,
    task: str = "likelihood",
    repeats: int = 7,
    timeout_s: float = 1200,
) -> Iterator[dict[str, Any]]:
    """One row a peer: its numbers, or why it has none."""
    pythons = interpreters(given)
    with tempfile.TemporaryDirectory() as folder:
        path = case.save(folder)
        for name in names:
            command = [pythons[name], "-m", "benchmarks.peers.worker", name, str(path)]
            command += ["--task", task, "--repeats", str(repeats)]
            try:
                done = subprocess.run(
                    command,
                    cwd=ROOT,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    capture_output=True,
                    text=True,
                    timeout=timeout_s,
                )
            except (subprocess.TimeoutExpired, OSError) as error:
                yield {"peer": name, "skipped": f"{type(error).__name__}: {error}"}
                continue
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["no message"])[-1]
                yield {"peer": name, "skipped": f"ended with {done.returncode}: {why}"}
            else:
                yield json.loads(done.stdout.strip().splitlines()[-1])
