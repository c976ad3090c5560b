"""What pipelines need of the command line: JSON, options from a file, a report of a folder."""

from __future__ import annotations

import json

import pytest

from tests.cli.driver import run_named

CONFIG = """
mark = "kind"
seed = 3
no-such = 1
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    rows = "".join(f"{0.3 * n + 0.1 * (n % 3):.2f},{'ab'[n % 2]}\n" for n in range(1, 60))
    (folder / "events.csv").write_text("day,kind\n" + rows)
    (folder / "antworten.csv").write_text(
        "Zeit;Art;Größe\n" + "".join(
            f"{1 + n // 3}.03.2024 0{n % 3 + 7}:30;{'ja' if n % 2 else 'nein'};{n % 5 + 1},5\n"
            for n in range(60)
        ), encoding="cp1252",
    )  # fmt: skip
    (folder / "bad.toml").write_text(CONFIG)
    (folder / "broken.toml").write_text("= 3")
    (folder / "run.toml").write_text(
        'time = "day"\npictures = false\nforce = true\n[fit]\nwindow = [0, 20]\nmark = "kind"\n'
        'out = "fitted"\nunit = "week"\n'
    )
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def results(work):
    """What each command line says."""
    german = ["antworten.csv", "--time", "Zeit", "--mark", "Art", "--unit", "day"]
    german += ["--encoding", "cp1252"]
    window = ["--window", "2024-03-01", "2024-03-21"]
    lines = {
        "from a spreadsheet": [
            "fit",
            *german,
            *window,
            "--decimal",
            ",",
            "--magnitude",
            "Größe",
            "--no-pictures",
            "--decay",
            "shared",
            "--out",
            "antworten",
        ],
        "its report": ["report", "antworten"],
        "two windows": ["fit", *german, "--window", "2024-03-01,2024-03-21", "--out", "x"],
        "fit": ["fit", "events.csv", "--config", "run.toml", "--unit", "day", "--json"],
        "describe": ["describe", "events.csv", "--time", "day", "--mark", "kind", "--json"],
        "simulate": ["simulate", "--out", "drawn.csv", "--users", "2", "--json"],
        "report": ["report", "fitted", "--title", "A <title>"],
        "again": ["report", "fitted"],
        "no result": ["report", "empty"],
        "unknown": ["fit", "events.csv", "--config", "bad.toml"],
        "broken": ["fit", "events.csv", "--config", "broken.toml"],
        "missing": ["fit", "events.csv", "--config", "none.toml"],
    }
    return run_named(lines, work)


def test_json_is_all_that_standard_output_holds(work, results):
    code, out, err = results["fit"]
    assert code == 0, err
    found = json.loads(out)
    assert found["converged"] is True and len(found["tables"]["parameters"]) == 10
    assert found["record"]["verb"] == "fit"
    assert {path.split("/")[-1] for path in found["files"]} == {
        "estimate.json", "estimate.nc", "data.nc",
    }  # fmt: skip
    table = json.loads(results["describe"][1])["table"]
    assert [row["mark"] for row in table] == ["a", "b"]
    drawn = json.loads(results["simulate"][1])
    events = sum(row["events"] for row in drawn["table"])
    assert events == len((work / "drawn.csv").read_text().splitlines()) - 1 > 0
    assert drawn["files"] == [str((work / "drawn.csv").resolve())]


def test_a_table_with_semicolons_and_commas_becomes_a_report(work, results):
    assert results["from a spreadsheet"][0] == 0, results["from a spreadsheet"][2]
    assert "kappa[ja]" in results["from a spreadsheet"][1]
    assert results["its report"][0] == 0, results["its report"][2]
    page = (work / "antworten" / "report.html").read_text(encoding="utf-8")
    assert "1.5 to 5.5" in page and "2024-03-01T00:00:00 to 2024-03-21T00:00:00" in page


def test_the_command_line_comes_before_the_file_of_options(work, results):
    assert json.loads((work / "fitted" / "estimate.json").read_text())["unit"] == "day"


def test_a_report_is_written_once(work, results):
    code, out, err = results["report"]
    assert code == 0 and "report.html" in out, err
    assert "A &lt;title&gt;" in (work / "fitted" / "report.html").read_text()
    assert results["again"][0] == 2 and "--force" in results["again"][2]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no result", "holds no posterior.nc or estimate.nc"),
        ("unknown", "has no option 'no-such'"),
        ("broken", "is not TOML"),
        ("two windows", "--window takes two words"),
        ("missing", "No file none.toml"),
    ],
)
def test_bad_input_is_one_line(name, words, results):
    code, _, err = results[name]
    assert code == 2 and err.count("\n") == 1 and words in err, err
