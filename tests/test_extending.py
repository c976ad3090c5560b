"""The page on models, kernels and figures of one's own, as a reader would run it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hawkesjax as hj


def blocks_of(repository: Path) -> list[str]:
    """The Python blocks of the page."""
    text = (repository / "docs" / "extending.md").read_text()
    return [block.strip() for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


@pytest.fixture(scope="module")
def page(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All names after the last block, each block of which was run in an empty folder."""
    folder = tmp_path_factory.mktemp("page")
    names: dict[str, Any] = {"__name__": "page"}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        warnings.simplefilter("ignore", hj.SamplingWarning)
        for block in blocks_of(repository):
            exec(compile(block, "docs/extending.md", "exec", dont_inherit=True), names)
    return names | {"folder": folder}


@pytest.mark.parametrize(("first", "most"), [("class TwoScales", 40), ("class Rhythm", 120)])
def test_an_extension_is_short(repository: Path, first: str, most: int) -> None:
    (block,) = [block for block in blocks_of(repository) if first in block]
    assert len(block.splitlines()) <= most


def test_a_kernel_is_learned(page: dict[str, Any]) -> None:
    """The share and the half-life come with intervals that hold the truth."""
    table = hj.fit(page["model"], page["panel"]).summary()
    assert {"share", "half_life"} <= set(table.index)
    assert table.loc["share", "2.5%"] < 0.6 < table.loc["share", "97.5%"]
    assert np.isfinite(table.loc["half_life", "se"])


def test_a_model_has_its_verbs(page: dict[str, Any]) -> None:
    rhythm, data, post, mle = (page[name] for name in ("rhythm", "data", "post", "mle"))
    assert mle.converged and mle.params["swing"] == pytest.approx([0.5, 0.3], abs=0.25)
    terms = rhythm.pointwise(mle.params, data)
    assert float(terms.sum()) == pytest.approx(mle.log_likelihood, rel=1e-6)
    assert hj.residual_tests(hj.residuals(rhythm, mle, data)).loc[("all", "all"), "mean"] == (
        pytest.approx(1, abs=0.1)
    )
    assert hj.load(page["folder"] / "rhythm.nc").posterior.equals(post.posterior)
    table = hj.compare({"with a rhythm": post, "flat": page["flat"]})
    assert table.index[0] == "with a rhythm"
    assert {"parameters", "trace"} <= set(post.figures())


def test_a_verb_that_a_model_does_not_have_says_so(page: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Rhythm has no forecast\."):
        hj.forecast(page["rhythm"], page["post"], page["data"])
    with pytest.raises(ValueError, match="must be an EventPanel, not int"):
        hj.fit(page["rhythm"], 3)


def test_a_forecaster_and_a_figure_are_taken(page: dict[str, Any]) -> None:
    assert list(page["table"].index) == ["last week", "mean by hour of the week"]
    assert (page["folder"] / "swing.png").stat().st_size > 1000
