"""How the files of a command are written: one group of options for all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from hawkesjax.cli.groups import group, option

FILE = "The file"


@group(FILE)
class FileOptions:
    """What `hawkesjax.inputs.dialect.Dialect` says, option by option."""

    separator: str | None = option(
        None,
        "What stands between the fields of a text: a character, tab, or space for runs of blanks; "
        "told from the first line when left out.",
        "CHARACTER",
        FILE,
    )
    decimal: Literal[".", ","] = option(".", "Decimal sign of numbers.", panel=FILE)
    encoding: str | None = option(
        None, "Encoding of a text, such as latin-1 or cp1252; UTF-8 when left out.", panel=FILE
    )
    comment: str | None = option(
        None, "What lines begin with that are no rows, such as #.", "TEXT", FILE
    )
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
        "when left out.",
        "WAY",
        FILE,
    )
    sheet: str | None = option(None, "Sheet of a workbook with several.", panel=FILE)
    fold: bool = option(False, "Read names and ids without their case and a leading @.", panel=FILE)
    pseudonyms: Path | None = option(
        None,
        "File of a secret key: names and ids are replaced by keyed pseudonyms (HMAC-SHA256).",
        panel=FILE,
    )

    def dialect(self) -> Any:
        """The dialect that was typed."""
        from hawkesjax.inputs.dialect import split

        return split(vars(self))[0]
