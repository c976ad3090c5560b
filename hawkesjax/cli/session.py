"""The start of every command: precision and device, and printing."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

import numpy as np

from hawkesjax.inputs.numbers import number


def start(
    *,
    x64: bool,
    device: str | None,
    cores: int | None = None,
    chains: int = 1,
    cache: bool = True,
) -> Any:
    """Configure jax, which is first imported here, and return hawkesjax.

    Raises:
        ValueError: for more cores than there are.
    """
    import jax

    if cores is not None and device == "gpu":
        raise ValueError("--cores is for the CPU: leave it out, or --device gpu.")
    jax.config.update("jax_enable_x64", x64)
    if device is not None:
        jax.config.update("jax_platforms", {"cpu": "cpu", "gpu": "cuda"}[device])
    if device != "gpu":
        # Chains run side by side, one host device each; what is left shares the data.
        have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if cores is not None and cores > (have or 1):
            raise ValueError(f"--cores is {cores}; this machine has {have}.")
        wanted = max(1, min(chains, have or 1)) if cores is None else cores
        if wanted > 1 and "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
            with contextlib.suppress(RuntimeError):  # jax is already running: it keeps its devices
                jax.config.update("jax_num_cpu_devices", wanted)
    try:
        jax.devices()
    except RuntimeError as error:
        raise RuntimeError(
            f"jax finds no {device or 'device'} here ({str(error).splitlines()[0]}); "
            f"leave --device out, or install the extra cuda12 or cuda13."
        ) from error
    import hawkesjax

    # Before 0.10.2, XLA writes a page of errors to the terminal for each program that it loads.
    if cache and jax.__version_info__ >= (0, 10, 2):
        with contextlib.suppress(OSError):  # no such folder for this user: every run compiles
            hawkesjax.cache_compilations()
    return hawkesjax


class Speaker:
    """Prints unless quiet, with the time that steps took."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.began = time.perf_counter()

    def say(self, text: str = "") -> None:
        """Print a line or several."""
        if not self.quiet:
            print(text, flush=True)

    def lap(self) -> str:
        """Seconds since the last call, in words."""
        now = time.perf_counter()
        seconds, self.began = now - self.began, now
        return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def as_json(value: Any) -> Any:
    """A result as JSON has it: tables as lists of rows, null for what is not a number."""
    import pandas as pd

    if isinstance(value, dict):
        return {str(name): as_json(one) for name, one in value.items()}
    if isinstance(value, pd.DataFrame):
        flat = [" ".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in value.columns]
        plain = isinstance(value.index, pd.RangeIndex) and value.index.name is None
        frame = value.set_axis(flat, axis=1)
        return as_json((frame if plain else frame.reset_index()).to_dict("records"))
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def print_json(value: Any) -> None:
    """Print a result as one JSON object."""
    print(json.dumps(as_json(value), indent=1, allow_nan=False), flush=True)


def table(frame: Any, rows: int = 60) -> str:
    """A table for the terminal: four digits, aligned, long ones truncated with a note."""
    shown = frame.head(rows)
    text = shown.to_string(float_format=number, na_rep="-")
    if len(shown) < len(frame):
        text += f"\n... {len(frame) - len(shown):,} more rows"
    return text
