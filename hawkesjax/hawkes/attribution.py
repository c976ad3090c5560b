"""What drove what: the causes of each event, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from hawkesjax.core.tables import statistics
from hawkesjax.hawkes.background import absolute
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.exposed import refuse_impossible
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.lineage import lineage, lineage_of_points
from hawkesjax.hawkes.prepared import stream_of
from hawkesjax.hawkes.values import draws_of, one_of
from hawkesjax.hawkes.watched import Watched, with_history
from hawkesjax.inputs.arguments import Bytes, Count, checked
from hawkesjax.inputs.checks import kind_of_value, listed_once, short

MAX_BYTES = 2**31


@dataclass(frozen=True, eq=False, repr=False)
class Attribution:
    """Probabilities of the causes of each event of a panel, draw by draw.

    Args:
        values: (draws, events, causes).
        causes: what the last axis means: `background`, `direct from online`, ...,
            `lost without online -> offline`, ...
        panel: the events.
    """

    values: Float[np.ndarray, "draws events causes"]
    causes: tuple[str, ...]
    panel: EventPanel

    def events(self) -> pd.DataFrame:
        """One row per event, in the panel's order: its sequence, mark and time, and the mean and
        95 % interval over the draws of the probability of each cause."""
        panel = self.panel
        owner = np.asarray(panel.sequence)
        columns: dict[tuple[str, str], Any] = {
            ("event", "sequence"): np.asarray(panel.sequence_names, object)[owner],
            ("event", "mark"): np.asarray(panel.mark_names, object)[np.asarray(panel.marks)],
            ("event", "time"): np.asarray(panel.times) + np.asarray(panel.start)[owner],
        }
        table = statistics(self.values, median=False)
        columns |= {
            (cause, name): np.asarray(column)[:, number]
            for number, cause in enumerate(self.causes)
            for name, column in table.items()
        }
        return pd.DataFrame(columns)

    def shares(self) -> pd.DataFrame:
        """Share of the events of each mark by cause, in each sequence and in `all`.

        The mean over the window's own events of their probabilities, draw by draw, with 95 %
        intervals; the background and the direct shares add up to 1. NaN where a sequence has no
        event of the mark. The intervals cover the uncertainty of the parameters, not the
        randomness of which event triggered which.
        """
        panel = self.panel
        num, marks = panel.num_sequences, panel.num_marks
        cells = np.asarray(panel.sequence, np.int64) * marks + np.asarray(panel.marks)
        draws, events, causes = self.values.shape
        gather = sparse.csr_matrix(
            (np.ones(events), (cells, np.arange(events))), shape=(num * marks, events)
        )
        sums = gather @ self.values.transpose(1, 0, 2).reshape(events, draws * causes)
        sums = sums.reshape(num, marks, draws, causes)
        sums = np.concatenate([sums.sum(axis=0, keepdims=True), sums])
        counts = np.bincount(cells, minlength=num * marks).reshape(num, marks)
        counts = np.concatenate([counts.sum(axis=0, keepdims=True), counts]).astype(float)
        counts[counts == 0] = np.nan
        share = np.moveaxis(sums / counts[:, :, None, None], 2, 0)
        index = pd.MultiIndex.from_product(
            [["all", *panel.sequence_names], panel.mark_names, self.causes],
            names=["sequence", "target", "cause"],
        )
        table = statistics(share, median=False)
        return pd.DataFrame({name: column.ravel() for name, column in table.items()}, index=index)

    def __repr__(self) -> str:
        table = self.shares().loc["all"].to_string(float_format=lambda x: f"{x:.4f}")
        draws, events, _ = self.values.shape
        return f"Attribution of {events:,} events over {draws} draws\n{table}"


@checked
def attribution(
    model: HawkesLaw,
    values: Any,
    data: EventPanel,
    *,
    links: Sequence[tuple[str, str]] | None = None,
    draws: Count = 200,
    max_bytes: Bytes = MAX_BYTES,
) -> Attribution:
    """The probable cause of each event, and which events a link accounts for.

    Each event is an immigrant (`background`) or was triggered by one earlier event (`direct from`
    its mark). Removing a link `online -> offline` removes every event triggered through it and all
    its descendants: `lost without online -> offline`. The probabilities are those of
    `hawkesjax.hawkes.lineage`, given all events of the panel and one draw of the parameters.

    Args:
        model: the model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters (one draw).
        data: the events.
        links: pairs (source, target) of mark names to remove, one at a time; by default every
            link between different marks.
        draws: draws of a posterior to use, evenly spaced over all chains.
        max_bytes: refuse when the result would be larger.

    Raises:
        ValueError: for an unknown mark, a result beyond `max_bytes`, or an event that nothing can
            have caused (`hawkesjax.hawkes.exposed.refuse_impossible`).
    """
    if model.link != "identity":
        raise ValueError(
            "attribution needs a model in which every event has one cause (link='identity'): where "
            "effects may inhibit, events have no parents."
        )
    panel = data
    names = list(panel.mark_names)
    if links is None:
        links = [(source, target) for target in names for source in names if source != target]
    pairs = [listed_once(link) or [] for link in listed_once(links) or []]
    if listed_once(links) is None or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"links is {kind_of_value(links)}; it must be pairs (source, target).")
    unknown = [mark for pair in pairs for mark in pair if not _is_among(mark, names)]
    if unknown:
        shown = ", ".join(map(short, unknown))
        raise ValueError(f"links name {shown}; the panel's marks are {', '.join(names)}.")
    cut = np.zeros((len(pairs), len(names), len(names)), bool)
    for number, (source, target) in enumerate(pairs):
        cut[number, names.index(target), names.index(source)] = True
    parameters = draws_of(values, model, limit=draws, panel=panel)
    count = max(len(value) for value in parameters.values())
    size = 8 * count * panel.num_events * (1 + len(names) + len(pairs))
    if size > max_bytes:
        raise ValueError(
            f"The attribution would take {size / 2**30:.1f} GiB, more than "
            f"{max_bytes / 2**30:.1f}: take fewer draws or links."
        )
    refuse_impossible(panel, 1, model.strength.lag)
    factor = panel.exposure.at(np.asarray(panel.times), np.asarray(panel.sequence))[:, None]
    whole, rows = with_history(panel)
    compute = _by_points(model, panel, cut) if model.strength else _by_events(model, whole, cut)

    parts = []
    for number in range(count):
        one = one_of(parameters, number)
        alone = {name: np.asarray(value)[None] for name, value in one.items()}
        mu = model.background.along(alone, panel.sequence, absolute(panel), panel)[0]
        mu = np.broadcast_to(mu, (panel.num_events, len(names))) * factor
        own = np.full(whole.num_events, np.inf)  # events of the history count as background
        own[rows] = mu[np.arange(panel.num_events), panel.marks]
        parts.append(np.asarray(compute(own, one))[rows])
    causes = ("background", *(f"direct from {name}" for name in names))
    causes += tuple(f"lost without {source} -> {target}" for source, target in links)
    return Attribution(np.stack(parts), causes, panel)


Compute = Callable[[np.ndarray, dict[str, Any]], Any]


def _by_events(model: HawkesLaw, whole: EventPanel, cut: np.ndarray) -> Compute:
    """Causes of a panel's events, its history among them, from their baselines and parameters."""
    stream, ratios = stream_of(whole), jnp.asarray(model.kernel.ratios)

    @jax.jit
    def compute(own, one):
        terms = (one["alpha"], one["gamma"], jnp.asarray(cut), ratios, model.kernel.weights(one))
        return jnp.concatenate(lineage(stream, own, *terms), axis=1)

    return compute


def _by_points(model: HawkesLaw, panel: EventPanel, cut: np.ndarray) -> Compute:
    """The same where effects are scaled or delayed."""
    whole, _ = with_history(panel)
    points = Watched.of(panel, lag=model.strength.lag)
    stream, ratios = stream_of(points.panel), jnp.asarray(model.kernel.ratios)
    at = points.events_at

    @jax.jit
    def compute(own, one):
        filled = model.with_strength(one, panel, points, stream)
        along = filled, at, points.cause, whole.marks, own
        terms = (one["alpha"], one["gamma"], jnp.asarray(cut), ratios, model.kernel.weights(one))
        found = jnp.concatenate(lineage_of_points(*along, *terms), axis=1)
        return found[np.flatnonzero(at >= 0)]

    return compute


def _is_among(mark: Any, names: list[str]) -> bool:
    return isinstance(mark, str) and mark in names
