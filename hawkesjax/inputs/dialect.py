"""How a file writes a table: one description for all readers and all commands."""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict

from hawkesjax.inputs.arguments import choice, flag
from hawkesjax.inputs.arguments import text as text_of
from hawkesjax.inputs.checks import flaw, listed, listed_once, short
from hawkesjax.inputs.dates import format_of

SEPARATORS = (",", ";", "\t", "|")  # candidates for guessing, followed by blanks
NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "space": " ", "blank": " "}


class FileOptions(TypedDict, total=False):
    """The arguments of every reader that describe how its file is written; see `Dialect`."""

    separator: str | None
    decimal: Literal[".", ","]
    encoding: str | None
    comment: str | None
    header: bool
    columns: str | Sequence[str] | None
    dates: str | None
    sheet: str | None
    fold: bool
    pseudonyms: str | os.PathLike[str] | None


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a file writes a table.

    Args:
        separator: what separates the fields of a text file: one character, "tab", or "space" for
            any run of blanks. None: whichever of comma, semicolon, tab, bar and blanks splits the
            first line into the requested columns.
        decimal: the decimal sign of numbers.
        encoding: encoding of a text file, such as "latin-1" or "cp1252". None: UTF-8, or UTF-16 if
            its byte-order mark says so.
        comment: the start of comment lines, such as "#".
        header: whether the first row holds the names of the columns; without it they are named by
            `columns`, or "1", "2", ... in their order.
        columns: names of the columns of a file without a header: a list, or text with commas.
        dates: how dates are written: "dd/mm/yyyy", "mm/dd/yyyy" and the like (a time of day may
            follow), a `strftime` format ("%d.%m.%y %H:%M"), "excel" for the serial days of
            spreadsheets, or "seconds", "milliseconds", "microseconds", "nanoseconds" since
            1970 in UTC. None: ISO 8601, and dates that are unambiguous.
        sheet: the sheet of a workbook, by its name; None: the only one.
        fold: read names and ids without regard to case and a leading @.
        pseudonyms: file of a secret key: names and ids (not marks and kinds) are replaced by the
            first 16 hexadecimal digits of their HMAC-SHA256 under it.

    Raises:
        ValueError: for invalid values.
    """

    separator: str | None = None
    decimal: str = "."
    encoding: str | None = None
    comment: str | None = None
    header: bool = True
    columns: str | Sequence[str] | None = None
    dates: str | None = None
    sheet: str | None = None
    fold: bool = False
    pseudonyms: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        choice(self.decimal, "decimal", (".", ","))
        flag(self.header, "header")
        flag(self.fold, "fold")
        for name in ("encoding", "comment", "dates", "sheet"):
            value = getattr(self, name)
            if value is not None and (flaw(text_of(value, name)) or not value.strip()):
                raise ValueError(f"{name}={short(value)} is blank, or not text.")
        if self.pseudonyms is not None and not isinstance(self.pseudonyms, (str, os.PathLike)):
            raise ValueError(f"pseudonyms={short(self.pseudonyms)} is not the path of a key file.")
        self._set("separator", _separator(self.separator, self.decimal))
        self._set("columns", _columns(self.columns))
        if self.encoding is not None:
            try:
                text = codecs.lookup(self.encoding)._is_text_encoding
            except (LookupError, ValueError):
                text = False
            if not text:
                raise ValueError(
                    f"encoding={self.encoding!r} is not known. Give a name such as 'utf-8', "
                    f"'latin-1', 'cp1252' or 'utf-16'."
                )
        if self.dates is not None:
            format_of(self.dates)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def headed(self) -> bool:
        """Whether the first row holds names."""
        return self.header and self.columns is None


def dialect_of(options: dict[str, Any], door: str) -> Dialect:
    """The dialect from a reader's options, which must not contain anything else.

    Raises:
        TypeError: for an argument that `door` does not have.
    """
    dialect, rest = split(options)
    if rest:
        raise TypeError(f"{door}() got an unexpected keyword argument {next(iter(rest))!r}")
    return dialect


def split(options: dict[str, Any]) -> tuple[Dialect, dict[str, Any]]:
    """The dialect from a reader's options, and the remaining options."""
    known = {field.name for field in fields(Dialect)}
    ours = {name: value for name, value in options.items() if name in known}
    return Dialect(**ours), {name: v for name, v in options.items() if name not in known}


def _separator(given: Any, decimal: str) -> str | None:
    if given is None:
        return None
    found = NAMED.get(given, given) if isinstance(given, str) else given
    if not isinstance(found, str) or len(found) != 1 or not found.isascii() or found in '\r\n\0"':
        raise ValueError(
            f"separator={short(given)} is not one ASCII character. Give one, or 'tab', or 'space' "
            f"for runs of blanks."
        )
    if found == decimal:
        raise ValueError(f"{found!r} is both the separator and the decimal sign. Name another.")
    return found


def _columns(given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    names = given.split(",") if isinstance(given, str) else listed_once(given)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"columns={short(given)} are not column names. Give a list of names.")
    names = [name.strip() for name in names]
    if any(map(flaw, names)) or len(set(names)) < len(names):
        raise ValueError(f"columns={listed(names)}: name each once, in text.")
    return tuple(names)
