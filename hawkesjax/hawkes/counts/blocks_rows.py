"""Rows of decayed counts from the form in blocks, for a few events at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from hawkesjax.hawkes.counts.blocks import BlockForm


@dataclass(frozen=True)
class BlockRows:
    """What each event's intensity is per unit of alpha of each source, computed when asked for.

    The states before all chunks are held, (N / C, D); all rows would be (N, D).

    Args:
        form: the events, on the host.
        states: S just before each chunk, by term.
        rates, heights: decay rate of each term, and what it adds to the intensity at first.
    """

    form: BlockForm
    states: Float[np.ndarray, "chunks terms marks"]
    rates: Float[np.ndarray, " terms"]
    heights: Float[np.ndarray, " terms"]

    @classmethod
    def of(cls, form: BlockForm, gamma: Any, *weights: Any) -> BlockRows:
        """For these decays and weights of the kernel's terms."""
        ratios = np.asarray(form.ratios, np.float64)
        rates = float(np.asarray(gamma)) * ratios
        shares = np.asarray(weights[0], np.float64) if weights else np.ones_like(rates)
        states = np.asarray(jax.jit(lambda form, gamma: form.states(gamma))(form, gamma))
        return cls(jax.tree.map(np.asarray, form), states, rates, shares * rates)

    def __getitem__(
        self, events: Int[np.ndarray, " rows"] | Bool[np.ndarray, " all"]
    ) -> Float[np.ndarray, "rows marks"]:
        form = self.form
        if events.dtype == bool:
            events = np.flatnonzero(events)  # padding has no events
        width = form.marks.shape[2]
        chunk, place = np.divmod(form.place[events], width)

        def of_chunks(name: str) -> np.ndarray:
            return getattr(form, name).reshape(-1, width)

        since = of_chunks("since")[chunk, place]
        known = place < form.carried.ravel()[chunk]
        theirs = np.arange(width)
        begin, before = (of_chunks(n)[chunk, place][:, None] for n in ("begin", "before"))
        row, column = np.nonzero((begin <= theirs) & (theirs < before))
        lag = since[row] - of_chunks("since")[chunk[row], column]
        marks = of_chunks("marks")[chunk[row], column]
        rows = np.zeros((len(events), form.num_marks))
        near = np.zeros(len(row))
        for k, (rate, height) in enumerate(zip(self.rates, self.heights, strict=True)):
            rows += (height * known * np.exp(-rate * since))[:, None] * self.states[chunk, k]
            near += height * np.exp(-rate * lag)
        np.add.at(rows, (row, marks), near)
        return rows
