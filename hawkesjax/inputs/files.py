"""Is a file what its name says? Checks of bytes, before any parser reads it."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path

import numpy as np

from hawkesjax.inputs.checks import flaw, joined, listed

KINDS = (
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive (an Excel workbook is one)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x89HDF", "an HDF5 or NetCDF file"),
    (b"SQLite", "an SQLite database"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)
SUFFIXES = {".csv": "CSV", ".csv.gz": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
# Bytes at once. Measured on 2 CPU cores, 92 MB: 0.33 to 0.39 s from 2**18 to 2**26, 0.42 s in one
# piece, whose positions take eight times the file's size.
CHUNK = 1 << 24
NEWLINE, RETURN = 10, 13


def kind_of(path: Path) -> str:
    """ "CSV" or "Parquet" by the name of a file that can be read and holds anything."""
    name = path.name.lower()
    suffix = next((s for s in SUFFIXES if name.endswith(s)), None)
    if suffix is None:
        raise ValueError(f"{path}: the name must end in one of {listed(SUFFIXES)}.")
    if "\0" in name or flaw(name):
        raise ValueError(f"{name!r} cannot be the name of a file.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    if not path.is_file():
        raise ValueError(f"{path} is not a file. Name a CSV or Parquet file.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is an empty file (0 bytes). It needs a header and rows.")
    return SUFFIXES[suffix]


def refuse_kind(path: Path, head: bytes, expected: str, allowed: bytes = b"") -> None:
    """Refuse bytes that begin like another kind of file."""
    for magic, what in KINDS:
        if head.startswith(magic) and magic != allowed:
            raise ValueError(
                f"{path} is not {expected}, though its name says so: it begins like {what}. "
                f"Rename it, or convert it."
            )


def csv_bytes(path: Path) -> bytes:
    """A CSV file's bytes, unpacked, without a byte-order mark; refused if they are no text."""
    raw = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        refuse_kind(path, raw, "a gzip file", b"\x1f\x8b")
        try:
            raw = gzip.decompress(raw)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{path} is not a whole gzip file ({error}). Copy it again, or take .gz away "
                f"from its name if it is plain text."
            ) from error
    refuse_kind(path, raw, "CSV text")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    zero = raw.find(b"\0")
    if zero >= 0:
        line = raw.count(b"\n", 0, zero) + 1
        raise ValueError(
            f"{path} is not CSV text: NUL byte in line {line}. Export it again as CSV."
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} is not UTF-8 text: byte {raw[error.start]:#04x} in line {line}. "
            f"Save it as UTF-8."
        ) from error
    raw = raw.rstrip(b"\r\n")
    if not raw.strip():
        raise ValueError(f"{path} is an empty file (blanks only). It needs a header and rows.")
    return raw


def header_and_lines(path: Path, raw: bytes, separator: str) -> tuple[list[str], int | np.ndarray]:
    """The columns of a CSV file, and the line number of its first row or of each row.

    Refuses rows with more or fewer fields than the header, and blank lines before the last row.
    """
    if b'"' in raw:
        return _by_parser(path, raw, separator)
    if b"\r" in raw and raw.count(b"\r") != raw.count(b"\r\n"):
        raise ValueError(f"{path} ends lines with a lone carriage return. Save it with line feeds.")
    text = np.frombuffer(raw, np.uint8)
    upto, total = [], 0  # separators before the end of each line, and before the chunk
    for begin in range(0, len(text), CHUNK):
        piece = text[begin : begin + CHUNK]
        breaks, separators = (np.flatnonzero(piece == c) for c in (NEWLINE, ord(separator)))
        upto.append(total + np.searchsorted(separators, breaks))
        total += len(separators)
    sizes = np.diff(np.concatenate([*upto, [total]]), prepend=0) + 1
    first = raw.split(b"\n", 1)[0].decode().rstrip("\r")
    _refuse_ragged(path, sizes, np.arange(1, len(sizes) + 1), _blank_lines(raw, text))
    return first.split(separator), 2


def _blank_lines(raw: bytes, text: np.ndarray) -> np.ndarray:
    """Line numbers of blank lines among the text."""
    if b"\n\n" not in raw and b"\n\r\n" not in raw and text[0] not in (NEWLINE, RETURN):
        return np.zeros(0, np.int64)
    lines = text.tobytes().split(b"\n")
    return np.array([i + 1 for i, line in enumerate(lines) if not line.strip()], np.int64)


def _by_parser(path: Path, raw: bytes, separator: str) -> tuple[list[str], np.ndarray]:
    """The same for files with quotes, which may hold separators and line breaks."""
    reader = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator, strict=True)
    sizes, starts, blank = [], [], []
    columns: list[str] = []
    line = 1
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
            f"{path}, line {reader.line_num}: {error}. Check the quotes from line {line} on."
        ) from error
    _refuse_ragged(path, np.array(sizes), np.array(starts), np.array(blank, np.int64))
    return columns, np.array(starts[1:], np.int64)


def _refuse_ragged(path: Path, sizes: np.ndarray, lines: np.ndarray, blank: np.ndarray) -> None:
    if len(blank):
        raise ValueError(f"{path} has blank line{_first(blank)}. Take them out.")
    wrong = np.flatnonzero(sizes != sizes[0])
    if len(wrong):
        raise ValueError(
            f"{path}: the header has {sizes[0]} fields, but line{_first(lines[wrong])} "
            f"{'have' if len(wrong) > 1 else 'has'} another number (the first has "
            f"{sizes[wrong[0]]}). Give every row one value per column; quote text that holds a "
            f"separator."
        )


def _first(numbers: np.ndarray) -> str:
    """The end of "line 3" or "lines 3, 4"."""
    return f"{'s' if len(numbers) > 1 else ''} {joined(map(str, numbers), len(numbers))}"
