"""User ids of two columns as codes of one table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ABSENT, MISSING, Rows, column_of, listed, refuse
from hawkesjax.inputs.identifiers import refuse_rounded
from hawkesjax.inputs.labels import read_whole
from hawkesjax.inputs.names import Names

# Ids up to this many times the number of rows are looked up in a table, of 5 bytes per id.
SPREAD = 8


def read_users(
    columns: dict[str, Any], optional: frozenset[str], rows: Rows
) -> tuple[dict[str, np.ndarray], Names]:
    """Codes of the users in several columns, and the names they share.

    Whole numbers in every column stay numbers; anything else is text, and blanks around it are
    taken away. Users are sorted: as numbers where all are whole numbers, else as text. Where an id
    is missing in one of the `optional` columns, its code is -1; elsewhere it is refused, as are
    negative numbers and fractions.
    """
    series = {name: column_of(values, name, rows) for name, values in columns.items()}
    numeric = all(pd.api.types.is_numeric_dtype(s.dtype) or not len(s) for s in series.values())
    read = _numbers if numeric else _text
    parts = [read(s, name, name in optional, rows) for name, s in series.items()]
    if not numeric:
        parts = _as_numbers(parts, list(series), rows)
    sizes = np.cumsum([len(s) for s in series.values()])[:-1]
    missing = np.concatenate([lost for _, lost in parts])
    codes, names = _number_codes(parts, missing) if numeric else _text_codes(parts, missing)
    codes[missing] = -1
    return dict(zip(series, np.split(codes, sizes), strict=True)), names


def _numbers(series: Any, column: str, optional: bool, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    array = read_whole(series, "user", column, rows, optional)
    remedy = "Number users 0, 1, ...; -1 often stands for a missing one: leave it empty."
    refuse(array < 0, column, "a negative user", remedy, array, rows)
    return array, series.isna().to_numpy(bool)


def _number_codes(parts: list[Any], missing: np.ndarray) -> tuple[np.ndarray, Names]:
    values = np.concatenate([array for array, _ in parts])
    there = values if not missing.any() else values[~missing]
    top = int(there.max(initial=-1)) + 1
    if top <= SPREAD * len(values) + 1_000_000:
        seen = np.zeros(max(top, 1), bool)
        seen[there] = True
        known = np.flatnonzero(seen[:top])
        place = np.cumsum(seen, dtype=np.int32) - np.int32(1)
        return place[values], Names(known)
    codes, known = pd.factorize(there)
    order = np.argsort(known, kind="stable")
    place = np.empty(len(known), np.int32)
    place[order] = np.arange(len(known), dtype=np.int32)
    out = np.full(len(values), -1, np.int32)
    out[~missing] = place[codes]
    return out, Names(known[order])


def _text(series: Any, column: str, optional: bool, rows: Rows) -> tuple[Any, np.ndarray]:
    missing = series.isna().to_numpy(bool)
    if pd.api.types.is_float_dtype(series.dtype):
        series = pd.Series(_numbers(series, column, optional, rows)[0])
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    codes, labels = pd.factorize(series.astype("str"))
    stripped = np.array([str(label).strip() for label in labels], object)
    absent = np.array([label in ABSENT for label in stripped], bool)
    if len(labels):
        missing = missing | (codes < 0) | absent[codes]
    if not optional:
        refuse(missing, column, "a missing user", MISSING, None, rows)
    return (codes, stripped), missing


def _as_numbers(parts: list[Any], columns: list[str], rows: Rows) -> list[Any]:
    """Users that floating point has written ("2.0") as the whole numbers they were, where all are
    whole numbers; of those that may have lost digits, rows are named."""
    out = []
    spelled = np.unique(np.concatenate([text[text != ""] for (_, text), _ in parts]).astype(str))
    spelled = spelled[~np.isin(spelled, list(ABSENT))]
    numbers: Any = pd.to_numeric(pd.Series(spelled, dtype=object), errors="coerce")
    floats = numbers.to_numpy(np.float64)
    written = np.array([not one.removeprefix("-").isdecimal() for one in spelled], bool)
    if not written.any() or not (np.isfinite(floats) & (floats == np.floor(floats))).all():
        return parts
    known = dict(zip(spelled[written].tolist(), floats[written].tolist(), strict=True))
    for ((codes, text), missing), column in zip(parts, columns, strict=True):
        found = np.array([known.get(one, 0.0) for one in text], np.float64)
        refuse_rounded(np.where(codes >= 0, found[codes] if len(text) else 0, 0), column, rows)
        short = [str(int(known[one])) if one in known else one for one in text.tolist()]
        out.append(((codes, np.array(short, object)), missing))
    return out


def _text_codes(parts: list[Any], missing: np.ndarray) -> tuple[np.ndarray, Names]:
    spelled = [text for (_, text), _ in parts]
    joint, known = pd.factorize(np.concatenate([*spelled, np.empty(0, object)]))
    offsets = np.cumsum([0] + [len(text) for text in spelled])
    codes = np.concatenate(
        [
            joint[offset + np.maximum(own, 0)] if len(text) else np.full(len(own), -1)
            for ((own, text), _), offset in zip(parts, offsets, strict=False)
        ]
    )
    used = np.zeros(len(known), bool)
    used[codes[~missing]] = True
    whole = all(name.isdecimal() for name in known[used])
    keys = known.tolist()
    order = sorted(
        np.flatnonzero(used).tolist(),
        key=(lambda i: (int(keys[i]), keys[i])) if whole else keys.__getitem__,
    )
    place = np.full(len(known) + 1, -1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[codes], Names(known[order])


def same_space(codes: dict[str, np.ndarray], names: Names) -> str | None:
    """A sentence where no user occurs in both columns, as ids of two different tables do."""
    first, second = codes
    seen = np.zeros((2, len(names)), bool)
    for row, column in zip(seen, (first, second), strict=True):
        row[codes[column][codes[column] >= 0]] = True
    if not seen[0].any() or not seen[1].any() or (seen[0] & seen[1]).any():
        return None
    return (
        f"No user occurs both in {first!r} and in {second!r} (for example {first} "
        f"{listed(names.take(np.flatnonzero(seen[0])[:3]))}, {second} "
        f"{listed(names.take(np.flatnonzero(seen[1])[:3]))}): are they ids of one table?"
    )
