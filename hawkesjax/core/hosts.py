"""Data that several processes hold, each a part of its own, and what the processes agree on."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hawkesjax.core.checkpoint import Checkpoint, plain_of, typed_as
from hawkesjax.core.mesh import HOSTS
from hawkesjax.core.nuts import Block
from hawkesjax.core.packing import pack, unpack
from hawkesjax.inputs.checks import counted, listed, short
from hawkesjax.inputs.parts import part_of

Made = TypeVar("Made")
PARTS = PartitionSpec(HOSTS)


@runtime_checkable
class Sharing(Protocol):
    """A model of data of which each process may bring a part."""

    def shared(self, data: Any, mesh: Mesh, dtype: Any = None) -> tuple[Any, Any]:
        """The whole, prepared over all hosts, and its frame: data with all names and windows and
        without events. Every process calls it."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Shares:
    """Prepared parts of the data, one on each device of all processes.

    Args:
        parts: prepared data of one size, with an axis of the devices before the others.
        whole: arrays that tell these data from others, however they are divided.
        mesh: the devices, along the axis "hosts".
    """

    parts: Any
    whole: Any
    mesh: Mesh = field(metadata={"static": True})

    @classmethod
    def of(cls, own: Sequence[Any], whole: Any, mesh: Mesh) -> Shares:
        """The shares of all processes, of which these are this one's; every process calls it."""
        where = NamedSharding(mesh, PARTS)

        def placed(*leaves: Any) -> jax.Array:
            mine = np.stack(leaves)
            shape = (mesh.size, *mine.shape[1:])
            return jax.make_array_from_process_local_data(where, mine, shape)

        return cls(jax.tree.map(placed, *own), whole, mesh)

    def sum(self, function: Callable[..., Any], *args: Any) -> Any:
        """The sum over all parts of a function of arguments that all share and a part."""

        def own(args: Any, parts: Any) -> Any:
            value = function(*args, jax.tree.map(lambda leaf: leaf[0], parts))
            return jax.tree.map(lambda leaf: jax.lax.psum(leaf, HOSTS), value)

        specs = {"in_specs": (PartitionSpec(), PARTS), "out_specs": PartitionSpec()}
        mapped = jax.shard_map(own, mesh=self.mesh, axis_names={HOSTS}, check_vma=False, **specs)
        return mapped(args, self.parts)


def summed(function: Callable[..., Any], *args: Any) -> Any:
    """A function of arguments of which the last is prepared data; of data that processes share, the
    sum over their parts."""
    *others, data = args
    return function(*args) if data.shares is None else data.shares.sum(function, *others)


def shared(model: Any, data: Any, mesh: Mesh, dtype: Any) -> tuple[Any, Any]:
    """`Sharing.shared` of a model.

    Raises:
        ValueError: for a model that one process alone can evaluate.
    """
    if not isinstance(model, Sharing):
        raise ValueError(
            f"{type(model).__name__} cannot share data among processes. Run it on one process: "
            f"leave hosts=True out of the mesh."
        )
    return model.shared(data, mesh, dtype)


def exchange(value: Any) -> list[Any]:
    """The values of all processes of the run, in their order; every process calls it. They travel
    as JSON and arrays (`hawkesjax.core.packing`), which can run no code."""
    if jax.process_count() == 1:
        return [value]
    content = np.frombuffer(as_bytes(value), np.uint8)
    sizes = process_allgather(np.array(len(content), np.int32))
    padded = np.pad(content, (0, int(sizes.max()) - len(content)))
    rows = process_allgather(padded)
    return [from_bytes(row[:size].tobytes()) for row, size in zip(rows, sizes, strict=True)]


def as_bytes(value: Any) -> bytes:
    """A value as processes exchange it."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(pack(value, "what processes exchange", arrays)).encode()
    image = io.BytesIO()
    np.savez(image, text=np.frombuffer(text, np.uint8), **arrays)  # pyright: ignore
    return image.getvalue()


def from_bytes(content: bytes) -> Any:
    """The value of `as_bytes`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = dict(stored)
    return unpack(json.loads(arrays.pop("text").tobytes()), arrays)


