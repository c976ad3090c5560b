"""Stretches of time that are held out in turn, target by target, where decays are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from hawkesjax.hawkes.concave import Target
from hawkesjax.hawkes.data.panel import EventPanel


@dataclass(frozen=True)
class Folds:
    """Every window cut into stretches of equal length.

    Args:
        fold: stretch of each event.
        children: (rows, folds, D) children of each source that come in each stretch, per unit of
            alpha; one row for all targets, or one a target.
    """

    fold: Int[np.ndarray, " events"]
    children: Float[np.ndarray, "rows folds marks"]

    @classmethod
    def of(cls, model: Any, data: EventPanel, folds: int) -> Folds:
        """The stretches of a panel's windows, for a model with known decays."""
        marks = data.num_marks
        times = np.asarray(data.times, np.float64)
        length = np.asarray(data.duration, np.float64)[data.sequence] / folds
        fold = np.minimum(times / np.where(length > 0, length, 1), folds - 1).astype(int)
        gamma = np.broadcast_to(np.asarray(model.gamma, np.float64), (marks, marks))
        rows = gamma if np.ndim(model.gamma) == 2 else gamma[:1]
        shares = np.asarray(model.kernel.weights({}), np.float64)
        ratios = np.asarray(model.kernel.ratios, np.float64)
        children = np.zeros((len(rows), folds, marks))
        for r, row in enumerate(rows):
            rates = ratios[:, None] * row[data.marks]

            def late(after: np.ndarray, rates: np.ndarray = rates) -> np.ndarray:
                return shares @ np.exp(-rates * np.maximum(after - times, 0))

            if model.compensator != "exact":
                np.add.at(children[r], (fold, data.marks), 1.0)
                continue
            for f in range(folds):
                mass = late(f * length) - late((f + 1) * length)
                children[r, f] = np.bincount(data.marks, weights=mass, minlength=marks)
        return cls(fold, children)

    def split(
        self, target: Target, events: Int[np.ndarray, " rows"], number: int, held: int
    ) -> tuple[Target, Target]:
        """A target's part without a stretch, and that stretch alone."""
        folds = self.children.shape[1]
        row = self.children[min(number, len(self.children) - 1)]
        out = self.fold[events] == held

        def part(mine: np.ndarray, share: float, children: np.ndarray) -> Target:
            own = target.own if np.ndim(target.own) == 0 else np.asarray(target.own)[mine]
            return replace(
                target,
                rates=target.rates[mine],
                level=target.level[mine],
                exposure=target.exposure * share,
                children=children,
                own=own,
            )

        rest = row.sum(axis=0) - row[held]
        return part(~out, 1 - 1 / folds, rest), part(out, 1 / folds, row[held])
