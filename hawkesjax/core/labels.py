"""Row labels of tables, the same for estimates and posteriors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def row_labels(name: str, dims: Sequence[str], coords: Mapping[str, Sequence[str]]) -> list[str]:
    """`mu[gang 1, online]`; effects of a source on a target read `alpha[online -> offline]`."""
    if tuple(dims) == ("target", "source"):
        return [f"{name}[{s} -> {t}]" for t in coords["target"] for s in coords["source"]]
    if not dims:
        return [name]
    axes = [coords[dim] for dim in dims]
    return [f"{name}[{', '.join(map(str, entry))}]" for entry in itertools.product(*axes)]


def entries(
    masks: Mapping[str, np.ndarray],
    params: Mapping[str, Any],
    dims: Mapping[str, Sequence[str]],
    coords: Mapping[str, Sequence[str]],
) -> list[str]:
    """Label and value of every entry that the masks select: `mu[3, offline] at 0`."""
    said = []
    for name, mask in masks.items():
        labels = row_labels(name, dims[name], coords)
        values = np.ravel(np.asarray(params[name]))
        for label, value, chosen in zip(labels, values, np.ravel(mask), strict=True):
            if chosen:
                tiny = abs(value) < 1e-3 and name != "gamma"
                said.append(f"{label} at {0 if tiny else value:.3g}")
    return said
