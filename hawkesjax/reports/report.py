"""A report: data, model, results, pictures, checks and conclusions on one page."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from hawkesjax._version import __version__
from hawkesjax.core.disk import free, write_whole
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.kept import data_of
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.reading import Reading
from hawkesjax.core.record import data_hash
from hawkesjax.evaluation.residual_tests import residual_tests
from hawkesjax.inputs.arguments import checked
from hawkesjax.reports import page
from hawkesjax.reports.page import bullets, facts, paragraph

BAD = re.compile("^misfit|not expect")
CITATION = """@software{hawkesjax,
  title   = {hawkesjax: Hawkes processes on event data in JAX},
  author  = {{the hawkesjax authors}},
  version = {VERSION}
}"""
COLUMNS = {
    "estimate": "the value that fits best",
    "mean": "the average of the draws, the value to quote",
    "2.5% to 97.5%": "the values that the data leave open: a 95 % interval, if the model holds",
    "se, sd": "how uncertain the value is",
    "ess, r_hat": "whether the computation has settled: ess in the hundreds, r_hat below 1.01",
}
CAUSES = (
    "That one event caused another. An effect says that events of one kind make those of another "
    "more likely for a while, given what the model knows. Anything that drives both and is left "
    "out (the hour, the news, the weather, who was watching) can look like an effect."
)
BEYOND = (
    "Anything about events that were not recorded, other periods or other people: the data and "
    "their window are all that was learned from."
)
NARROW = (
    "That the intervals hold what they promise: the tests see structure that the model does not "
    "have, and intervals of a wrong model are too narrow."
)
UNSOUND = "Anything from these numbers, until the computation is sound: see Diagnostics."
ZERO = (
    "That there is no effect where none is seen: few events may hide one. Look at the upper end "
    "of its interval for how large it could be."
)


@checked
def report(
    values: Any,
    data: Any,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    latex: bool = False,
    force: bool = False,
) -> Path:
    """Write one page with all that a fit says: data, model, tables, pictures, diagnostics, tests
    of residuals, what may and may not be concluded, how to cite, and the record of the run.

    The page is one HTML file that needs nothing from elsewhere: it can be mailed, kept, printed,
    and read on a telephone. Each table can be saved from it as CSV.

    Args:
        values: an `Estimate` or a `Posterior`.
        data: what was fitted; None for the data that the result still holds.
        path: the file to write, such as "report.html".
        title: heading of the page.
        latex: add the LaTeX source of each table.
        force: replace an existing file.

    Returns:
        The path of the file.

    Raises:
        ValueError: for anything but a result of `fit` or `sample`, and other data than were fitted.
        FileExistsError: if the file exists and `force` is not set; nothing is computed before.
        OSError: if it cannot be written; nothing half-written remains.

    Example:
        >>> panel = hj.EventPanel.from_arrays([0.5, 2.0, 2.5], ["a", "b", "a"], window=(0, 3))
        >>> hj.report(hj.fit(hj.Hawkes(), panel), panel, "report.html").name
        'report.html'
    """
    if not isinstance(values, Estimate | Posterior):
        raise ValueError(
            f"A report is of an Estimate or a Posterior (what fit and sample return), not of a "
            f"{type(values).__name__}."
        )
    path = free(path, force=force)
    data = data_of(values, data)
    known, own = values.record.get("data", ""), data_hash(data)
    if known and own and known != own:
        raise ValueError(
            "These are not the data that were fitted (their SHA-256 differs): give the same data, "
            "or fit the model to these."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is on the page
        written = _page(values, data, title, latex)
    write_whole(path, written.encode())
    return path


def _page(values: Any, data: Any, title: str | None, tex: bool) -> str:
    model, record = values.model, values.record
    reading = model.reading(values, data)
    sound, told = _diagnosis(values)
    tests, verdicts = _residuals(values, data)
    misfits = [line for kind, line in verdicts if kind == "bad"]
    lines = repr(data).splitlines()
    lead = [
        ("good" if sound else "bad", "The computation is sound." if sound else told[0]),
        *[("", line) for line in reading.short],
        ("bad", f"The model misses something: {misfits[0]}.")
        if misfits
        else ("good", "" if tests is None else "The tests of the residuals see no misfit."),
    ]
    when = record.get("date", "")[:10]
    of = f"{type(model).__name__} model, hawkesjax {__version__}{f', {when}' if when else ''}"
    head = paragraph(of, "quiet")
    head += f'<div class="short"><b>In short</b>{bullets([one for one in lead if one[1]])}</div>'
    tables = values.tables() | dict(reading.tables)
    sections = {
        "Data": _data(data, lines, tex),
        "Model": _model(model, reading),
        "Results": facts(COLUMNS)
        + "".join(
            page.table(_flat(frame), _title(name), reading.words.get(name, ""), tex=tex)
            for name, frame in tables.items()
        ),
        "Pictures": _pictures(values, data, reading),
        "Diagnostics": bullets([("good" if sound else "bad", told[0]), *told[1:]], "marks"),
        "Fit to the data": _fit_section(tests, verdicts, tex),
        "Conclusions": _conclusions(reading, sound, bool(misfits)),
        "How to cite": _cite(reading),
        "Record of the run": _record(record, own_settings(model)),
    }
    return page.page(
        title or f"{type(model).__name__} model of {lines[0].split(': ', 1)[-1]}", sections, head
    )


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.columns.nlevels == 1:
        return frame
    return frame.set_axis([" ".join(map(str, each)) for each in frame.columns], axis=1)


def _data(data: Any, lines: list[str], tex: bool) -> str:
    parts, held = [paragraph(lines[0])], {}
    for line in lines[1:]:
        name, *rest = re.split(r"\s{2,}", line.strip(), maxsplit=1)
        if rest:
            held[name] = re.sub(r"\s{2,}", ", ", rest[0].strip())
        else:  # a heading among the lines
            parts += [facts(held), paragraph(name)]
            held = {}
    parts.append(facts(held))
    if hasattr(data, "remarks"):
        said: Any = data.remarks() if callable(data.remarks) else data.remarks
        parts.append(bullets([("bad", line) for line in said], "marks"))
    if hasattr(data, "describe"):
        words = "What was counted, and for how long it was watched."
        parts.append(page.table(_flat(data.describe()), "What the data hold", words, tex=tex))
    return "".join(parts)


def _model(model: Any, reading: Reading) -> str:
    parts = [paragraph(reading.says)]
    lines = "\n".join(reading.formula)
    parts.append(f"<pre>{page.text(lines)}</pre>" if lines else "")
    names = {one.name: reading.words.get(one.name, "") for one in model.parameters}
    names |= {name: reading.words.get(name, "") for name in model.derived_dims}
    parts.append(facts({name: words for name, words in names.items() if words}))
    return "".join(parts)


def own_settings(model: Any) -> dict[str, object]:
    """The settings of a model that differ from their defaults."""
    config = model.config()
    plain = {one.name: one.default for one in dataclasses.fields(model)}
    same = (None, "default", {}, [])
    return {n: v for n, v in config.items() if v != plain.get(n) and v not in same}


def _diagnosis(values: Any) -> tuple[bool, list[str]]:
    """Whether the numbers may be used, and what is said of them."""
    if isinstance(values, Posterior):
        return not values.problems(), values.diagnose()
    return values.converged, [values.message]


def _residuals(values: Any, data: Any) -> tuple[pd.DataFrame | None, list[tuple[str, str]]]:
    """Tests of the residuals, and a verdict for each part."""
    model = values.model
    try:
        verb = model.residuals
        options: dict[str, Any] = {}
        asked = inspect.signature(verb).parameters
        options |= {"join": True} if "join" in asked else {}
        options |= {"key": 0} if "key" in asked else {}
        found = residual_tests(verb(values, data, **options))
    except ValueError as problem:
        return None, [("", str(problem))]
    if isinstance(found, pd.Series):
        p = float(found["p"])
        said = "no misfit seen" if p > 0.01 else "misfit: quantile residuals are not normal"
        return found.to_frame().T, [("good" if p > 0.01 else "bad", f"{said} (p = {p:.2g})")]
    rows = found.loc["all"]
    rows = rows[rows["events"] > 0]
    rows = rows.drop(index="all") if len(rows) > 1 else rows
    verdicts = [
        ("bad" if BAD.search(row["in words"]) else "good",
         f"{mark}: {row['in words']}")
        for mark, row in rows.iterrows()
    ]  # fmt: skip
    return found, verdicts


def _fit_section(tests: pd.DataFrame | None, verdicts: list[tuple[str, str]], tex: bool) -> str:
    words = (
        "If the model is right, the waiting times between events, measured on the model's own "
        "clock (the residuals), follow one known distribution. The tests compare the two; a small "
        "p speaks against the model, a large one does not prove it."
    )
    shown = "" if tests is None else page.table(tests, "Tests of the residuals", tex=tex)
    return paragraph(words) + bullets(verdicts, "marks") + shown


def _pictures(values: Any, data: Any, reading: Reading) -> str:
    try:
        figures = values.figures(data)
    except (ValueError, ImportError) as problem:
        return paragraph(f"No pictures: {problem}")
    return "".join(
        page.picture(figure, _title(name), reading.words.get(f"figure:{name}", ""))
        for name, figure in figures.items()
    )


def _conclusions(reading: Reading, sound: bool, misfit: bool) -> str:
    may, may_not = list(reading.may), [CAUSES, ZERO, BEYOND, *reading.may_not]
    if misfit:
        may_not.insert(0, NARROW)
    if not sound:
        may, may_not = [], [UNSOUND, *may_not]
    shown = "<h3>What may be concluded</h3>" + bullets(may) if may else ""
    return f"{shown}<h3>What may not be concluded</h3>{bullets(may_not)}"


def _cite(reading: Reading) -> str:
    software = f"The software: hawkesjax {__version__}, by the hawkesjax authors."
    coded = page.text(CITATION.replace("VERSION", __version__))
    sources = bullets(reading.sources)
    return (
        paragraph(software)
        + f"<pre>{coded}</pre>"
        + (paragraph("The model and its methods:") + sources if sources else "")
    )


def _record(record: dict[str, Any], settings: dict[str, object]) -> str:
    if not record:
        return paragraph("This result has no record.")
    flat = {n: v for n, v in record.items() if v is not None and not isinstance(v, dict)}
    flat["versions"] = ", ".join(f"{n} {v}" for n, v in record["versions"].items())
    given = {**settings, **{n: v for n, v in record["settings"].items() if v is not None}}
    flat["settings"] = ", ".join(f"{n} = {v}" for n, v in given.items())
    named = {"data": "data (SHA-256)", "key": "random key", "seed": "seed"}
    return facts({named.get(n, n): v for n, v in flat.items()})
