"""Every figure of nothing and of next to nothing: a picture, or one clear sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.katz.model_reference import activity_of

MODEL = hj.Hawkes(decay="shared")
PARAMS = {"mu": [[1.0, 1.0]], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 2.0}
POSTS = hj.RetweetHawkes()
POSTED = {"beta": [0.3], "tau": 1.2, "swing": [0.1, 0.15], "p0_mean": 0.001, "p0_shape": 5.0}


def panel(events: int) -> hj.EventPanel:
    """A panel of two marks without events, or with one."""
    marks = ["a"] * events
    return hj.EventPanel.from_arrays(
        np.full(events, 4.0), marks, window=(0, 10), mark_names=["a", "b"], unit="day"
    )


def cascades(reposts: int) -> hj.Cascades:
    """One post, with a repost or none."""
    of = np.zeros(reposts, int)
    return hj.Cascades.from_arrays(
        [1.0], [100.0], np.full(reposts, 1.5), np.full(reposts, 9.0), of, window=(0, 5), unit="day"
    )


def activity(posts: int) -> hj.Activity:
    """Three users who are silent, or but for one post."""
    made = np.zeros((3, 30), int)
    made[0, 5] = posts
    return activity_of(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), made, (4, 30))


def series(posts: int) -> hj.CountSeries:
    """A week of zeros, or with a single post."""
    counts = np.zeros(24 * 7, int)
    counts[5] = posts
    index = pd.date_range("2024-01-01", periods=len(counts), freq="h", tz="UTC")
    return hj.CountSeries.from_series(pd.Series(counts, index=index, name="posts"))


def folds(events: int) -> hj.Rolling:
    known = {"last": hj.forecasters.LastValue()}
    return hj.rolling(series(events), known, first="4D", step="1D", ahead="1D")


# Figures of data, of a law's values, and of what a verb returns, by the number of events.
DRAWN: dict[str, Callable[[int], Any]] = {
    "intensity": lambda n: hj.plots.intensity(PARAMS, panel(n), model=MODEL),
    "residuals": lambda n: hj.plots.residuals(PARAMS, panel(n), model=MODEL),
    "forecast": lambda n: hj.plots.forecast(
        hj.forecast(MODEL, PARAMS, panel(n), horizon=3, key=0, draws=9)
    ),
    "fan": lambda n: hj.plots.fan(
        hj.forecast(MODEL, PARAMS, panel(n), horizon=3, key=0, draws=9, bins=3)
    ),
    "predictive": lambda n: hj.plots.predictive(
        hj.predictive_check(MODEL, PARAMS, panel(n), key=0, draws=5)
    ),
    "infectivity": lambda n: hj.plots.infectivity(POSTED, cascades(n), model=POSTS),
    "rescaled": lambda n: hj.plots.rescaled(hj.residuals(POSTS, POSTED, cascades(n), join=True)),
    "counts": lambda n: hj.plots.counts(
        hj.forecast(POSTS, POSTED, cascades(n), horizon=2.0, key=0, draws=5)
    ),
    "count_series": lambda n: hj.plots.count_series(series(n)),
    "scores": lambda n: hj.plots.scores(folds(n)),
    "katz.volume": lambda n: hj.plots.katz.volume(activity(n)),
    "katz.stability": lambda n: hj.plots.katz.stability(activity(n), top=2),
    "katz.influence": lambda n: hj.plots.katz.influence(activity(n), alpha_star=0.4, top=2),
}
# What they draw cannot be had without events: the verb that makes it says so.
REFUSED: dict[tuple[str, ...], tuple[Callable[[], Any], str]] = {
    ("parameters", "network", "kernels"): (lambda: hj.fit(MODEL, panel(0)), "hold no events"),
    ("drivers",): (lambda: hj.plots.drivers(POSTED), "draws an Estimate or a Posterior"),
    ("trace", "prior_posterior"): (lambda: hj.plots.trace(PARAMS), "draws Posterior"),
    ("katz.change", "katz.comparison"): (
        lambda: hj.katz.evaluate(activity(1), key=0, top=2),
        "no spike to score",
    ),
}


def test_every_figure_is_in_one_of_the_tables(repository: Path) -> None:
    reference = (repository / "docs" / "api" / "plots.md").read_text()
    katz = re.findall(r"plots\.katz\.(\w+)", reference)
    names = {name for name in hj.plots.__all__ if name not in ("katz", "interactive")} | {
        f"katz.{one}" for one in katz
    }
    assert names == {*DRAWN, *(name for group in REFUSED for name in group)}


@pytest.mark.parametrize("events", [0, 1])
@pytest.mark.parametrize("name", DRAWN)
def test_next_to_nothing_is_drawn(name: str, events: int, tmp_path: Path) -> None:
    figure = DRAWN[name](events)
    figure.savefig(tmp_path / "figure.png", dpi=30)
    assert figure.axes


@pytest.mark.parametrize("names", REFUSED, ids=str)
def test_what_cannot_be_drawn_is_said(names: tuple[str, ...]) -> None:
    call, words = REFUSED[names]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
