"""Identifiers as given: restored from floating point, folded, replaced by pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ABSENT, Rows, column_of, refuse
from hawkesjax.inputs.clock import EXACT
from hawkesjax.inputs.dialect import Dialect

DIGITS = 16  # of a pseudonym: 64 bits, for which a million names collide once in 10**7 times
SHORTEST = 16  # bytes of a key


def read_identifiers(frame: pd.DataFrame, columns: Sequence[Any], rows: Rows) -> list[np.ndarray]:
    """Columns of identifiers as text, "" if missing or one of the words for it; floating-point
    numbers that cannot have lost digits become whole numbers again.

    Text such as "1.0" or "1e5" is a number if the first column holds only whole numbers.
    """
    out = []
    for column in columns:
        series: Any = column_of(frame[column], str(column), rows)
        missing = series.isna().to_numpy(bool)
        text = series.astype(object).where(~missing, "").map(lambda v: str(v).strip())
        out.append(text.where(~text.isin(ABSENT), "").to_numpy(object))
        if pd.api.types.is_float_dtype(series.dtype):
            refuse_rounded(series.to_numpy(np.float64, na_value=0), str(column), rows)
    known = pd.Series(np.concatenate(out), dtype=object).drop_duplicates()
    written: Any = known[(known != "") & ~known.str.fullmatch(r"[+-]?\d+")]
    numbers: Any = pd.to_numeric(written, errors="coerce")
    numbers = pd.Series(numbers.to_numpy(), index=written)
    numbers = numbers[numbers == np.floor(numbers)]  # NaN: not a number
    if not len(numbers) or not written[written.isin(out[0])].isin(numbers.index).all():
        return out
    for text, column in zip(out, columns, strict=True):
        place = numbers.index.get_indexer(pd.Index(text))
        floats = np.where(place >= 0, numbers.to_numpy()[place], 0)
        refuse_rounded(floats, str(column), rows)
        text[place >= 0] = floats[place >= 0].astype(np.int64).astype(str)
    return out


def missing_in(series: Any) -> np.ndarray:
    """Mask of the missing values of a column, including words for them."""
    text = series.astype(object).map(lambda v: v.strip() if isinstance(v, str) else v)
    return text.isna().to_numpy(bool) | text.isin(list(ABSENT)).to_numpy(bool)


def refuse_rounded(numbers: np.ndarray, column: str, rows: Rows) -> None:
    """Refuse identifiers that are fractions, or numbers beyond the exact range of float64."""
    wrong = ~(np.abs(numbers) <= EXACT) | (numbers != np.floor(numbers))
    remedy = (
        "Read this column as text (dtype=str) or as whole numbers (dtype='Int64') where the table "
        "was made; digits that a file has lost can only be restored from its source."
    )
    what = "an identifier that floating point has rounded"
    refuse(wrong, column, what, remedy, lambda row: f"{numbers[row]:.17g}", rows)


def disguised(
    frame: pd.DataFrame, columns: Sequence[Any], dialect: Dialect, rows: Rows
) -> list[np.ndarray]:
    """Columns of identifiers, folded and replaced by pseudonyms as the dialect asks; None where
    missing.

    Raises:
        ValueError: for a key that is missing or short, and for two names with the same pseudonym.
    """
    out = read_identifiers(frame, columns, rows)
    known = pd.unique(np.concatenate([*out, np.array([""], object)]))
    shown = dict(zip(known, known, strict=True))
    if dialect.fold:
        shown = {name: name.removeprefix("@").strip().casefold() for name in known}
    if dialect.pseudonyms is not None:
        key = key_of(dialect.pseudonyms)
        folded = dict.fromkeys(name for name in shown.values() if name)
        table = {name: pseudonym(name, key) for name in folded}
        if len(set(table.values())) < len(table):
            raise ValueError("Two names have the same pseudonym under this key. Use another key.")
        shown = {name: table.get(short, "") for name, short in shown.items()}
    text = [np.array([shown[name] or None for name in names], object) for names in out]
    return text


def pseudonym(name: str, key: bytes) -> str:
    """The first 16 hexadecimal digits of a name's HMAC-SHA256."""
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:DIGITS]


def key_of(path: str | os.PathLike[str]) -> bytes:
    """The secret key in a file, without trailing line ends."""
    file = Path(path)
    try:
        key = file.read_bytes().rstrip(b"\r\n")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"pseudonyms: the key file {str(file)!r} cannot be read ({error})."
        ) from error
    if len(key) < SHORTEST:
        raise ValueError(
            f"pseudonyms: the key in {str(file)!r} has {len(key)} bytes; give at least {SHORTEST} "
            f"random ones, and keep them secret: whoever has them can identify the names."
        )
    return key
