"""Files written whole or not at all, and folders used by one process at a time."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock: there, a folder used by two processes is not detected
    fcntl = None


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replace a file's content: written to a temporary file beside it, synced, and moved.

    The temporary name is new and exclusive to this process (an existing file or link is never
    followed or overwritten). If anything fails, the earlier file remains.

    Raises:
        FileNotFoundError: when the folder is missing.
        OSError: when the disk is full, a limit is reached, or the folder is not writable.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.open(temporary, flags | getattr(os, "O_BINARY", 0), 0o666)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The folder {path.absolute().parent} is missing: create it first."
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


def free(path: str | os.PathLike[str], *, force: bool) -> Path:
    """The path of a file that may be written.

    Raises:
        FileExistsError: if it exists and `force` is not set.
        FileNotFoundError: if its folder is missing.
        IsADirectoryError: if it is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give a file name.")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists: choose another name, or set force=True.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"The folder {path.absolute().parent} is missing: create it first.")
    return path


class Lock:
    """A folder reserved for one process, until `release` or the process's end.

    Args:
        folder: an existing folder; the lock is a file in it.

    Raises:
        ValueError: when another process holds it; it names that process.
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
                f"Checkpoint {folder} is in use by {holder}: wait until it ends, or name another "
                f"folder."
            ) from error
        except OSError:  # a file system without locks
            pass
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()}")
        self._file.flush()

    def release(self) -> None:
        """Release the folder for others."""
        self._file.close()
