"""Why the events of some sequences, or of some periods, trigger more events than others."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from hawkesjax.covariates.covariates import Covariates
from hawkesjax.covariates.features import INTERCEPT
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.inputs.checks import kind_of_value, listed, short

SEQUENCE = "sequence"  # every sequence is a group of its own
MOST_GROUPS = 50  # up to this many, tables show the alpha of each


@dataclass(frozen=True, eq=False)
class Modifiers:
    r"""Features x of each event's sequence, or of its time, that scale its effects.

    An event of mark j triggers on average `alpha[i, j] exp(x . alpha_effect[i, j])` direct events
    of mark i.

    Args:
        features: F names; for an unordered column each level but the first (`gang=b`), and with
            `pooled` every level.
        names: names of the sequences that have features, in the order of `row`; none if features
            depend on time alone, or each sequence is its own group.
        row: row of each of these sequences, or of each cell of `time`.
        rows: (U, F) distinct rows.
        labels: names of the rows.
        time: the covariates that the features are taken from.
        pooled: whether groups are partially pooled.
    """

    features: tuple[str, ...]
    names: tuple[str, ...]
    row: Int[np.ndarray, " known"]
    rows: Float[np.ndarray, "rows features"]
    labels: tuple[str, ...]
    time: Covariates | None
    pooled: bool

    @classmethod
    def of(cls, given: Any, pooled: bool) -> Modifiers | None:
        """The settings `alpha_effects` and `pooled` of a model, checked.

        Raises:
            ValueError: for anything but a table of sequences, covariates or "sequence"; for missing
                or infinite values, sequences named twice, features that are all constant, and
                pooling without groups.
        """
        if isinstance(given, cls):
            return given
        if given is None:
            if pooled:
                raise ValueError("pooled=True pools groups: name them with alpha_effects=.")
            return None
        if isinstance(given, str) and given == SEQUENCE:
            if not pooled:
                raise ValueError(
                    'alpha_effects="sequence" gives every sequence an alpha of its own, which '
                    "needs pooled=True; without pooling, fit each sequence separately."
                )
            return cls((), (), np.zeros(0, int), np.zeros((0, 0)), (), None, True)
        if isinstance(given, Covariates):
            return cls._of_time(given, pooled)
        if not isinstance(given, pd.DataFrame):
            raise ValueError(
                f"alpha_effects is {kind_of_value(given)}; it must be a table with one row per "
                f"sequence, whose index names them, Covariates (for periods), or 'sequence'."
            )
        return cls._of_sequences(given, pooled)

    @classmethod
    def _of_time(cls, time: Covariates, pooled: bool) -> Modifiers:
        if pooled:
            raise ValueError("pooled=True is for groups of sequences, not for periods.")
        kept = [name for name in time.feature_names if name != INTERCEPT]
        if not kept:
            raise ValueError("The covariates of alpha_effects have no feature but the intercept.")
        time = time.select(kept)
        rows, row = np.unique(time.values, axis=0, return_inverse=True)
        labels = [
            ", ".join(f"{n}={v:g}" for n, v in zip(kept, one, strict=True)) for one in rows.tolist()
        ]
        return cls(tuple(kept), (), row.ravel(), rows, tuple(labels), time, False)

    @classmethod
    def _of_sequences(cls, table: pd.DataFrame, pooled: bool) -> Modifiers:
        names = [str(name) for name in table.index]
        again = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if again:
            raise ValueError(f"alpha_effects names {listed(again)} twice. Give one row each.")
        if not len(table) or not len(table.columns):
            raise ValueError("alpha_effects has no rows or no columns. Give features of sequences.")
        columns = [_coded(table[column], str(column), pooled) for column in table.columns]
        values, codes, features, said = zip(*columns, strict=True)
        if pooled and (len(table.columns) > 1 or _is_number(table[table.columns[0]])):
            raise ValueError(
                "pooled=True pools the groups of one column: give a table of one column that "
                "names each sequence's group."
            )
        _, first, row = np.unique(
            np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True
        )
        rows = np.concatenate(values, axis=1)[first]
        labels = tuple(", ".join(parts[place] for parts in said) for place in first)
        called = tuple(name for names in features for name in names)
        return cls(called, tuple(names), row.ravel(), rows, labels, None, pooled)

    @property
    def by_sequence(self) -> bool:
        """Whether each sequence is a group of its own."""
        return not len(self.rows)

    @property
    def has_groups(self) -> bool:
        """Whether tables show the alpha of each distinct row."""
        return self.pooled or len(self.labels) <= MOST_GROUPS

    def features_of(self, panel: Any) -> list[str]:
        """Names of the features."""
        return list(panel.sequence_names) if self.by_sequence else list(self.features)

    def labels_of(self, panel: Any) -> list[str]:
        """Names of the groups."""
        return list(panel.sequence_names) if self.by_sequence else list(self.labels)

    def sizes(self, data: Any) -> dict[str, int]:
        """Number of features and of groups."""
        if self.by_sequence:
            return {"effect": data.num_sequences, "group": data.num_sequences}
        return {"effect": len(self.features), "group": len(self.labels)}

    def locate(
        self, panel: EventPanel, sequence: np.ndarray, times: np.ndarray
    ) -> Int[np.ndarray, " events"]:
        """The row of events of a panel, from their sequence and absolute time.

        Raises:
            ValueError: for sequences without features, and times without covariates.
        """
        if self.by_sequence:
            return np.asarray(sequence)
        if self.time is not None:
            return self.row[self.time.aligned(panel).locate(times)]
        return self.of_sequences(panel)[sequence]

    def of_sequences(self, panel: EventPanel) -> Int[np.ndarray, " sequences"]:
        """The row of each sequence of a panel.

        Raises:
            ValueError: for sequences without features.
        """
        place = {name: number for number, name in enumerate(self.names)}
        unknown = [name for name in panel.sequence_names if name not in place]
        if unknown:
            raise ValueError(
                f"alpha_effects has no row for {len(unknown)} sequences ({listed(unknown, 5)}). "
                f"Its index must name every sequence of the panel."
            )
        return self.row[[place[name] for name in panel.sequence_names]]

    @functools.cached_property
    def reach(self) -> Float[np.ndarray, " features"]:
        """Range of each feature, largest minus smallest value; 1 where it is 0."""
        reach = np.ptp(self.rows, axis=0)
        return np.where(reach > 0, reach, 1.0)

    def config(self) -> dict[str, Any]:
        """The modifiers as JSON-serialisable values."""
        time = self.time
        return {
            "features": list(self.features),
            "names": list(self.names),
            "row": self.row.tolist(),
            "rows": self.rows.tolist(),
            "labels": list(self.labels),
            "pooled": self.pooled,
            "time": None
            if time is None
            else {
                "edges": time.edges.tolist(),
                "values": time.values.tolist(),
                "feature_names": list(time.feature_names),
                "unit": time.unit,
                "origin": time.origin,
                "timezone": time.timezone,
            },
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> Modifiers | None:
        """Restore the modifiers from `config()`."""
        if config is None:
            return None
        time = config["time"]
        if time is not None:
            arrays = {name: np.asarray(time[name], np.float64) for name in ("edges", "values")}
            names = tuple(time["feature_names"])
            time = Covariates(**{**time, **arrays, "feature_names": names})
        return cls(
            features=tuple(config["features"]),
            names=tuple(config["names"]),
            row=np.asarray(config["row"], int),
            rows=np.asarray(config["rows"], np.float64).reshape(-1, len(config["features"])),
            labels=tuple(config["labels"]),
            time=time,
            pooled=config["pooled"],
        )


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column)


def _coded(
    column: pd.Series, name: str, pooled: bool
) -> tuple[Float[np.ndarray, "rows features"], Any, list[str], list[str]]:
    """Values of a column as features, numbers that sort its rows, the features' names, and the
    rows' labels."""
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise ValueError(
            f"alpha_effects has no {name!r} for {short(column.index[missing[0]])}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}. Fill it in, or leave "
            f"these sequences out of the panel (select)."
        )
    if _is_number(column):
        values = column.to_numpy(np.float64)
        if not np.all(np.isfinite(values)):
            raise ValueError(f"alpha_effects has infinite values of {name!r}.")
        if np.ptp(values) == 0:
            raise ValueError(f"{name!r} of alpha_effects is {values[0]:g} for all: no effect.")
        return values[:, None], values, [name], [f"{name}={value:g}" for value in values.tolist()]
    said = column.astype("category")
    used = [one for one in said.cat.categories if (said == one).any()]
    if len(used) < 2:
        raise ValueError(f"{name!r} of alpha_effects has one level ({used[0]}): no effect.")
    shown = [f"{name}={one}" for one in used]
    codes = np.array([used.index(one) for one in said])
    values = np.eye(len(used))[codes]
    first = 0 if pooled else 1
    return values[:, first:], codes, shown[first:], [shown[code] for code in codes]
