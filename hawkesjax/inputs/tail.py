"""The lines that a text file has gained since it was read last."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hawkesjax.inputs.files import STDIN

READ = 1 << 24  # bytes at once


class Tail:
    """A file that something else writes, or standard input, line by line.

    A line without an end is kept until it has one. Where the file is another one than before
    (rotated) or shorter (truncated), its rest is read and then the new one from its begin. What is
    cut off and grows beyond its old length between two looks cannot be noticed.

    Args:
        path: of the file; "-" for standard input, whose reading waits until there is something.

    Attributes:
        ended: whether standard input is over.
        begun: how often reading began at the begin of a file.
        partial: the begin of a line that has no end yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.stream = os.fspath(path) == STDIN
        self.path = Path(path)
        self.ended, self.begun, self.partial = False, 1, b""
        self._file: Any = sys.stdin.buffer if self.stream else self._open()

    def _open(self) -> Any:
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path} does not exist.")
        if not self.path.is_file():
            raise ValueError(f"{self.path} is not a file. Name a file of text.")
        return self.path.open("rb", buffering=0)

    def read(self) -> bytes:
        """The lines since the last call, with their ends; empty if there are none."""
        if self.stream:
            got = self._file.read1(READ)
            self.ended = not got
            if self.ended and self.partial:
                got = b"\n"  # the last line of a stream needs no end
        else:
            got = self._rest()
        lines, end, self.partial = (self.partial + got).rpartition(b"\n")
        return lines + end

    def _rest(self) -> bytes:
        got = b"".join(iter(lambda: self._file.read(READ), b""))
        if got or not self._replaced():
            return got
        self.begun, self.partial = self.begun + 1, b""
        return b"".join(iter(lambda: self._file.read(READ), b""))

    def _replaced(self) -> bool:
        """Whether another file, or a shorter one, has taken the place; it is opened then."""
        try:
            now = self.path.stat()
        except FileNotFoundError:  # moved away, and not yet written anew
            return False
        known = os.fstat(self._file.fileno())
        if (now.st_ino, now.st_dev) == (known.st_ino, known.st_dev):
            if now.st_size >= self._file.tell():
                return False
            self._file.seek(0)
            return True
        self._file.close()
        self._file = self.path.open("rb", buffering=0)
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.stream:
            self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()
