"""Which parameters of a model interact, and how they are ordered in a vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Which parameters interact.

    Args:
        local_name: the parameter whose entries do not interact given the others; or None.
        names, shapes: the others, in order; shapes of all.
        members: (groups, size) places among the others of each group's parameters; -1 is padding.
        top: (q,) places of those that interact with all.
        local_group: (local,) group of each local entry.
        joined: whether local entries interact with all.
    """

    local_name: str | None
    names: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]
    members: np.ndarray
    top: np.ndarray
    local_group: np.ndarray
    joined: bool

    @classmethod
    def of(cls, model: Any, point: dict[str, Any], data: Any) -> Layout:
        """The layout of a model's parameters, by its `local` and `blocks`."""
        structures = model.structures(data)
        name = model.local if model.local not in structures else None  # tied ones interact
        # Not in the order of the point: programs give dicts back sorted by name.
        names = tuple(other for other in model.shapes(data) if other != name and other in point)
        shapes = {other: np.shape(value) for other, value in point.items()}
        blocks = model.blocks(data)

        def label(part: str) -> np.ndarray:
            given = blocks.get(part)
            size = int(np.prod(shapes[part]))
            if given is None:
                return np.full(size, -1)
            return structures[part].labels(given) if part in structures else np.ravel(given)

        labels = [label(part) for part in names]
        own = np.zeros(0, int) if name is None else label(name)
        known, codes = np.unique(np.concatenate([*labels, own]), return_inverse=True)
        groups, own = np.split(codes - int(np.any(known < 0)), [len(codes) - len(own)])
        last = max(groups.max(initial=-1), own.max(initial=-1))  # some have local entries alone
        parts = [np.flatnonzero(groups == g) for g in range(last + 1)]
        members = np.full((len(parts), max((len(part) for part in parts), default=0)), -1)
        for row, part in zip(members, parts, strict=True):
            row[: len(part)] = part
        joined = bool(np.any(own < 0))
        top, own = np.flatnonzero(groups < 0), np.maximum(own, 0)
        return cls(name, names, shapes, members, top, own, joined)

    @property
    def num_others(self) -> int:
        """Number of the other parameters."""
        return int(np.sum(self.members >= 0)) + len(self.top)

    def flat(self, parts: dict[str, Any]) -> np.ndarray:
        """The others as a vector."""
        rows = [np.ravel(np.asarray(parts[name])) for name in self.names]
        return np.concatenate(rows) if rows else np.zeros(0)

    def local(self, parts: dict[str, Any]) -> np.ndarray:
        """The local entries as a vector."""
        return np.zeros(0) if self.local_name is None else np.ravel(parts[self.local_name])

    def named(self, local: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
        """Both by name, in their shapes."""
        sizes = [int(np.prod(self.shapes[name])) for name in self.names]
        pieces = np.split(others, np.cumsum(sizes)[:-1])
        out = {
            name: piece.reshape(self.shapes[name])
            for name, piece in zip(self.names, pieces, strict=True)
        }
        if self.local_name is not None:
            out[self.local_name] = local.reshape(self.shapes[self.local_name])
        return out

    def parts(self) -> tuple[int, dict[str, np.ndarray]]:
        """The number of parts into which the loss splits, and the part of each entry by name: the
        groups if nothing interacts with all of them, else one part."""
        apart = len(self.members) > 1 and not len(self.top) and not self.joined
        others, local = np.zeros(self.num_others, int), np.zeros_like(self.local_group)
        if apart:
            local = self.local_group
            for g, members in enumerate(self.members):
                others[members[members >= 0]] = g
        return len(self.members) if apart else 1, self.named(local, others)

    def directions(self) -> list[tuple[int, np.ndarray]]:
        """Unit directions of the others that one product covers: the same member of every group
        at once, (column, places); then those that interact with all, from column `size` on."""
        size = self.members.shape[1]
        shared = [(k, self.members[self.members[:, k] >= 0, k]) for k in range(size)]
        return shared + [(size + j, self.top[j : j + 1]) for j in range(len(self.top))]
