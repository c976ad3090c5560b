"""Data over several devices: arrays are placed, and JAX's partitioner divides the work."""

from __future__ import annotations

import math
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from hawkesjax.core.cache import kept
from hawkesjax.inputs.arguments import Count, checked
from hawkesjax.inputs.checks import kind_of_value

Given = Mesh | Literal["auto"] | None

DATA, CHAIN, HOSTS = "data", "chain", "hosts"
# From this many events on "auto" is several devices. On a CPU that is for lanes alone: XLA's
# threads serve one device, too, and on two cores two devices are twice as fast with 10^7 events by
# lanes (1.2 times with 10^6), but no faster with cascades and half as fast with activities
# (python -m benchmarks.devices).
LEAST_EVENTS = 1_000_000
LEAST_ROWS = 32  # shorter arrays are copied to each device: tables, distinct rows of features


@runtime_checkable
class Spreadable(Protocol):
    """A layout whose arrays have an axis along which nothing depends on its neighbours, or little.

    `along` is that axis, `wide` its length; arrays of another length there are copied.
    """

    along: int

    @property
    def wide(self) -> int:
        """Length of the axis."""
        ...


@checked
def make_mesh(devices: Count | None = None, *, chains: Count = 1, hosts: bool = False) -> Mesh:
    """A mesh for `mesh=` of `fit`, `sample` and `prepare`: devices for the data, times chains.

    The log-likelihood over several devices is that of one, but for the order of its sums. A Hawkes
    panel is divided by pieces of its stream, cascades by post, an activity by user.

    Args:
        devices: how many devices in all; by default all that this process has. On a CPU, cores
            are devices after `jax.config.update("jax_num_cpu_devices", n)`, before JAX is used, or
            with `--cores n` at the command line.
        chains: how many chains of `sample` run side by side; the other devices share the data of
            each.
        hosts: all devices of all processes that `jax.distributed.initialize` has joined, for `fit`
            and `sample` of data of which each process brings a part of its own (`docs/hosts.md`).

    Returns:
        A `jax.sharding.Mesh` with the axes "chain" and "data", or, over hosts, the axis "hosts".

    Raises:
        ValueError: for more devices than there are, numbers that do not divide, and numbers over
            hosts.

    Example:
        >>> mesh = hj.make_mesh(1)
        >>> dict(mesh.shape)
        {'chain': 1, 'data': 1}
    """
    if hosts:
        if devices is not None or chains > 1:
            raise ValueError(
                "Over hosts all devices share the data, and chains run in one call or one by one: "
                "leave devices= and chains= out."
            )
        return Mesh(np.array(jax.devices()), (HOSTS,), axis_types=(AxisType.Auto,))
    have = jax.local_devices()
    count = len(have) if devices is None else devices
    if count > len(have):
        raise ValueError(
            f"{count} devices are asked for; this process has {len(have)}. On a CPU, cores become "
            f'devices with jax.config.update("jax_num_cpu_devices", {count}) before JAX is used.'
        )
    if count % chains:
        raise ValueError(f"{count} devices cannot be divided among {chains} chains.")
    shape = (chains, count // chains)
    devices_of = np.array(have[:count]).reshape(shape)
    return Mesh(devices_of, (CHAIN, DATA), axis_types=(AxisType.Auto,) * 2)


def over_hosts(mesh: Any) -> bool:
    """Whether a mesh is one over which every process brings a part of the data."""
    return isinstance(mesh, Mesh) and HOSTS in mesh.shape


def settled(mesh: Given, events: Any) -> Mesh | None:
    """The mesh that is meant: `"auto"` is all devices of this process where there are several and
    the data have many events.

    Raises:
        ValueError: for what is no mesh, or a mesh without the axis "data" or of a size of it that
            is no power of 2.
    """
    if mesh is None:
        return None
    if isinstance(mesh, str) and mesh == "auto":
        count = jax.local_device_count()
        count = 1 << (count.bit_length() - 1)
        several = count > 1 and jax.process_count() == 1 and int(events) >= LEAST_EVENTS
        return make_mesh(count) if several else None
    if not isinstance(mesh, Mesh):
        raise ValueError(
            f"mesh is {kind_of_value(mesh)}; it must be a mesh of devices "
            f"(hawkesjax.make_mesh()), 'auto', or None for one device."
        )
    if HOSTS in mesh.shape:
        raise ValueError(
            "A mesh over hosts is for fit and sample, to which each process brings a part of the "
            "data. Here leave hosts=True out of the mesh."
        )
    if len({device.process_index for device in mesh.devices.flat}) > 1:
        raise ValueError(
            "The mesh has devices of several processes: use hawkesjax.make_mesh(hosts=True), and "
            "bring a part of the data to each."
        )
    if DATA not in mesh.shape:
        axes = ", ".join(map(repr, mesh.axis_names))
        raise ValueError(f"The mesh has the axes {axes}; it needs one named {DATA!r} for the data.")
    size = mesh.shape[DATA]
    if size & (size - 1):
        raise ValueError(
            f"The mesh has {size} devices for the data; layouts divide by powers of 2: use "
            f"{1 << (size.bit_length() - 1)} of them."
        )
    return mesh


def over(model: Any, prepared: Any, mesh: Given) -> Any:
    """Prepared data over the devices of a mesh; as they are for None.

    Raises:
        ValueError: for a mesh that cannot be used, and for data that one device alone can evaluate.
    """
    if isinstance(mesh, str) and jax.default_backend() == "cpu" and not _has_layout(prepared):
        mesh = settled(mesh, 0)
    real = settled(mesh, prepared.num_events)
    if real is None or math.prod(real.shape.values()) == 1:
        return prepared
    ready = model.divisible(prepared, real.shape[DATA])
    if ready is not None:
        return spread(ready, real)
    if mesh == "auto":
        return prepared
    raise ValueError(
        f"The likelihood of {type(model).__name__} for these data is laid out for one device alone "
        f"(from event to event, or as form= says): leave mesh out."
    )


@kept
def spread(prepared: Any, mesh: Mesh) -> Any:
    """Prepared data over the devices of a mesh.

    An array is divided along the axis of its layout, others along their first axis; what is short,
    or does not divide, is copied to every device.
    """

    def placed(node: Any) -> Any:
        if not isinstance(node, Spreadable):
            return _leaf(node, mesh, 0, None)
        along, wide = node.along, node.wide
        return jax.tree.map(lambda leaf: _leaf(leaf, mesh, along, wide), node)

    is_layout = lambda node: isinstance(node, Spreadable)  # noqa: E731
    return jax.tree.map(placed, prepared, is_leaf=is_layout)


def _has_layout(prepared: Any) -> bool:
    """Whether some arrays are laid out along an axis that devices can share."""
    is_layout = lambda node: isinstance(node, Spreadable)  # noqa: E731
    return any(map(is_layout, jax.tree.leaves(prepared, is_leaf=is_layout)))


def _leaf(leaf: Any, mesh: Mesh, along: int, wide: int | None) -> Any:
    shape, spec = np.shape(leaf), PartitionSpec()
    if shape:
        size = shape[along]
        fits = size >= LEAST_ROWS if wide is None else size == wide
        if fits and size % mesh.shape[DATA] == 0:
            spec = PartitionSpec(*[None] * (along % len(shape)), DATA)
    return jax.device_put(leaf, NamedSharding(mesh, spec))
