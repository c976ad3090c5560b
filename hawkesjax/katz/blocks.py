"""Groups of users whose integrals take equally many nodes, as arrays of shared sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from hawkesjax.inputs.arrays import AnyArray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Block:
    r"""Groups of users whose integrals take equally many nodes.

    A group is users with the same rows (r, g, count); a class is groups that share their nodes;
    a cell is a distinct (class, r, g): `log` and `expm1` are taken once per cell and node.

    Args:
        low, high: by grid, at most the events that nothing but the baseline explains, and at
            least all events; classes with the same pair share the grid.
        class_grid: by class, its grid.
        heard: by class, about what multiplies the baseline (multiplicative form), else 0.
        cell_class, cell_heard, cell_factor, cell_silent: of each cell.
        term_group, term_cell, term_count: the groups' rows, sorted by group.
        group_class, group_users: of each group.
        group_heard: what multiplies its baseline, less the class's.
        nodes: nodes of each integral.
    """

    low: Float[AnyArray, " grids"]
    high: Float[AnyArray, " grids"]
    class_grid: Int[AnyArray, " classes"]
    heard: Float[AnyArray, " classes"]
    cell_class: Int[AnyArray, " cells"]
    cell_heard: Float[AnyArray, " cells"]
    cell_factor: Float[AnyArray, " cells"]
    cell_silent: Bool[AnyArray, " cells"]
    term_group: Int[AnyArray, " terms"]
    term_cell: Int[AnyArray, " terms"]
    term_count: Float[AnyArray, " terms"]
    group_class: Int[AnyArray, " groups"]
    group_heard: Float[AnyArray, " groups"]
    group_users: Float[AnyArray, " groups"]
    nodes: int = field(metadata={"static": True})

    @property
    def sizes(self) -> dict[str, int]:
        """How many grids, classes, cells, terms and groups there are."""
        return {what: len(getattr(self, name)) for name, what in COUNTS.items()}


COUNTS = {  # what each field is about
    form.format(name): plural
    for form, plural, names in (
        ("{}", "grids", ("low", "high")),
        ("{}", "classes", ("class_grid", "heard")),
        ("cell_{}", "cells", ("class", "heard", "factor", "silent")),
        ("term_{}", "terms", ("group", "cell", "count")),
        ("group_{}", "groups", ("class", "heard", "users")),
    )
    for name in names
}
ONES = {"low", "high", "cell_heard", "cell_factor"}  # fields that ones fill up
WHOLE = {"class_grid", "cell_class", "term_group", "term_cell", "group_class"}
EMPTY = Block(
    **{
        name: np.zeros(0, np.int32 if name in WHOLE else bool if name == "cell_silent" else float)
        for name in COUNTS
    },
    nodes=0,
)


def roomy(size: int) -> int:
    """The next power of 2 from 32 on, beyond 512 also 3/4 of one, beyond 4096 in eighths: small
    data of about one size share one compilation."""
    power = 2 ** int(np.ceil(np.log2(max(size, 32))))
    step = power // (16 if power > 4096 else 4 if power > 512 else 1)
    return max(-(-size // step) * step, power // 2 + step) if step < power else power


def padded(values: np.ndarray, size: int, value: float = 0) -> np.ndarray:
    """At least `size` values, the new ones all the same."""
    return np.pad(values, (0, max(size - len(values), 0)), constant_values=value)


def filled_block(block: Block, least: Mapping[str, int]) -> Block:
    """With more of everything, which is finite and counts 0 times, up to roomy sizes of at least
    `least`, by what is counted."""
    sizes = {what: roomy(max(size, least.get(what, 0))) for what, size in block.sizes.items()}
    last = {"term_group": sizes["groups"] - 1, "term_cell": sizes["cells"] - 1}  # stay sorted
    value = last | dict.fromkeys(ONES, 1)
    arrays = {
        name: padded(np.asarray(getattr(block, name)), sizes[what], value.get(name, 0))
        for name, what in COUNTS.items()
    }
    return replace(block, **arrays)
