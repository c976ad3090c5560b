"""Results and data that are saved as files."""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar

from hawkesjax.inputs.html import Shown


def data_of(values: Any, data: Any) -> Any:
    """The data given, else those that an estimate or a posterior keeps.

    Raises:
        ValueError: if there are none, or their type is wrong.
    """
    data = values.data if data is None else data
    if data is None:
        raise ValueError("A loaded result does not contain its data: pass them as data=.")
    values.model.accept(data)
    return data


class Kept(Shown):
    """A dataclass that is saved whole, but for the fields named in `unsaved`."""

    kept: ClassVar[bool] = True
    unsaved: ClassVar[tuple[str, ...]] = ()

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a NetCDF file, which `hawkesjax.load` reads bit for bit.

        Args:
            path: the file; its folder must exist.
            force: replace an existing file.

        Raises:
            FileExistsError: if the file exists and `force` is not set.
            OSError: if it cannot be written; nothing half-written remains.
            TypeError: for a part that a file cannot hold.
        """
        # Here, since data are read without them: HDF5 and xarray take 0.4 s to import.
        from hawkesjax.core import store
        from hawkesjax.core.packing import digest_of, pack

        arrays: dict[str, Any] = {}
        text = json.dumps(pack(self, type(self).__name__, arrays))
        held = {"kept": text, "sha256": digest_of(text, arrays)}
        store.write(path, {store.PARTS: store.dataset(arrays)}, held, force=force)
