"""A trend in time, as a feature: a baseline that grows, dies down or ages."""

from __future__ import annotations

import functools
from typing import Any, Literal, Self

import numpy as np

from hawkesjax.inputs.arguments import AtLeastZero, Count, checked

# Of each window's length: the age at which ageing sets in. Between a thousandth and a tenth of it,
# only the first hundredth of a window tells one from another.
YOUNG = 0.01


class FromTrend:
    """The constructor of `Covariates` from the age of the data."""

    @classmethod
    @checked
    def trend(
        cls,
        data: Any,
        *,
        shape: Literal["exponential", "power"] = "exponential",
        ahead: AtLeastZero = 0.0,
        cells: Count = 200,
    ) -> Self:
        r"""One feature that changes with time alone, constant within many small cells.

        With x the time since the first window's start, in lengths T of all windows together,

        .. math:: f(t) = x \;\text{("exponential")}, \qquad
                  f(t) = \log(1 + x / 0.01) \;\text{("power")}.

        A log-linear baseline with it is :math:`\mu e^{\beta x}`, a trend, or
        :math:`\mu (1 + x / 0.01)^{\beta}`, an ageing as of cascades, whose rate falls as a power of
        their age. It goes on beyond the windows as far as `ahead`, for forecasts.

        Args:
            data: a panel: its windows and clock.
            shape: `"exponential"` or `"power"`.
            ahead: how far beyond the last window, in the panel's unit.
            cells: their number within the windows.

        Example:
            >>> panel = hj.EventPanel.from_lists(
            ...     [([1.0, 2.0, 9.0],)], window=(0, 10), mark_names=["post"])
            >>> trend = hj.Covariates.trend(panel, ahead=5.0, cells=100)
            >>> trend.feature_names, trend.window
            (('trend',), (0.0, 15.0))
        """
        windows = np.asarray(data.window, np.float64)
        low, high = float(windows[:, 0].min()), float(windows[:, 1].max())
        return _trend(cls, low, high, data.unit, data.origin, shape, float(ahead), cells)


# The same object for the same windows: a model that has it is then the model of before, whose
# programs are compiled (9 of the 10 seconds of CPU that a fit with a trend takes).
@functools.lru_cache(maxsize=64)
def _trend(
    cls: Any,
    low: float,
    high: float,
    unit: str,
    origin: str | None,
    shape: str,
    ahead: float,
    cells: int,
) -> Any:
    """The trend of windows from low to high."""
    length = high - low
    grid = np.linspace(0, 1, cells + 1)
    if shape == "power":  # finer at the begin, where it is steep
        grid = YOUNG * np.expm1(grid * np.log1p(1 / YOUNG))
        grid[-1] = 1.0
    if ahead > 0:
        more = max(1, int(np.ceil(ahead / length / max(grid[-1] - grid[-2], 1e-3))))
        grid = np.append(grid, 1 + ahead / length * np.arange(1, more + 1) / more)
    x = 0.5 * (grid[1:] + grid[:-1])
    values = x if shape == "exponential" else np.log1p(x / YOUNG)
    edges = low + length * grid
    edges[-1] = high + ahead
    given: dict[str, Any] = {"edges": edges, "values": values[:, None]}
    given |= {"feature_names": ("trend",), "unit": unit, "origin": origin}
    return cls(**given)
