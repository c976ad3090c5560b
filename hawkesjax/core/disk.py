"""Files written whole or not at all, and folders that one process has at a time."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock: two processes on one folder are not told apart there
    fcntl = None


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Put bytes in a file's place: written beside it, synced, and moved.

    The name beside it is made anew and by this process alone (a file or link that waits there is
    never followed or overwritten). Whatever fails, the file that was there before stays.

    Raises:
        FileNotFoundError: when the folder is missing.
        OSError: when the disk is full, a limit is reached, or the folder is closed to us.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.open(temporary, flags | getattr(os, "O_BINARY", 0), 0o666)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The folder {path.absolute().parent} is missing: make it first."
        ) from error
    except OSError as error:
        raise type(error)(error.errno, f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise type(error)(
            error.errno, f"{path} is not written ({len(content):,} bytes): {error.strerror}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the move itself, where folders can be synced
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Lock:
    """A folder that one process has, until `release` or the process's end.

    Args:
        folder: an existing folder; the lock is a file in it.

    Raises:
        ValueError: when another process has it; it names that process.
    """

    NAME = "in-use-by"

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.fdopen(os.open(folder / self.NAME, flags, 0o666), "r+")
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self._file.read(100) or "another process"
            self._file.close()
            raise ValueError(
                f"Checkpoint {folder} is in use by {holder}: wait for its end, or name another "
                f"folder."
            ) from error
        except OSError:  # a file system without locks
            pass
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()}")
        self._file.flush()

    def release(self) -> None:
        """Let others have the folder."""
        self._file.close()
