"""Where decimals have commas and months have other names, files mean the same."""

from __future__ import annotations

import io
import locale
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.inputs.numbers import number
from hawkesjax.reports.latex import latex

LOCALES = ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8", "de_DE")


@pytest.fixture(params=["C", "another"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """The plain locale, and one with commas."""
    before = locale.setlocale(locale.LC_ALL)
    for name in ("C",) if request.param == "C" else LOCALES:
        try:
            locale.setlocale(locale.LC_ALL, name)
            break
        except locale.Error:
            continue
    else:
        pytest.skip("no locale with decimal commas is installed")
    yield name
    locale.setlocale(locale.LC_ALL, before)


@pytest.mark.parametrize(
    ("dates", "written"),
    [
        (None, ("Mon May 13 18:30:00 +0000 2024", "Thu Oct 17 00:30:00 +0000 2024")),
        (None, ("Mon, 13 May 2024 18:30:00 +0000", "Thu, 17 Oct 2024 00:30:00 +0000")),
        (None, ("05/13/2024 6:30 PM", "10/17/2024 12:30 AM")),
        ("%d %b %y %Hh%M", ("13 May 24 18h30", "17 oct 24 00h30")),
        ("%A %d %B %Y at %I.%M %p", ("monday 13 may 2024 at 06.30 pm",
                                     "Thursday 17 October 2024 at 12.30 AM")),
    ],
)  # fmt: skip
def test_dates_with_english_names(language: str, dates, written, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("when;kind\n" + "".join(f"{one};a\n" for one in written))
    panel = hj.read_events(path, time="when", unit="hour", dates=dates)
    assert panel.origin.startswith("2024-05-13T18:30:00")
    np.testing.assert_allclose(panel.times, [0, 157 * 24 - 18])


def test_wrong_names_are_refused(language: str, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    days = ("Mon May 13", "Tue May 14", "Mon Mayo 20")
    path.write_text("when\n" + "".join(f"{day} 18:30:00 +0000 2024\n" for day in days))
    with pytest.raises(ValueError, match="line 4"):
        hj.read_events(path, time="when", unit="hour")


def test_what_is_written_has_points(language: str) -> None:
    panel = hj.EventPanel.from_arrays([0.25, 1.5], ["a", "b"], window=(0, 2.5), unit="day")
    file = io.StringIO()
    panel.to_dataframe().to_csv(file, index=False)
    assert "0.25," in file.getvalue() and "1.5," in file.getvalue()
    assert "2.5" in repr(panel) and "2,5" not in repr(panel)
    assert number(1234.5678) == "1,235" and number(0.25) == "0.2500"
    assert "0.2500" in latex(pd.DataFrame({"x": [0.25]}))
