"""Checkpoints of a sampler: whole blocks of draws, then the state, each written at once."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hawkesjax.core.disk import Lock, write_whole
from hawkesjax.core.nuts import STATISTICS, Block

MAX_BYTES = 4 * 2**30
DIGEST = hashlib.sha256().digest_size


def fingerprint(data: Any) -> str:
    """SHA-256 of the arrays of the prepared data."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(data)[0]:
        array = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


class Checkpoint:
    """A folder that contains one run of the sampler.

    `identity.json` identifies the run; `group-G-block-B.npz` holds the draws of block B of the
    chains in group G, `group-G-state.npz` the state after the last of them, each with its SHA-256
    at its end. They are written whole, draws before state: a run that is killed at any moment
    resumes bit for bit. The folder is locked until `close` or the end of the process.

    Args:
        folder: created if it is missing.
        identity: describes the run; a folder of another run is refused.

    Raises:
        ValueError: for a folder of another model, other data or other settings (it says which),
            and one that another process uses.
    """

    def __init__(self, folder: str | os.PathLike[str], identity: dict[str, Any]) -> None:
        self.folder = Path(folder)
        path = self.folder / "identity.json"
        if not path.exists():
            if self.folder.exists() and not {file.name for file in self.folder.iterdir()} <= {
                Lock.NAME
            }:
                raise ValueError(
                    f"{self.folder} is not empty and is not a checkpoint: name another folder."
                )
            self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.folder)
        try:
            self._identify(path, json.loads(json.dumps(identity)))
        except BaseException:
            self.close()
            raise

    def _identify(self, path: Path, identity: dict[str, Any]) -> None:
        if not path.exists():
            write_whole(path, json.dumps(identity, indent=1).encode())
            return
        try:
            found = json.loads(path.read_text())
        except (ValueError, UnicodeDecodeError) as error:
            raise ValueError(f"Checkpoint {path} is damaged: remove the folder.") from error
        found = found if isinstance(found, dict) else {}
        other = sorted(n for n in {*identity, *found} if found.get(n) != identity.get(n))
        if other:
            raise ValueError(
                f"Checkpoint {self.folder} is of another run: its {', '.join(other)} differ. "
                f"Name another folder, or use the arguments of that run."
            )

    def close(self) -> None:
        """Release the folder for other processes."""
        self._lock.release()

    def save(self, group: int, state: Any, block: Block | None, number: int, done: int) -> None:
        """Write a block of draws (None in warm-up), then the state after it."""
        if block is not None:
            arrays = {f"point/{name}": value for name, value in block.point.items()}
            arrays |= {f"statistics/{name}": value for name, value in block.statistics.items()}
            write_whole(self._block(group, number), _packed(arrays))
        leaves = jax.tree.leaves(state)
        arrays = {f"leaf/{i}": plain_of(leaf) for i, leaf in enumerate(leaves)}
        arrays |= {"done": np.int64(done), "blocks": np.int64(number + (block is not None))}
        write_whole(self._state(group), _packed(arrays))

    def load(self, group: int, template: Any) -> tuple[Any, list[Block], int] | None:
        """State, blocks and steps done of a group of chains; None if it has not begun.

        Args:
            template: a state of the same structure; shapes and types must agree.
        """
        path = self._state(group)
        if not path.exists():
            return None
        leaves, structure = jax.tree.flatten(template)
        expected = {f"leaf/{i}": plain_of(leaf) for i, leaf in enumerate(leaves)}
        arrays = self._read(path, {*expected, "done", "blocks"})
        restored = []
        for name, leaf in zip(expected, leaves, strict=True):
            wanted, found = expected[name], arrays[name]
            if found.shape != wanted.shape or found.dtype != wanted.dtype:
                raise ValueError(f"Checkpoint {path}: {name} has another shape or type. {_REMEDY}")
            restored.append(typed_as(found, leaf))
        blocks = []
        for number in range(int(arrays["blocks"])):
            names = {f"statistics/{name}" for name in STATISTICS}
            names |= {f"point/{name}" for name in template.z}
            block = self._read(self._block(group, number), names)
            parts: dict[str, dict[str, np.ndarray]] = {"point": {}, "statistics": {}}
            for name, value in block.items():
                kind, _, own = name.partition("/")
                parts[kind][own] = value
            blocks.append(Block(**parts))
        return jax.tree.unflatten(structure, restored), blocks, int(arrays["done"])

    def _state(self, group: int) -> Path:
        return self.folder / f"group-{group}-state.npz"

    def _block(self, group: int, number: int) -> Path:
        return self.folder / f"group-{group}-block-{number:05d}.npz"

    def _read(self, path: Path, names: set[str]) -> dict[str, np.ndarray]:
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise ValueError(
                    f"Checkpoint {path} has {size:,} bytes, more than {MAX_BYTES:,}. {_REMEDY}"
                )
            content = path.read_bytes()
            body, digest = content[:-DIGEST], content[-DIGEST:]
            if hashlib.sha256(body).digest() != digest:
                raise zipfile.BadZipFile("its digest does not match")
            with np.load(io.BytesIO(body), allow_pickle=False) as stored:
                return {name: stored[name] for name in names}
        except (zipfile.BadZipFile, OSError, EOFError, KeyError) as error:
            raise ValueError(f"Checkpoint {path} is truncated or damaged. {_REMEDY}") from error


_REMEDY = "Remove the folder to begin again."


def plain_of(leaf: Any) -> np.ndarray:
    """An array of a state as NumPy's; a PRNG key as its numbers."""
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(leaf))
    return np.asarray(leaf)


def typed_as(array: np.ndarray, leaf: Any) -> Any:
    """The array of a state again, of the type of `leaf`."""
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))
    return jax.numpy.asarray(array)


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as an npz file, followed by the SHA-256 of its bytes."""
    image = io.BytesIO()
    np.savez(image, **arrays)  # pyright: ignore[reportArgumentType]
    return image.getvalue() + hashlib.sha256(image.getbuffer()).digest()
