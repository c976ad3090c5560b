"""JSON: objects one per line, in one array, or alone, and the fields within them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import kind_of_value, short


def read_objects(name: str, raw: bytes) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The objects of a JSON text and the line on which each begins: one per line, or one array of
    them (or one object) over all lines.

    Raises:
        ValueError: for invalid JSON, or anything but objects; names the line.
    """
    lines = raw.split(b"\n")
    filled = [n for n, line in enumerate(lines) if line.strip()]
    found: list[Any] = []
    try:
        for n in filled:
            found.append(_parsed(lines[n]))
        places = np.array(filled, np.int64) + 1
    except ValueError as error:
        if found:
            problem = f"{name} has no JSON object in line {filled[len(found)] + 1} ({error})."
            raise ValueError(f"{problem} Write one object per line.") from error
        found, places = _whole(name, raw)
    if len(found) == 1 and isinstance(found[0], list):
        found, places = found[0], np.ones(len(found[0]), np.int64)
    for one, line in zip(found, places.tolist(), strict=True):
        if not isinstance(one, dict):
            raise ValueError(
                f"{name}, line {line}: {kind_of_value(one)} ({short(one)}) where an object of "
                f"fields is needed. Write one object per line, or one array of objects."
            )
    return found, places


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _whole(name: str, raw: bytes) -> tuple[list[Any], np.ndarray]:
    """A single value that spans several lines."""
    try:
        one = _parsed(raw)
    except ValueError as error:
        raise ValueError(
            f"{name} is not valid JSON ({error}). Give one object per line, or an array of objects."
        ) from error
    items = one if isinstance(one, list) else [one]
    return items, np.ones(len(items), np.int64)


def field_of(one: Any, path: str) -> Any:
    """A field of an object; "user.id" is a field of a nested object; None if it is missing."""
    if isinstance(one, dict) and path in one:
        return one[path]
    for part in path.split("."):
        if not isinstance(one, dict):
            return None
        one = one.get(part)
    return one


def columns_of(objects: Sequence[dict[str, Any]]) -> list[str]:
    """Names of all fields; those of nested objects are joined by a point."""
    names: dict[str, None] = {}

    def add(one: dict[str, Any], before: str) -> None:
        for key, value in one.items():
            if isinstance(value, dict):
                add(value, f"{before}{key}.")
            else:
                names.setdefault(f"{before}{key}")

    for one in objects:
        add(one, "")
    return list(names)


def frame_of(objects: Sequence[dict[str, Any]], columns: Iterable[str], labels: set[str]) -> Any:
    """A table of some fields; those that are `labels` are not converted, so that whole numbers keep
    their digits next to missing ones."""
    data = {}
    for name in columns:
        values = pd.Series([field_of(one, name) for one in objects], dtype=object)
        data[name] = values if name in labels else values.infer_objects()
    return pd.DataFrame(data)
