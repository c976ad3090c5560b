"""Reports: one whole page, from any model, and nothing half-written."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.reports.latex import latex
from tests.cases import CASES

ONES = [next(c for c in CASES if c.name == name) for name in ("hawkes", "retweet", "katz")]
SECTIONS = (
    "Data", "Model", "Results", "Pictures", "Diagnostics", "Fit to the data", "Conclusions",
    "How to cite", "Record of the run",
)  # fmt: skip


class Whole(HTMLParser):
    """Open tags and links of a page."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=ONES, ids=str)
def written(request, tmp_path_factory):
    case = request.param
    path = tmp_path_factory.mktemp("report") / "report.html"
    estimate = hj.fit(case.model, case.data)
    hj.report(estimate, case.data, path, latex=True)
    return case, estimate, path


def test_a_page_is_whole_and_needs_nothing_from_elsewhere(written):
    page = Whole()
    text = written[2].read_text()
    page.feed(text)
    assert not page.open
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"<script|@import|url\(", text)
    for name in SECTIONS:
        assert f"<h2>{name}</h2>" in text, name
    for words in ("In short", "may not be concluded", "tabular", "SHA-256"):
        assert words in text, words
    assert 'name="viewport"' in text


def test_files_give_the_same_page(written, tmp_path):
    """Of an estimate and data that were saved and loaded again."""
    case, estimate, _ = written
    estimate.save(tmp_path / "estimate.nc")
    case.data.save(tmp_path / "data.nc")
    again = hj.load(tmp_path / "estimate.nc"), hj.load(tmp_path / "data.nc")
    tables = [one.tables() for one in (estimate, again[0])]
    assert list(tables[0]) == list(tables[1])
    for name, table in tables[0].items():
        pd.testing.assert_frame_equal(table, tables[1][name])
    hj.report(*again, tmp_path / "again.html")


def test_an_existing_page_stays_without_force(written):
    case, estimate, path = written
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="force=True"):
        hj.report(estimate, case.data, path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_what_cannot_be_reported_is_said(written, tmp_path):
    case, estimate, _ = written
    with pytest.raises(ValueError, match="A report is of an Estimate or a Posterior"):
        hj.report(3, case.data, tmp_path / "x.html")
    with pytest.raises(ValueError, match="The data must be"):
        hj.report(estimate, 3, tmp_path / "x.html")
    with pytest.raises(FileNotFoundError, match="missing"):
        hj.report(estimate, case.data, tmp_path / "none" / "x.html")
    assert not list(tmp_path.iterdir())


def test_other_data_than_were_fitted_are_refused(tmp_path):
    case = ONES[0]
    estimate = hj.fit(case.model, case.data, errors=False)
    with pytest.raises(ValueError, match="not the data that were fitted"):
        hj.report(estimate, case.shifted, tmp_path / "x.html")


def test_names_from_data_are_escaped(tmp_path):
    panel = hj.EventPanel.from_arrays(
        np.arange(1.0, 9.0), ["<b>&", "plain"] * 4, window=(0, 9), unit="day"
    )
    path = hj.report(hj.fit(hj.Hawkes(), panel, errors=False), panel, tmp_path / "x.html")
    assert "<b>&" not in path.read_text() and "&lt;b&gt;&amp;" in path.read_text()


def test_tables_in_latex_escape_what_latex_reads():
    frame = pd.DataFrame({"2.5%": [0.123456], "a_b": ["x & y"]}, index=pd.Index(["r"], name="n"))
    text = latex(frame, "50 %")
    assert r"n & 2.5\% & a\_b \\" in text and r"r & 0.1235 & x \& y \\" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2
