"""Text tables: comments, separators, headers, and the line of each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from hawkesjax.inputs.checks import joined
from hawkesjax.inputs.dialect import SEPARATORS, Dialect

# Bytes per piece. Measured on 2 CPU cores, 92 MB: 0.33 to 0.39 s from 2**18 to 2**26, 0.42 s in one
# piece, whose positions need eight times the file's size.
CHUNK = 1 << 24
NEWLINE, RETURN = 10, 13
BLANKS = re.compile(rb"[ \t]+")
UNQUOTED = re.compile(rb'("(?:[^"]|"")*")|[ \t]+')


@dataclass(frozen=True)
class TextTable:
    """A text table before its values are read.

    Args:
        columns: their names.
        body: the text, including its header if it has one, with fields separated by `separator`.
        separator: one character.
        lines: the line of the first row, or of every row.
    """

    columns: list[str]
    body: bytes
    separator: str
    lines: int | np.ndarray


def text_table(
    name: str, raw: bytes, dialect: Dialect, wanted: Collection[str], tabbed: bool = False
) -> TextTable:
    """Columns and lines of a text; refuses rows with more or fewer fields than the first, and
    blank lines before the last row.

    Args:
        name: what messages call the file.
        wanted: requested columns, which identify the separator if none is named.
        tabbed: whether the file's name implies that tabs separate the fields.
    """
    raw, numbers = without_comments(name, raw, dialect.comment)
    first = raw.split(b"\n", 1)[0].split(b"\r", 1)[0].decode()
    separator = dialect.separator or ("\t" if tabbed else _guess(first, dialect, wanted))
    if separator == " ":
        raw = _blanks_as_one(raw)
    columns, starts = _fields_and_lines(name, raw, separator, numbers)
    if dialect.headed:
        return TextTable(columns, raw, separator, starts[1:] if len(starts) > 1 else 2)
    if dialect.columns is None:
        names = [str(n + 1) for n in range(len(columns))]
    else:
        names = list(dialect.columns)
        if [text.strip() for text in columns] == names:
            raise ValueError(
                f"{name}: the first row already holds the names of the columns. Leave columns= out."
            )
    if len(names) != len(columns):
        raise ValueError(
            f"{name} has {len(columns)} columns in its first row, separated by "
            f"{_called(separator)}, but columns= names {len(names)}. Name each one."
        )
    return TextTable(names, raw, separator, starts)


def _called(separator: str) -> str:
    return {"\t": "tabs", " ": "blanks"}.get(separator, repr(separator))


def _guess(first: str, dialect: Dialect, wanted: Collection[str]) -> str:
    """The separator that splits the first line into the requested columns."""
    count = len(dialect.columns) if dialect.columns else 0
    asked = {name.strip() for name in wanted if isinstance(name, str)}

    def suits(mark: str) -> bool:
        fields = _split(first, mark)
        if dialect.headed:
            return asked <= {field.strip() for field in fields}
        if count:
            return len(fields) == count
        numbers = [int(name) for name in asked if name.isdecimal()]
        return len(fields) > 1 and len(fields) >= max(numbers, default=0)

    marks = [mark for mark in (*SEPARATORS, " ") if mark != dialect.decimal]
    most = max(marks, key=lambda mark: len(_split(first, mark)))
    if dialect.headed and not asked:
        return most
    return next(filter(suits, marks), most)


def _split(line: str, mark: str) -> list[str]:
    if mark == " ":
        line = BLANKS.sub(b" ", line.strip().encode()).decode()
    try:
        return next(csv.reader([line], delimiter=mark), [])
    except csv.Error:  # a field beyond the size limit
        return []


def _blanks_as_one(raw: bytes) -> bytes:
    """Each run of blanks as one, except within quotes; none at the ends of lines."""
    if b'"' in raw:
        raw = UNQUOTED.sub(lambda found: found[1] or b" ", raw)
    else:
        raw = BLANKS.sub(b" ", raw)
    return raw.replace(b" \r\n", b"\n").replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


def without_comments(name: str, raw: bytes, mark: str | None) -> tuple[bytes, np.ndarray | int]:
    """The lines that are not comments, and their numbers, or only the first number if they are
    consecutive."""
    if mark is None:
        return raw, 1
    sign, first = mark.encode(), 1
    while raw.lstrip(b" \t").startswith(sign):
        _, _, raw = raw.partition(b"\n")
        first += 1
    if not raw.strip():
        raise ValueError(f"{name} holds only comments ({mark} ...). It needs rows.")
    if b"\n" + sign not in BLANKS.sub(b"", raw) if b"\n " in raw else b"\n" + sign not in raw:
        return raw, first
    lines = raw.split(b"\n")
    kept = [n for n, line in enumerate(lines) if not line.lstrip(b" \t").startswith(sign)]
    return b"\n".join([lines[n] for n in kept]).rstrip(b"\r\n"), np.array(kept, np.int64) + first


def _fields_and_lines(
    name: str, raw: bytes, separator: str, numbers: np.ndarray | int
) -> tuple[list[str], np.ndarray]:
    """The fields of the first row, and the line number of each row."""
    if b'"' in raw:
        return _by_parser(name, raw, separator, numbers)
    if b"\r" in raw and raw.count(b"\r") != raw.count(b"\r\n"):
        raise ValueError(f"{name} ends lines with a lone carriage return. Save it with line feeds.")
    text = np.frombuffer(raw, np.uint8)
    upto, total = [], 0  # separators before the end of each line, and before the chunk
    for begin in range(0, len(text), CHUNK):
        piece = text[begin : begin + CHUNK]
        breaks, separators = (np.flatnonzero(piece == c) for c in (NEWLINE, ord(separator)))
        upto.append(total + np.searchsorted(separators, breaks))
        total += len(separators)
    sizes = np.diff(np.concatenate([*upto, [total]]), prepend=0) + 1
    first = raw.split(b"\n", 1)[0].decode().rstrip("\r")
    lines = _numbered(np.arange(1, len(sizes) + 1), numbers)
    _refuse_ragged(name, first, sizes, lines, _numbered(_blank_lines(raw, text), numbers))
    return first.split(separator), lines


def _numbered(lines: np.ndarray, numbers: np.ndarray | int) -> np.ndarray:
    """Lines of the remaining text, counted from 1, as lines of the file."""
    if isinstance(numbers, np.ndarray):
        return numbers[lines - 1]
    return lines + (numbers - 1)


def _blank_lines(raw: bytes, text: np.ndarray) -> np.ndarray:
    """Places of blank lines among the text, counted from 1."""
    if b"\n\n" not in raw and b"\n\r\n" not in raw and text[0] not in (NEWLINE, RETURN):
        return np.zeros(0, np.int64)
    lines = text.tobytes().split(b"\n")
    return np.array([i + 1 for i, line in enumerate(lines) if not line.strip()], np.int64)


def _by_parser(
    name: str, raw: bytes, separator: str, numbers: np.ndarray | int
) -> tuple[list[str], np.ndarray]:
    """The same for files with quotes, which may hold separators and line breaks."""
    reader = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator, strict=True)
    sizes, starts, blank = [], [], []
    columns: list[str] = []
    line = 1

    def called(place: int) -> int:
        return int(_numbered(np.array([place]), numbers)[0])

    try:
        for row in reader:
            if not sizes:
                columns = row
            if not row:
                blank.append(line)
            sizes.append(max(1, len(row)))
            starts.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{name}, line {called(reader.line_num)}: {error}. Check the quotes from line "
            f"{called(line)} on."
        ) from error
    lines = _numbered(np.array(starts, np.int64), numbers)
    _refuse_ragged(
        name,
        str(columns[0]) if columns else "",
        np.array(sizes),
        lines,
        _numbered(np.array(blank, np.int64), numbers),
    )
    return columns, lines


def _refuse_ragged(
    name: str, first: str, sizes: np.ndarray, lines: np.ndarray, blank: np.ndarray
) -> None:
    if len(blank):
        raise ValueError(f"{name} has blank line{_first(blank)}. Remove them.")
    wrong = np.flatnonzero(sizes != sizes[0])
    remedy = "Give every row one value per column; quote text that holds a separator."
    if first.lstrip()[:1] in ("#", "%"):
        mark = first.lstrip()[:1]
        remedy = f"Are lines that begin with {mark} comments? Pass comment={mark!r}."
    if len(wrong):
        raise ValueError(
            f"{name}: the header has {sizes[0]} fields, but line{_first(lines[wrong])} "
            f"{'have' if len(wrong) > 1 else 'has'} a different number (the first has "
            f"{sizes[wrong[0]]}). {remedy}"
        )


def _first(numbers: np.ndarray) -> str:
    """The end of "line 3" or "lines 3, 4"."""
    return f"{'s' if len(numbers) > 1 else ''} {joined(map(str, numbers), len(numbers))}"
