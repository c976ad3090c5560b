"""The record of a run: what it took to get a result, so that it can be had again."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from hawkesjax._version import __version__
from hawkesjax.core.cache import kept
from hawkesjax.core.packing import digest

P = ParamSpec("P")
R = TypeVar("R")

LIBRARIES = ("jax", "numpyro", "numpy", "scipy")
_version = functools.cache(version)  # a look at files, 2 ms each
logger = logging.getLogger("hawkesjax")


def recorded(function: Callable[P, R]) -> Callable[P, R]:
    """Make a verb put a record of the run into its result, and log its start and end.

    The record, `result.record`, is a dict of plain values: verb, model, seed (a whole number given
    as key) or key, dtype, device, versions, date (UTC), data (SHA-256 of the data), settings
    (every other argument) and seconds.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **options)
        except TypeError:  # Python's own message is better, with the function's name
            return function(*args, **options)
        bound.apply_defaults()
        given = bound.arguments
        name = function.__name__
        model = type(given.get("model")).__name__
        logger.info("%s of %s begins", name, model)
        began = time.perf_counter()
        result = function(*args, **options)
        seconds = time.perf_counter() - began
        logger.info("%s of %s took %.2f s", name, model, seconds)
        return _with(result, _record(name, given, seconds))

    return call


def _with(result: Any, record: dict[str, Any]) -> Any:
    if hasattr(result, "info"):
        return dataclasses.replace(result, info=result.info | {"record": record})
    return dataclasses.replace(result, record=record)


def _record(verb: str, given: dict[str, Any], seconds: float) -> dict[str, Any]:
    devices = jax.devices()
    dtype = given.get("dtype")
    left_out = ("model", "values", "data", "key", "dtype", "prepared", "counts", "series")
    counted = [given[name] for name in ("counts", "series", "data") if name in given]
    return {
        "verb": verb,
        "model": type(given["model"]).__name__ if "model" in given else None,
        **_seed(given.get("key")),
        "dtype": str(jnp.zeros(()).dtype if dtype is None else np.dtype(dtype)),
        "device": f"{len(devices)} x {devices[0].device_kind}",
        "versions": {"hawkesjax": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in LIBRARIES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": data_hash(counted[0]),
        "settings": {n: _plain(one) for n, one in given.items() if n not in left_out},
        "seconds": round(seconds, 3),
    }


def _seed(key: Any) -> dict[str, Any]:
    if key is None:
        return {"seed": None}
    if isinstance(key, int | np.integer):
        return {"seed": int(key)}
    typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return {"key": np.asarray(jax.random.key_data(key) if typed else key).ravel().tolist()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping) and len(value) <= 20:
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and len(value) <= 20:
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, np.dtype) else f"a {type(value).__name__}"


def data_hash(data: Any) -> str:
    """SHA-256 of data as a file would hold them; "" for data that no file can hold."""
    try:
        return _kept_digest(data)
    except TypeError:  # a type of the user's, or of pandas, that cannot be kept by
        return digest(data)


_kept_digest = kept(digest)
