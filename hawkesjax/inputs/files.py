"""Files as bytes: their kind is determined, and they are unpacked and decoded before parsing."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hawkesjax.inputs.checks import flaw, listed, short
from hawkesjax.inputs.dialect import Dialect

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
TEXT, OBJECTS, PARQUET, BOOK = "CSV", "JSON", "Parquet", "Excel"
SUFFIXES = {
    ".csv": TEXT,
    ".tsv": TEXT,
    ".tab": TEXT,
    ".txt": TEXT,
    ".jsonl": OBJECTS,
    ".ndjson": OBJECTS,
    ".json": OBJECTS,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".xlsx": BOOK,
}
CALLED = {TEXT: "text", OBJECTS: "JSON", PARQUET: "Parquet", BOOK: "a workbook"}
PLAIN = Dialect()
MEANT_FOR = {
    "separator": (TEXT,),
    "comment": (TEXT,),
    "encoding": (TEXT, OBJECTS),
    "header": (TEXT, BOOK),
    "columns": (TEXT, BOOK),
    "sheet": (BOOK,),
}
MARKS = (  # byte-order marks; the 32-bit one begins with the 16-bit one
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
STDIN = "-"
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


def _zstd(raw: bytes) -> bytes:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "Zstandard files (.zst) need pyarrow: pip install 'hawkesjax[parquet]'."
        ) from error
    with pyarrow.CompressedInputStream(io.BytesIO(raw), "zstd") as stream:
        return stream.read()


PACKED: dict[str, tuple[str, bytes, Callable[[bytes], bytes]]] = {
    ".gz": ("gzip", b"\x1f\x8b", gzip.decompress),
    ".bz2": ("bzip2", b"BZh", bz2.decompress),
    ".xz": ("xz", b"\xfd7zXZ", lzma.decompress),
    ".zst": ("Zstandard", b"\x28\xb5\x2f\xfd", _zstd),
}
ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Content:
    """The unpacked content of a file.

    Args:
        name: what messages call it.
        kind: one of `TEXT`, `OBJECTS`, `PARQUET`, `BOOK`.
        tabbed: whether its name implies that tabs separate the fields.
        raw: its bytes.
    """

    name: str
    kind: str
    tabbed: bool
    raw: bytes = field(repr=False)


def read_content(path: str | os.PathLike[str], plain: str | None = None) -> Content:
    """The content of a file, or of standard input for "-", by its name and its first bytes.

    Args:
        plain: the kind for names with another ending, or with none; None: they are refused.

    Raises:
        ValueError: if the name has an unknown ending, or the file is empty, damaged or not a file.
        FileNotFoundError: if there is no such file.
        ImportError: for Zstandard without pyarrow.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path is {short(path)}; it must be the path of a file.")
    if os.fspath(path) == STDIN:
        return _standard_input()
    file = Path(path)
    name = file.name.lower()
    if "\0" in name or flaw(name) or not str(file).strip():
        raise ValueError(f"{name!r} cannot be the name of a file.")
    if not file.is_dir():
        _kind(name.removesuffix(".zip"), file, plain, archive=name.endswith(".zip"))
    if not file.exists():
        raise FileNotFoundError(f"{file} does not exist.")
    if not file.is_file():
        raise ValueError(f"{file} is not a file. Name a file, such as one of CSV or Parquet.")
    raw = file.read_bytes()
    _refuse_empty(file, raw)
    called = str(file)
    if name.endswith(".zip"):
        member, raw = _member(called, raw)
        called, name = f"{called} ({member})", Path(member).name.lower()
    for suffix in PACKED:
        if name.endswith(suffix):
            raw, name = _unpacked(called, raw, suffix), name.removesuffix(suffix)
            break
    kind = _kind(name, file, plain)
    _refuse_empty(called, raw)
    return Content(called, kind, name.endswith((".tsv", ".tab")), raw)


def _kind(name: str, file: Path, plain: str | None, archive: bool = False) -> str:
    for suffix in PACKED:
        name = name.removesuffix(suffix)
    kind = next((k for s, k in SUFFIXES.items() if name.endswith(s)), plain)
    if kind is None and not archive:
        raise ValueError(
            f"{file}: the name must end in one of {listed(SUFFIXES, 20)}, perhaps packed "
            f"({', '.join((*PACKED, '.zip'))})."
        )
    return kind or TEXT


def _refuse_empty(file: object, raw: bytes) -> None:
    if not raw:
        raise ValueError(f"{file} is an empty file (0 bytes). It needs a header and rows.")


