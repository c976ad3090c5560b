"""Results as NetCDF files, read with care."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import h5py.h5o
import numpy as np
import xarray as xr

from hawkesjax.core.disk import free, write_whole

MAX_BYTES = 4 * 2**30
MAX_OBJECTS = 1000
FORMAT = "hawkesjax result 1"
PARTS = "parts"  # the group of what is no posterior
# Level 1 is within 3 % of the size of level 4 (the demo's posterior), and 3 times as fast.
PACKED = {"zlib": True, "complevel": 1, "shuffle": True}
AS_THEY_STAND: dict[str, Any] = {
    "mask_and_scale": False,
    "decode_times": False,
    "decode_timedelta": False,
}
DAMAGED = (OSError, KeyError, TypeError, ValueError, RuntimeError, AttributeError)  # from HDF5


def write(
    path: str | os.PathLike[str],
    groups: Mapping[str, xr.Dataset],
    attributes: Mapping[str, Any],
    *,
    force: bool = False,
) -> None:
    """Write groups of data sets as one NetCDF file, whole or not at all.

    The file is built in memory first: HDF5 ends the whole process when the disk is full.

    Raises:
        FileExistsError: if the file exists and `force` is not set.
        FileNotFoundError: if its folder is missing.
        OSError: if it cannot be written; an earlier file remains.
    """
    path = free(path, force=force)
    root = xr.Dataset(attrs={"format": FORMAT, "attributes": json.dumps(dict(attributes))})
    tree = xr.DataTree.from_dict({"/": root, **{f"/{name}": part for name, part in groups.items()}})
    encoding = {f"/{name}": _as_it_is(part) for name, part in groups.items()}
    image = io.BytesIO()
    tree.to_netcdf(image, engine="h5netcdf", encoding=encoding)
    write_whole(path, image.getbuffer())


def dataset(arrays: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Arrays by name, with an axis for each length."""
    return xr.Dataset(
        {
            name: ([f"n{place}_{size}" for place, size in enumerate(array.shape)], array)
            for name, array in arrays.items()
        }
    )


def _as_it_is(part: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Encodings without a number that stands for missing values; arrays of numbers are packed."""
    return {
        str(name): {"_FillValue": None}
        | (PACKED if one.dtype.kind in "iufb" and one.size > 64 else {})
        for name, one in part.variables.items()
    }


def read(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """Read what `write` wrote into memory.

    The file is inspected before any array is read: links other than hard ones, data kept in
    other files, and declared sizes above the cap are refused.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for anything but a complete result within the cap; it says what is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise _Refused(f"{path} is not a result of hawkesjax.")
            _inspect(file, path, max_bytes)
        # Numbers are read as stored: attributes such as units= or scale_factor= are not applied.
        with xr.open_datatree(path, engine="h5netcdf", **AS_THEY_STAND) as tree:
            attributes = json.loads(tree.attrs["attributes"])
            groups = {name: child.to_dataset().load() for name, child in tree.children.items()}
    except _Refused:
        raise
    except DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not a whole NetCDF result: {reason}.") from error
    if not isinstance(attributes, dict):
        raise ValueError(f"{path} is not a whole NetCDF result: it has no settings.")
    return groups, attributes


class _Refused(ValueError):
    """A file that can be read but is refused."""


def _inspect(file: h5py.File, path: Path, max_bytes: int) -> None:
    total, objects = 0, 0
    waiting: list[h5py.Group] = [file]
    addresses = set()
    while waiting:
        group = waiting.pop()
        for name in group:
            where = f"{str(group.name).rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _Refused(f"{path}: {where} is a link to elsewhere; it is not followed.")
            child = group[name]
            objects += 1
            address = h5py.h5o.get_info(child.id).addr
            if address in addresses or objects > MAX_OBJECTS:
                raise _Refused(f"{path}: its groups are linked in a cycle, or too many.")
            addresses.add(address)
            if isinstance(child, h5py.Group):
                waiting.append(child)
            elif isinstance(child, h5py.Dataset):
                if child.external or child.is_virtual:
                    raise _Refused(f"{path}: {where} keeps its data in another file.")
                total += int(child.size or 0) * max(child.dtype.itemsize, 1)
    if total > max_bytes:
        raise _Refused(
            f"{path} declares {total} bytes, more than the cap of {max_bytes}: raise max_bytes if "
            f"you trust it."
        )
