"""Parquet files, one or all of a folder, as one table that is read a piece at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows, listed, short
from hawkesjax.inputs.files import refuse_kind

ENDINGS = (".parquet", ".pq")
MAGIC = b"PAR1"
PIECE = 1 << 17  # rows in memory at a time: a few megabytes
WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


def are_parquet(path: Any) -> bool:
    """Whether a path is a folder, or a file whose name says that it is Parquet, not packed."""
    if not isinstance(path, (str, os.PathLike)) or not str(path).strip() or "\0" in str(path):
        return False
    return Path(path).is_dir() or str(path).lower().endswith(ENDINGS)


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files with the same columns, one after the other.

    Args:
        name: what messages call them together.
        names: what messages call each.
        sources: what pyarrow opens, a path or a buffer for each.
        sizes: rows of each.
        columns: names of the columns of the first.
        kinds: their Arrow types by name; "text" where folders' names give the values.
        given: for each file, values of the columns that its folders' names give, as in `year=2024`.
    """

    name: str
    names: tuple[str, ...]
    sources: tuple[Any, ...] = field(repr=False)
    sizes: tuple[int, ...]
    columns: tuple[str, ...]
    kinds: dict[str, Any]
    given: tuple[dict[str, str], ...]

    @classmethod
    def at(cls, path: str | os.PathLike[str], wanted: Sequence[Any]) -> ParquetFiles:
        """A file, or all of a folder and its subfolders, by their paths' order; names that begin
        with a dot or an underscore are no data.

        Args:
            wanted: the columns that must be alike in all files.

        Raises:
            ValueError: for a folder without Parquet files or with others; for a file that is
                damaged, or in which a wanted column is missing or of another type.
            FileNotFoundError: if there is no such file.
            ImportError: without pyarrow.
        """
        path = Path(path)
        if not path.is_dir():
            if not path.exists():
                raise FileNotFoundError(f"{path} does not exist.")
            if not path.is_file():
                raise ValueError(f"{path} is not a file, and no folder.")
            return cls._of([(str(path), path, {})], str(path), wanted)
        found = sorted(one for one in path.rglob("*") if one.is_file() and not _hidden(one, path))
        others = [str(one.relative_to(path)) for one in found if not are_parquet(one)]
        if len(others) == len(found):
            raise ValueError(
                f"{path} holds no Parquet files ({', '.join(ENDINGS)}), and is not a file itself."
            )
        if others:
            raise ValueError(
                f"{path} holds files that are not Parquet ({listed(others, 5)}). A folder of "
                f"Parquet files is one table: move the others out of it."
            )
        return cls._of([(str(one), one, _from_folders(one, path)) for one in found], path, wanted)

    @classmethod
    def in_memory(cls, name: str, raw: bytes) -> ParquetFiles:
        """One file, given by its bytes."""
        return cls._of([(name, raw, {})], name, ())

    @classmethod
    def _of(cls, files: list[Any], name: Any, wanted: Sequence[Any]) -> ParquetFiles:
        sizes: list[int] = []
        columns: list[str] = []
        kinds: dict[str, Any] = {}
        for called, source, given in files:
            with _open(called, source) as one:
                sizes.append(one.metadata.num_rows)
                fields = list(one.schema_arrow)
            mine = {one.name: one.type for one in fields} | dict.fromkeys(given, "text")
            columns = columns or [*(one.name for one in fields), *given]
            kinds = kinds or mine
            for column in wanted:
                found, first = (known.get(column, "missing") for known in (mine, kinds))
                if found != first:
                    raise ValueError(
                        f"The files of {name} differ: column {str(column)!r} is {found} in "
                        f"{called}, and {first} in {files[0][0]}. A folder is one table: write "
                        f"its files alike, or read them one by one."
                    )
        names, sources, given = zip(*files, strict=True)
        return cls(str(name), names, sources, tuple(sizes), tuple(columns), kinds, given)

    @property
    def num_rows(self) -> int:
        """Rows of all files."""
        return sum(self.sizes)

    @property
    def rows(self) -> Rows:
        """What error messages call the rows: from 0 in each file, with its name if it is one of
        several."""
        if len(self.names) == 1:
            return Rows("row")
        ends = np.cumsum(self.sizes)

        def called(row: int) -> str:
            which = int(np.searchsorted(ends, row, side="right"))
            name = Path(self.names[which]).relative_to(self.name)
            return f"{row - int(ends[which] - self.sizes[which])} of {name}"

        return Rows("row", called)

    def pieces(self, wanted: Sequence[Any]) -> Iterator[pd.DataFrame]:
        """Some columns, a piece of rows at a time, as pandas tables with Arrow's types."""
        return map(_frame, self._tables(wanted))

    def whole(self, wanted: Sequence[Any]) -> pd.DataFrame:
        """Some columns of all files, as one pandas table with Arrow's types."""
        from pyarrow import concat_tables

        if not self.num_rows:
            return pd.DataFrame(columns=list(wanted))
        return _frame(concat_tables(self._tables(wanted)).unify_dictionaries())

    def _tables(self, wanted: Sequence[Any]) -> Iterator[Any]:
        from pyarrow import Table, array, string

        for name, source, given in zip(self.names, self.sources, self.given, strict=True):
            inside = [column for column in wanted if column not in given]
            with _open(name, source) as file:
                schema = file.schema_arrow
                batches = file.iter_batches(PIECE, columns=inside or schema.names[:1])
                while True:
                    try:
                        batch = next(batches, None)
                        if batch is None:
                            break
                        # Without the metadata of pandas: the columns keep their Arrow types.
                        table = Table.from_batches([batch]).replace_schema_metadata()
                        table.validate(full=True)  # text that is not UTF-8 would raise later
                    except Exception as error:  # damaged bytes raise errors of any type
                        raise _unreadable(name, error) from error
                    for column, value in given.items():
                        text = array([value] * len(table), string())
                        table = table.append_column(column, text)
                    yield table.select(list(wanted))


