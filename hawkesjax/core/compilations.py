"""Compiled programs kept on disk, so that a second run of the same sizes compiles nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jax

LEAST_SECONDS = 0.0  # of compilation worth a file: a fit is some hundred small programs


def cache_compilations(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs on disk and use them again, in this process and in later ones.

    JAX compiles a program for every model, size of data and device; with its persistent cache it
    does so once. A cache that is already set (`JAX_COMPILATION_CACHE_DIR`) stays, unless a folder
    is given. Call it before the first computation; the folder may be deleted at any time.

    Args:
        folder: where to; by default `hawkesjax` in the user's cache folder.

    Returns:
        The folder in use.

    Raises:
        OSError: if the folder cannot be written.

    Example:
        >>> import tempfile
        >>> folder = hj.cache_compilations(tempfile.mkdtemp())
    """
    known = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if folder is None and known:
        return Path(known)
    path = Path(folder) if folder is not None else _users_folder() / "hawkesjax"
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{path} cannot be written: give cache_compilations another folder.")
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return path


def _users_folder() -> Path:
    """The user's cache folder, by the system's convention."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
