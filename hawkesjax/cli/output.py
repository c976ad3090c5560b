"""Files: small tables read, results written under fixed names in one folder, none overwritten."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any


def fresh(stem: str) -> Path:
    """The first of `stem`, `stem-2`, `stem-3`, ... that does not exist yet."""
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


class Output:
    """A folder and the names that will be written in it, checked before anything is computed.

    Args:
        folder: where files go; created with the first of them.
        names: all file names that may be written.
        force: overwrite files of these names.

    Raises:
        ValueError: if one exists without `force`, or leads outside the folder.
    """

    def __init__(self, folder: Path, names: list[str], *, force: bool) -> None:
        self.folder, self.names, self.force = Path(folder), tuple(names), force
        self.written: list[Path] = []
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is a file; outputs need a folder.")
        for name in self.names:
            self._check(name)
        there = next(
            path for path in (self.folder, *self.folder.absolute().parents) if path.exists()
        )
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(f"{there} cannot be written to; choose another folder.")

    def path(self, name: str) -> Path:
        """Path of one of the declared names, checked again, and noted as written."""
        if name not in self.names:
            raise ValueError(f"{name!r} was not declared as an output.")
        if self.folder / name not in self.written:
            self._check(name)
            self.folder.mkdir(parents=True, exist_ok=True)
            self.written.append(self.folder / name)
        return self.folder / name

    def _check(self, name: str) -> None:
        path = self.folder / name
        if Path(name).name != name or path.is_symlink():
            raise ValueError(f"{path} leads elsewhere; outputs stay inside {self.folder}.")
        if path.is_dir():
            raise ValueError(f"{path} is a folder; remove it or choose another --out.")
        if path.exists() and not self.force:
            raise ValueError(f"{path} exists; --force overwrites it, or choose another folder.")


def single(path: Path, *, force: bool) -> Path:
    """A single output file that the user named."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give a file name.")
    if path.exists() and not force:
        raise ValueError(f"{path} exists; --force overwrites it.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"The folder {path.absolute().parent} does not exist.")
    return path


def read_side(
    path: Path,
    columns: Collection[str] = (),
    needed: str = "",
    dialect: Any = None,
    labels: Sequence[str] = (),
) -> Any:
    """A small table besides the events, with `columns`; `needed` describes them in messages.

    Its separator, header and comments are its own; `dialect` says how numbers, dates and names are
    written, if they are written as in the file of events. Columns of `labels` stay text.
    """
    from hawkesjax.inputs.dialect import Dialect
    from hawkesjax.inputs.tables import read_whole_table

    own = {"separator": None, "comment": None, "header": True, "columns": None, "sheet": None}
    known = Dialect() if dialect is None else dataclasses.replace(dialect, **own)
    errors: list[ValueError] = []
    # First read as the file of events is written, then with defaults.
    for decimal, dates in itertools.product({known.decimal: 0, ".": 0}, {known.dates: 0, None: 0}):
        one = dataclasses.replace(known, decimal=decimal, dates=dates)
        try:
            frame = read_whole_table(path, list(columns), one, labels).frame
            missing = ", ".join(sorted(set(columns) - set(frame.columns)))
            if not missing:
                return frame
            raise ValueError(f"{path} has no column {missing}; it needs {needed}.")
        except ValueError as error:
            errors.append(error)
    raise errors[0]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if it is something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    return content if isinstance(content, dict) else {}


def params_of(
    path: Path, content: dict[str, Any], needed: Sequence[str], known: Collection[str] = ()
) -> dict[str, Any]:
    """The parameters in an estimate, or in an object of parameters alone, which contains only
    those `needed` and others that are `known`."""
    values = content.get("params", content)
    if not isinstance(values, dict) or not all(name in values for name in needed):
        raise ValueError(f"{path} must hold an object with {', '.join(needed)}.")
    alone = "params" not in content and "model" not in content
    unknown = sorted(set(content) - {*needed, *known}) if alone else []
    if unknown:
        raise ValueError(
            f"{path} has the fields {', '.join(map(repr, unknown))}, which are none of "
            f"{', '.join((*needed, *known))}. Remove them, or correct their names."
        )
    values = {name: value for name, value in values.items() if name not in known}
    wrong = [name for name, value in values.items() if not _are_numbers(value)]
    if wrong:
        raise ValueError(
            f"{path}: {wrong[0]} must be a finite number, or lists of such numbers, in rows of "
            f"equal length."
        )
    return values


def _are_numbers(value: Any) -> bool:
    if isinstance(value, list):
        sizes = {len(row) if isinstance(row, list) else -1 for row in value}
        return len(sizes) == 1 and all(map(_are_numbers, value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 2**1000
