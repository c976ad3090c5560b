"""A file of messages that is still being written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.dialect import dialect_of
from hawkesjax.inputs.files import OBJECTS, PACKED, SUFFIXES, TEXT, Content
from hawkesjax.inputs.tables import Table, table_of
from hawkesjax.inputs.tail import Tail
from hawkesjax.katz.data.readers import as_ids


class Follower:
    """The messages that a growing file has gained; made by `follow`.

    Attributes:
        ended: whether there will be no more (of standard input).
        partial: the begin of a line that has no end yet; it is read once it has.
        files: how many files there were, the first included: a log that is rotated or truncated
            begins anew.
    """

    def __init__(self, path: Any, used: dict[str, Any], options: dict[str, Any]) -> None:
        self.used, self.dialect = used, dialect_of(options, "follow")
        name = Path(path).name.lower()
        self.kind = SUFFIXES.get(Path(name).suffix, TEXT)
        if self.kind not in (TEXT, OBJECTS) or name.endswith((".json", ".zip", *PACKED)):
            raise ValueError(
                f"{path} cannot be followed: it is not written line by line. Follow CSV or other "
                f"text, or JSON lines (.jsonl), not packed; or - for standard input."
            )
        self.tail = Tail(path)
        self.called = "standard input" if self.tail.stream else str(path)
        self.tabbed = name.endswith((".tsv", ".tab"))
        self.header: bytes | None = None
        self._begun = 0

    ended = property(lambda self: self.tail.ended)
    partial = property(lambda self: self.tail.partial)
    files = property(lambda self: self.tail.begun)

    def read(self) -> Table | None:
        """The messages since the last call, as a table for `Live.append` or
        `Activity.from_messages`, with the columns that were named; None if there are none.

        Raises:
            ValueError: as `read_messages`, for the lines that are new.
        """
        lines = self._significant(self.tail.read())
        begins, self._begun = self._begun < self.tail.begun, self.tail.begun
        if self.kind == TEXT and self.dialect.headed and begins and lines:
            first = lines[0].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            if self.header is None or first == self.header:
                self.header, lines = first, lines[1:]
        elif begins and not lines:
            self._begun -= 1  # the header is still to come
        if not lines:
            return None
        raw = b"".join(lines)
        if self.header is not None:
            raw = self.header + b"\n" + raw
        content = Content(f"{self.called} (lines that are new)", self.kind, self.tabbed, raw)
        return table_of(content, self.used, self.dialect, as_ids)

    def _significant(self, raw: bytes) -> list[bytes]:
        """The lines that are neither blank nor a comment."""
        comment = (self.dialect.comment or "").encode()
        lines = [line for line in raw.splitlines(keepends=True) if line.strip()]
        return [line for line in lines if not comment or not line.lstrip().startswith(comment)]


@checked
def follow(
    path: str | os.PathLike[str],
    *,
    time: str = "time",
    source: str = "source",
    target: str = "target",
    kind: str | None = None,
    **options: Any,
) -> Follower:
    """Follow a file with one row per message while it is being written.

    A line without an end is read once it has one. A log that is rotated (another file under the
    same name) or truncated is read from its begin, its header skipped if it has one.

    Args:
        path: a text file or JSON lines, or "-" for standard input.
        time, source, target, kind: its columns; others are not read.
        options: how the file is written, as in `hawkesjax.read_events`.

    Returns:
        A `Follower`, whose `read()` gives the messages since the last call.

    Raises:
        ValueError: for files that are not written line by line.
        FileNotFoundError: if there is no such file.

    Example:
        >>> log = hj.katz.follow("log.csv", kind="kind")
        >>> log.read().frame.shape[1], log.read()
        (4, None)
    """
    used = {"time": time, "source": source, "target": target, "kind": kind}
    return Follower(path, used, options)
