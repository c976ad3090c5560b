"""Row labels of tables, the same for estimates and posteriors."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence


def row_labels(name: str, dims: Sequence[str], coords: Mapping[str, Sequence[str]]) -> list[str]:
    """`mu[gang 1, online]`; effects of a source on a target read `alpha[online -> offline]`."""
    if tuple(dims) == ("target", "source"):
        return [f"{name}[{s} -> {t}]" for t in coords["target"] for s in coords["source"]]
    if not dims:
        return [name]
    axes = [coords[dim] for dim in dims]
    return [f"{name}[{', '.join(map(str, entry))}]" for entry in itertools.product(*axes)]