def own_parts(mesh: Mesh, sizes: np.ndarray, things: str) -> list[tuple[int, int]]:
    """The first and the one after the last of the things of each device of this process, which
    brings some with such sizes.

    Raises:
        ValueError: for a mesh without a device of this process, or fewer things than devices.
    """
    devices = sum(one.process_index == jax.process_index() for one in mesh.devices.flat)
    if not devices:
        raise ValueError(
            "The mesh has no device of this process: use hawkesjax.make_mesh(hosts=True)."
        )
    if devices > len(sizes):
        raise ValueError(
            f"This process has {counted(devices, 'device')} and {counted(len(sizes), things)}: "
            f"a {things} is never divided. Use fewer devices or processes."
        )
    return [part_of(sizes, (number, devices), things) for number in range(devices)]


def compare(facts: Sequence[dict[str, Any]], alike: dict[str, str]) -> None:
    """Refuse data of processes that are not parts of one: the facts that `alike` names must be
    equal, and it says what each is given as."""
    for name, given in alike.items():
        for process, one in enumerate(facts):
            if one[name] != facts[0][name]:
                raise ValueError(
                    f"{name} is {short(one[name])} in process {process}, and "
                    f"{short(facts[0][name])} in process 0: read all parts with the same {given}."
                )


def all_names(lists: Sequence[Sequence[str]], things: str) -> tuple[str, ...]:
    """The names that the processes bring, in their order; refused where two bring the same."""
    seen: dict[str, int] = {}
    for process, names in enumerate(lists):
        twice = [name for name in names if name in seen]
        if twice:
            raise ValueError(
                f"Processes {seen[twice[0]]} and {process} both have the {things}s "
                f"{listed(twice, 5)}: each belongs to one process (part=(process, processes))."
            )
        seen |= dict.fromkeys(names, process)
    return tuple(seen)


def agreed(make: Callable[[], Made]) -> Made:
    """What each process makes. If one of them fails, all do, so that none waits for it.

    Raises:
        ValueError: where another process has failed, with its message.
    """
    value: Any = None
    error: Exception | None = None
    try:
        value = make()
    except Exception as caught:  # whatever it is, the others are told
        error = caught
    said = exchange(error and f"{type(error).__name__}: {error}")
    if error is not None:
        raise error
    for process, words in enumerate(said):
        if words:
            raise ValueError(f"Process {process} has stopped: {words}")
    return value


class SharedCheckpoint:
    """A `Checkpoint` that the first process writes and reads for all; arguments as there."""

    def __init__(self, folder: str | os.PathLike[str], identity: dict[str, Any]) -> None:
        self._own = self._first(lambda: Checkpoint(folder, identity))

    def _first(self, make: Callable[[], Made]) -> Made | None:
        return agreed(lambda: make() if jax.process_index() == 0 else None)

    def close(self) -> None:
        """Release the folder for other runs."""
        if self._own is not None:
            self._own.close()

    def save(self, *args: Any) -> None:
        """As `Checkpoint.save`."""
        own: Any = self._own
        self._first(lambda: own.save(*args))

    def load(self, group: int, template: Any) -> Any:
        """As `Checkpoint.load`, on every process."""
        own: Any = self._own
        found: Any = self._first(lambda: own.load(group, template))
        state, blocks, done = found or (None, [], 0)
        leaves = [plain_of(leaf) for leaf in jax.tree.leaves(state)]
        leaves, blocks, done = exchange((leaves, blocks, done))[0]
        blocks = [Block(*parts) for parts in blocks]
        if not leaves:
            return None
        like, structure = jax.tree.flatten(template)
        restored = [typed_as(*pair) for pair in zip(leaves, like, strict=True)]
        return jax.tree.unflatten(structure, restored), blocks, done