def _open(name: str, source: Any) -> Any:
    """A Parquet file, open: a path, or bytes."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            head = stream.read(8)
    else:
        head = source[:8]
    if not head:
        raise ValueError(f"{name} is an empty file (0 bytes). It needs a header and rows.")
    refuse_kind(name, head, "a Parquet file", MAGIC)
    if head[:4] != MAGIC:
        raise ValueError(
            f"{name} is not a Parquet file, though its name says so: it does not begin with PAR1. "
            f"If it is text, name it .csv."
        )
    try:
        from pyarrow import BufferReader, parquet
    except ImportError as error:
        raise ImportError(
            f"Reading {name} needs pyarrow: pip install 'hawkesjax[parquet]'."
        ) from error
    try:
        opened = source if isinstance(source, Path) else BufferReader(source)
        return parquet.ParquetFile(
            opened, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20
        )
    except Exception as error:  # damaged bytes raise errors of any type
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> ValueError:
    said = short(error, 100) or type(error).__name__
    return ValueError(f"{name} cannot be read as Parquet ({said}). Write it again.")


def _frame(table: Any) -> pd.DataFrame:
    """An Arrow table as a pandas one; whole numbers keep all digits where some are missing."""
    from pyarrow import type_for_alias

    kinds = {type_for_alias(one.lower()): pd.api.types.pandas_dtype(one) for one in WHOLE}
    empty = any(column.null_count for column in table.columns)
    return table.to_pandas(split_blocks=True, types_mapper=kinds.get if empty else None)


def _hidden(file: Path, folder: Path) -> bool:
    return any(part[0] in "._" for part in file.relative_to(folder).parts)


def _from_folders(file: Path, folder: Path) -> dict[str, str]:
    """Columns that the names of the folders give, as in `year=2024/month=5`."""
    parts = (part.partition("=") for part in file.relative_to(folder).parts[:-1])
    return {unquote(name): unquote(value) for name, mark, value in parts if mark}