def _standard_input() -> Content:
    """What comes through a pipe: its first bytes determine its kind."""
    raw, name = sys.stdin.buffer.read(), "standard input"
    for suffix, (_, magic, _) in PACKED.items():
        if raw.startswith(magic):
            raw = _unpacked(name, raw, suffix)
    if raw.startswith(ZIP) and b"xl/workbook" not in raw:
        raw = _member(name, raw)[1]
    _refuse_empty(name, raw)
    begin = raw.lstrip()[:1]
    known = {b"{": OBJECTS, b"[": OBJECTS}
    kind = known.get(begin, PARQUET if raw.startswith(b"PAR1") else TEXT)
    return Content(name, BOOK if raw.startswith(ZIP) else kind, False, raw)


def _unpacked(name: str, raw: bytes, suffix: str) -> bytes:
    what, magic, unpack = PACKED[suffix]
    refuse_kind(name, raw, f"a {what} file", magic)
    try:
        return unpack(raw)
    except DAMAGED as error:
        raise ValueError(
            f"{name} is not a whole {what} file ({short(error, 100)}). Copy it again, or remove "
            f"{suffix} from its name if it is plain text."
        ) from error


def _member(name: str, raw: bytes) -> tuple[str, bytes]:
    """The only file of a ZIP archive."""
    refuse_kind(name, raw, "a ZIP archive", ZIP)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")]
            names = [n for n in names if not n.startswith("__MACOSX/")]
            if len(names) != 1:
                raise ValueError(
                    f"{name} holds {len(names)} files ({listed(names, 5)}). Unpack it, and pass "
                    f"one of them."
                )
            return names[0], archive.read(names[0])
    except DAMAGED as error:
        raise ValueError(
            f"{name} cannot be unpacked ({short(error, 100)}). Unpack it, or copy it again."
        ) from error


def refuse_kind(file: object, head: bytes, expected: str, allowed: bytes = b"") -> None:
    """Refuse bytes that begin like another kind of file."""
    for magic, what in KINDS:
        if head.startswith(magic) and magic != allowed:
            raise ValueError(
                f"{file} is not {expected}, though its name says so: it begins like {what}. "
                f"Rename it, or convert it."
            )


def refuse_idle(content: Content, dialect: Dialect) -> None:
    """Refuse options that apply to another kind of file, and would have no effect."""
    for option, kinds in MEANT_FOR.items():
        if getattr(dialect, option) != getattr(PLAIN, option) and content.kind not in kinds:
            raise ValueError(
                f"{content.name}: {option}= has no meaning for {CALLED[content.kind]}. Leave it "
                f"out."
            )


def text_of(content: Content, dialect: Dialect) -> bytes:
    """A text file as UTF-8 without a byte-order mark; refused if it is not text."""
    raw, name = content.raw, content.name
    encoding, marked = dialect.encoding, next((e for b, e in MARKS if raw.startswith(b)), None)
    if encoding is None and marked is None:
        refuse_kind(name, raw, "CSV text" if content.kind == TEXT else "JSON text")
        encoding = "utf-8"
    encoding = marked or encoding or "utf-8"
    plain = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    raw = raw.removeprefix(codecs.BOM_UTF8) if plain else raw
    try:
        text = raw.decode("utf-8" if plain else encoding)
    except UnicodeError as error:
        raise ValueError(_undecodable(name, raw, error, encoding, dialect.encoding)) from error
    raw = raw if plain else text.encode("utf-8", "surrogatepass")
    zero = raw.find(b"\0")
    if zero >= 0:
        line = raw.count(b"\n", 0, zero) + 1
        raise ValueError(
            f"{name} is not CSV text: NUL byte in line {line}. Export it again as CSV, or name its "
            f"encoding= (such as 'utf-16-le')."
        )
    raw = raw.rstrip(b"\r\n")
    if not raw.strip():
        raise ValueError(f"{name} is an empty file (blanks only). It needs a header and rows.")
    return raw


def _undecodable(name: str, raw: bytes, error: Any, encoding: str, given: str | None) -> str:
    at = getattr(error, "start", 0)
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    line = (
        raw[:at].decode(encoding, "ignore").count("\n") + 1 if wide else raw.count(b"\n", 0, at) + 1
    )
    what = f"{encoding.upper()} text: byte {raw[at]:#04x} in line {line}"
    remedy = (
        "Save it as UTF-8, or name its encoding: pass encoding='latin-1', or 'cp1252' for "
        "files from Windows."
    )
    return f"{name} is not {what}. {remedy if given is None else 'Pass another encoding=.'}"
