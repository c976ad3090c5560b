"""How the files of a command are written: one group of options for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli.groups import group, option

FILE = "The file"


@group(FILE)
class FileOptions:
    """The fields of `hawkesjax.inputs.dialect.Dialect` as options."""

    separator: str | None = option(
        None,
        "What separates the fields of a text file: a character, tab, or space for runs of blanks; "
        "detected from the first line by default.",
        "CHARACTER",
        FILE,
    )
    decimal: Literal[".", ","] = option(".", "Decimal sign of numbers.", panel=FILE)
    encoding: str | None = option(
        None, "Encoding of a text file, such as latin-1 or cp1252; UTF-8 by default.", panel=FILE
    )
    comment: str | None = option(None, "Start of comment lines, such as #.", "TEXT", FILE)
    header: bool = option(
        True, "Whether the first row names the columns; without it they are 1, 2, ...", panel=FILE,
        names=["--header/--no-header"],
    )  # fmt: skip
    columns: str | None = option(
        None, "Names of the columns of a file without a header.", "NAME,NAME,...", FILE
    )
    dates: str | None = option(
        None,
        "How dates are written: dd/mm/yyyy, mm/dd/yyyy, a format such as '%d.%m.%y %H:%M', excel "
        "(serial days), or seconds, milliseconds, microseconds, nanoseconds since 1970; ISO 8601 "
        "by default.",
        "WAY",
        FILE,
    )
    sheet: str | None = option(None, "Sheet of a workbook with several.", panel=FILE)
    fold: bool = option(False, "Ignore case and a leading @ in names and ids.", panel=FILE)
    pseudonyms: Path | None = option(
        None,
        "File of a secret key: names and ids are replaced by keyed pseudonyms (HMAC-SHA256).",
        panel=FILE,
    )

    def dialect(self) -> Any:
        """The dialect from the options."""
        from hawkesjax.inputs.dialect import split

        return split(vars(self))[0]
