"""The result of maximum likelihood, with the reason why the search stopped."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from hawkesjax.core.kept import Kept, data_of
from hawkesjax.core.labels import row_labels
from hawkesjax.core.model import Model


class Result(enum.Enum):
    """Why the search stopped."""

    CONVERGED = "converged"
    BOUNDARY = "on the boundary"
    STEP_LIMIT = "step limit"
    STALLED = "stalled"
    NON_FINITE = "non-finite"


@dataclass(frozen=True, eq=False)
class Estimate(Kept):
    """A maximum of the likelihood.

    A subclass adds a model's own tables; a model names it in `Model[Data, Estimate, Posterior]`.

    Args:
        model: what was fitted.
        params: natural parameters by name, NumPy arrays.
        standard_errors, lower, upper: by name; the 95 % interval is `transform(u +- 1.96 se(u))`
            with u the unconstrained parameter, so it stays inside the support. NaN where the
            parameter is on the boundary or the information matrix is not positive definite.
        log_likelihood: in nats, as maximised by `fit` (integrated over a hierarchy's offsets).
        num_parameters, num_events: for AIC and BIC.
        result: why the search stopped; `CONVERGED` only if the gradient confirms it.
        message: the same in words, with numbers.
        gradient: largest absolute derivative of the objective in an unconstrained parameter,
            nats per event.
        steps: steps of the best start.
        starts: log-likelihood reached from each start.
        dims, coords: names of axes and along axes.
        data: what was fitted.
        constants: single numbers that the model takes from the data, such as the period of a cycle.
        record: of the run (`hawkesjax.core.record`).
    """

    drawn_by: ClassVar[str] = "figures()"
    unsaved: ClassVar[tuple[str, ...]] = ("data",)

    model: Model[Any, Any, Any]
    params: dict[str, Any]
    standard_errors: dict[str, Any]
    lower: dict[str, Any]
    upper: dict[str, Any]
    log_likelihood: float
    num_parameters: int
    num_events: int
    result: Result
    message: str
    gradient: float
    steps: int
    starts: tuple[float, ...]
    dims: dict[str, tuple[str, ...]]
    coords: dict[str, list[str]]
    data: Any = None
    constants: dict[str, float] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-serialisable values."""
        return self.model.config()

    def draws(self) -> dict[str, np.ndarray]:
        """The parameters with a leading axis of one draw, in the format of a posterior."""
        return {name: np.asarray(value)[None] for name, value in self.params.items()}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that needs only the estimate, by name."""
        return {"summary": self.summary()}

    def figures(self, data: Any = None) -> dict[str, Any]:
        """Every figure of the fit, by name.

        Args:
            data: the data to show, if not the fitted ones; required after `load`.
        """
        return self.model.figures(self, self.fitted(data))

    def fitted(self, data: Any = None) -> Any:
        """The data that were fitted: those given, else those kept by `fit`.

        Raises:
            ValueError: if there are none (a file does not contain them), or their type is wrong.
        """
        return data_of(self, data)

    @property
    def converged(self) -> bool:
        """Whether the gradient vanished, inside the support or on its boundary."""
        return self.result in (Result.CONVERGED, Result.BOUNDARY)

    @property
    def aic(self) -> float:
        """Akaike's criterion, `2 k - 2 l`."""
        return 2 * self.num_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, `k log n - 2 l`, n the number of events."""
        return self.num_parameters * np.log(max(self.num_events, 1)) - 2 * self.log_likelihood

    def summary(self, var_names: str | list[str] | None = None) -> pd.DataFrame:
        """One row per parameter: estimate, standard error, 95 % interval."""
        rows = []
        var_names = [var_names] if isinstance(var_names, str) else var_names
        for name in var_names or self.params:
            if name not in self.params:
                raise ValueError(f"No parameter {name!r}; there are {', '.join(self.params)}.")
            labels = row_labels(name, self.dims[name], self.coords)
            parts = (self.params, self.standard_errors, self.lower, self.upper)
            columns = [np.asarray(part[name], float).ravel() for part in parts]
            rows.append(
                pd.DataFrame(
                    dict(zip(("estimate", "se", "2.5%", "97.5%"), columns, strict=True)),
                    index=pd.Index(labels, name="parameter"),
                )
            )
        return pd.concat(rows)

    def _shown(self) -> pd.DataFrame:
        return self.summary()

    def __repr__(self) -> str:
        table = self.summary()
        shown = table.head(20).to_string(float_format=lambda x: f"{x:.4g}")
        more = "" if len(table) <= 20 else f"\n... {len(table) - 20} more rows in summary()"
        return (
            f"Estimate: {self.message}\n"
            f"log-likelihood {self.log_likelihood:.3f}, AIC {self.aic:.2f}, BIC {self.bic:.2f}\n"
            f"{shown}{more}"
        )
