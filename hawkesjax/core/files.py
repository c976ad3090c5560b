"""Files of results and data: one function loads what any `save` wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hawkesjax.core import store
from hawkesjax.core.packing import digest_of, unpack
from hawkesjax.core.posterior import Posterior
from hawkesjax.inputs.arguments import Bytes, checked

WRONG = (KeyError, TypeError, AttributeError, IndexError, ValueError)  # from parts that do not fit


@checked
def load(path: str | os.PathLike[str], *, max_bytes: Bytes = store.MAX_BYTES) -> Any:
    """Read what a `save` wrote, bit for bit: a posterior, an estimate, a forecast, data.

    Args:
        path: the file.
        max_bytes: refuse a file that declares more.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: for a file that is not a result of hawkesjax, is damaged, links outside
            itself, declares more than `max_bytes`, has missing or unknown parts, or parts
            that do not match the model.

    Example:
        >>> panel = hj.EventPanel.from_arrays([0.5, 2.0], ["a", "b"], window=(0, 3))
        >>> panel.save("panel.nc")
        >>> hj.load("panel.nc").counts.tolist()
        [[1, 1]]
    """
    groups, attributes = store.read(path, max_bytes=max_bytes)
    if "kept" not in attributes:
        return Posterior.from_file(path, groups, attributes)
    arrays = {str(name): one.values for name, one in groups.get(store.PARTS, {}).items()}
    text = attributes["kept"]
    if not isinstance(text, str) or digest_of(text, arrays) != attributes.get("sha256"):
        raise ValueError(f"{Path(path)} is damaged: its parts do not match their checksum.")
    try:
        return unpack(json.loads(text), arrays)
    except WRONG as error:
        raise ValueError(f"{Path(path)} is not a whole result: {error}.") from error
