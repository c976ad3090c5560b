"""Every figure, with what it was not made for; and the figures and tables that a fit offers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cases import CASES

BY_MODEL = {type(case.model).__name__: case for case in reversed(CASES)}
PLOTS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(hj.plots, name)
        for name in hj.plots.__all__
        if name not in ("katz", "interactive")
    },
    **{
        f"katz.{name}": getattr(hj.plots.katz, name)
        for name in ("volume", "change", "stability", "influence")
    },
}


@pytest.fixture(scope="module")
def estimates() -> dict[str, Any]:
    """A fit of each model."""
    return {name: hj.fit(case.model, case.data) for name, case in BY_MODEL.items()}


def wrong_for(plot: str, estimates: dict[str, Any]) -> list[Any]:
    """Things of which no figure is made, and fits of the other models."""
    owner = {
        "intensity": "Hawkes", "residuals": "Hawkes", "network": "Hawkes", "kernels": "Hawkes",
        "drivers": "RetweetHawkes", "infectivity": "RetweetHawkes",
    }.get(plot)  # fmt: skip
    others = [one for name, one in estimates.items() if name != owner and plot != "parameters"]
    return [3, None, "posterior.nc", [1.0], np.zeros(3), pd.DataFrame({"a": [1]}), *others]


@pytest.mark.parametrize("plot", PLOTS)
def test_what_a_figure_cannot_draw_is_refused(plot: str, estimates: dict[str, Any]) -> None:
    draw = PLOTS[plot]
    needed = [
        one
        for one in list(inspect.signature(draw).parameters.values())[1:]
        if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty
    ]
    for thing in wrong_for(plot, estimates):
        for data in [case.data for case in BY_MODEL.values()] if needed else [None]:
            with pytest.raises(ValueError, match=r"[.] *$|[.)]$") as caught:
                draw(thing, *[data] * len(needed))
            assert "object has no attribute" not in str(caught.value)


@pytest.mark.parametrize("name", BY_MODEL)
def test_a_fit_offers_its_tables_and_figures(name: str, estimates: dict[str, Any]) -> None:
    found = estimates[name]
    tables, figures = found.tables(), found.figures()
    assert "summary" in tables and all(isinstance(one, pd.DataFrame) for one in tables.values())
    assert all(len(one) for one in tables.values())
    assert "parameters" in figures
    for figure in figures.values():
        assert figure.axes


@pytest.mark.parametrize("name", BY_MODEL)
def test_other_data_are_refused(name: str, estimates: dict[str, Any]) -> None:
    for other, case in BY_MODEL.items():
        if other != name:
            with pytest.raises(ValueError, match="The data must be"):
                estimates[name].figures(case.data)
