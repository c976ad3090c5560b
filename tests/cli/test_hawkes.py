"""The command line as a subprocess, on good and bad input."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.conftest import ROOT

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
}

# Runs several command lines in one process: starting one costs seconds.
DRIVER = """
import contextlib, io, json, sys, traceback
from hawkesjax.cli import main
results = []
for line in json.loads(sys.stdin.read()):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(line)
        except SystemExit as end:
            code = end.code
        except Exception:
            code, _ = "crashed", traceback.print_exc(file=err)
    results.append([code, out.getvalue(), err.getvalue()])
sys.__stdout__.write("\\n<<<" + json.dumps(results))
"""


def run(lines, folder):
    """(exit code, stdout, stderr) of each command line, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([[str(part) for part in line] for line in lines]),
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "<<<" in done.stdout, done.stderr
    return json.loads(done.stdout.split("<<<")[1])


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def events(work):
    """A good file: day, kind, gang; the events of the demo, whose compiled functions it shares."""
    key = jax.random.split(jax.random.key(3), 3)[0]
    panel, _ = hj.datasets.spillover(key=key, users=4, days=60)
    frame = pd.DataFrame(
        {
            "day": panel.times,
            "kind": np.array(panel.mark_names)[panel.marks],
            "gang": np.array(panel.sequence_names)[panel.sequence],
        }
    )
    path = work / "events.csv"
    frame.sample(frac=1, random_state=0).to_csv(path, index=False)  # unsorted is fine
    return path


COLUMNS = ["--time", "day", "--mark", "kind", "--sequence", "gang", "--window", "0", "60"]
TABLES = ("parameters.csv", "residuals.csv", "describe.csv")
EFFECTS = ("spillover.csv", "decay.csv", "baseline.csv", "shares.csv", "attribution.csv",
           "causes.csv")  # fmt: skip
PICTURES = {"parameters.png", "intensity.png", "residuals.png", "network.png", "kernels.png"}
LAW = {
    "params": {"mu": [0.2], "alpha": [[0.5]], "gamma": 3.0, "theta": 0.4, "half_life": [[1.6]]},
    "model": {"model": "hawkes", "baseline": "shared", "gamma": None,
              "kernel": {"kernel": "PowerLaw", "theta": None, "span": 100.0, "error": 0.1}},
}  # fmt: skip


def test_tables_go_in_and_results_come_out(work, events):
    (work / "kept").mkdir()
    (work / "kept" / "estimate.json").write_text("mine")
    rain = pd.DataFrame({"time": np.arange(0, 90.0, 5), "rain": np.arange(18) % 3})
    rain.to_csv(work / "rain.csv", index=False)
    gangs = ["user 1", "user 2", "user 3", "user 4", "nobody"]
    ends = pd.DataFrame({"gang": gangs, "start": [0, 0, 0, -5, 9.5], "end": [60, 61, 60, 70, 30]})
    ends.to_csv(work / "gangs.csv", index=False)
    (work / "law.json").write_text(json.dumps(LAW))
    keep = ["fit", events, *COLUMNS, "--out", "kept", "--no-pictures", "--quiet"]
    lines = {
        "demo": ["demo", "--quick", "--seed", "3", "--out", "demo", "--csv", "tables"],
        "fit": ["fit", events, *COLUMNS, "--unit", "day", "--out", "fitted", "--csv", "fitted"],
        "refused": keep,
        "forced": [*keep, "--force"],
        "simulate": ["simulate", "--params", "fitted/estimate.json", "--out", "again.csv"],
        "describe": ["describe", "again.csv", "--mark", "mark", "--sequence", "sequence"],
        "sample": ["sample", events, *COLUMNS, "--chains", "2", "--warmup", "150", "--draws", "50",
                   "--out", "sampled", "--quiet", "--no-pictures", "--seed", "1"],
        "summary": ["summary", "sampled/posterior.nc"],
        "known decays": ["fit", events, *COLUMNS, "--gamma", "2", "--kernel", "exponentials:2",
                         "--covariates", "rain.csv", "--baseline", "shared", "--ahead", "7",
                         "--format", "svg", "--out", "known", "--csv", "known", "--quiet"],
        "no table": ["simulate", "--params", "known/estimate.json", "--out", "none.csv"],
        "a power law": ["simulate", "--params", "law.json", "--out", "law.csv", "--users", "2"],
        "own windows": ["describe", events, "--time", "day", "--mark", "kind", "--sequence", "gang",
                        "--windows", "gangs.csv", "--csv", "own"],
        "default": ["simulate", "--out", "one.csv", "--users", "3", "--seed", "9"],
        "same seed": ["simulate", "--out", "two.csv", "--users", "3", "--seed", "9"],
    }  # fmt: skip
    results = dict(zip(lines, run(list(lines.values()), work), strict=True))
    for name, (code, out, err) in results.items():
        assert code == (2 if name in ("refused", "no table") else 0), (name, out, err)
        assert "Traceback" not in err
    said = {name: out for name, (_, out, _) in results.items()}

    for words in ("intervals hold the truth", "alpha[online -> offline]", "Written to", "events"):
        assert words in said["demo"], said["demo"]
    extra = {"events.csv", "estimate.json", "posterior.nc", "trace.png"}
    assert names_in(work / "demo") == PICTURES | extra
    assert names_in(work / "tables") == {*TABLES, *EFFECTS}
    sizes = {name: len(pd.read_csv(work / "tables" / name)) for name in (*TABLES, *EFFECTS)}
    assert sizes == {
        "parameters.csv": 16, "residuals.csv": 15, "describe.csv": 8, "spillover.csv": 4,
        "decay.csv": 4, "baseline.csv": 8, "shares.csv": 20, "attribution.csv": 50,
        "causes.csv": len(pd.read_csv(events)),
    }  # fmt: skip
    table = pd.read_csv(work / "tables" / "parameters.csv", index_col=0)
    assert {"truth", "mean", "2.5%", "97.5%"} <= set(table.columns)
    assert set(hj.load(work / "demo" / "posterior.nc").summary().index) == set(table.index)

    assert "alpha[online -> offline]" in said["fit"]
    assert "Converged" in said["fit"]
    tables = {"estimate.json", *TABLES}
    assert names_in(work / "fitted") == PICTURES | tables
    estimate = json.loads((work / "fitted" / "estimate.json").read_text())
    assert set(estimate["mark_names"]) == {"online", "offline"}
    assert np.shape(estimate["params"]["alpha"]) == (2, 2)
    assert "online" in said["describe"]
    known = json.loads((work / "known" / "estimate.json").read_text())
    assert known["model"]["gamma"] == 2 and "gamma" not in known["params"]
    assert known["model"]["kernel"] == {"kernel": "SumOfExponentials", "terms": 2, "ratio": 10.0}
    assert known["model"]["baseline"]["features"] == ["intercept", "rain"]
    ratios = pd.read_csv(work / "known" / "rate_ratios.csv", index_col=[0, 1])
    assert list(ratios.index) == [(mark, name) for mark in ("offline", "online")
                                  for name in ("intercept", "rain")]  # fmt: skip
    np.testing.assert_allclose(np.log(ratios["estimate"]), np.ravel(known["params"]["beta"]))
    told = pd.read_csv(work / "known" / "forecast.csv", index_col=[0, 1])
    assert len(told) == 10 and np.all(told["2.5%"] <= told["97.5%"])
    assert {"forecast.svg", "fan.svg", "kernels.svg"} <= names_in(work / "known")
    assert len(pd.read_csv(work / "known" / "forecast_steps.csv")) == 7 * 10
    assert "covariates" in results["no table"][2]

    def drawn(model, params):
        return hj.simulate(model, params, window=(0, 200), key=jax.random.key(0), num_sequences=2)

    kernel = hj.PowerLaw(span=100.0, error=0.1)
    law = drawn(hj.Hawkes(baseline="shared", kernel=kernel), LAW["params"])
    np.testing.assert_array_equal(pd.read_csv(work / "law.csv")["time"], law.times)

    own = pd.read_csv(work / "own" / "describe.csv").drop_duplicates("sequence")
    assert own["sequence"].tolist() == gangs  # also the one without events
    assert own[["start", "end"]].to_numpy().tolist() == ends[["start", "end"]].to_numpy().tolist()

    assert "--force" in results["refused"][2]
    kept = json.loads((work / "kept" / "estimate.json").read_text())
    assert kept["log_likelihood"] == estimate["log_likelihood"]

    assert said["sample"] == ""
    assert names_in(work / "sampled") == {"posterior.nc"}
    assert "alpha[online -> offline]" in said["summary"]
    (work / "copy.nc").write_bytes((work / "sampled" / "posterior.nc").read_bytes())
    files = ["sampled/posterior.nc", "copy.nc"]
    (code, out, err), (refused, _, why) = run(
        [["compare", *files, "--csv", "compared"], ["compare", *files, "demo/posterior.nc"]], work
    )
    assert code == 0 and err == "", err
    assert out.count(": best") == 1 and "for all that the data say" in out
    assert len(pd.read_csv(work / "compared" / "compare.csv")) == 2
    assert refused == 2 and "different events" in why  # their kinds have another order
    assert (work / "one.csv").read_bytes() == (work / "two.csv").read_bytes()


def test_the_module_is_the_command(work):
    done = subprocess.run(
        [sys.executable, "-m", "hawkesjax", "fit", "--help"],
        cwd=work,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert "hawkesjax fit events.csv" in done.stdout


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@pytest.mark.parametrize(
    ("flags", "answers", "code"),
    [([], b"0\n5\n", 2), (["--users", "0"], b"", 2)],
    ids=["asked", "told"],
)
def test_the_demo_asks_in_a_terminal_without_flags(work, flags, answers, code):
    master, slave = os.openpty()
    os.write(master, answers)
    done = subprocess.run(
        [sys.executable, "-m", "hawkesjax", "demo", *flags],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        cwd=work,
        env=ENVIRONMENT | {"TERM": "dumb"},
        timeout=200,
        check=False,
    )
    os.close(slave)
    said = os.read(master, 10_000).decode() if not flags else ""
    os.close(master)
    assert done.returncode == code, (said, done.stderr)
    assert ("How many users" in said) == (not flags)
    if code == 2 and not flags:
        assert b"at least 1" in done.stderr


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def bad_files(work):
    """Each file with what is wrong with it."""
    good = "day,kind,gang\n1.0,a,x\n2.0,b,x\n3.0,a,y\n"
    contents = {
        "empty.csv": b"",
        "header.csv": b"day,kind,gang\n",
        "nan.csv": good.replace("2.0", "").encode(),
        "text.csv": good.replace("2.0", "soon").encode(),
        "outside.csv": good.replace("3.0", "77").encode(),
        "double.csv": good.replace("kind", "day", 1).encode(),
        "binary.csv": bytes(range(256)) * 8,
        "not.parquet": good.encode(),
        "not.nc": good.encode(),
        "bare.csv": b"start,end\n0,40\n",
        "broken.json": b"{",
        "lacking.json": b'{"mu": [1]}',
        "wild.json": b'{"mu": [1], "alpha": [[1.4]], "gamma": [[1]]}',
        "good.csv": good.encode(),
    }
    for name, content in contents.items():
        (work / name).write_bytes(content)
    (work / "taken").mkdir()
    (work / "taken" / "estimate.json").write_text("mine")
    (work / "linked").mkdir()
    (work / "linked" / "estimate.json").symlink_to(work / "elsewhere.json")


FIT = ["--time", "day", "--mark", "kind", "--sequence", "gang", "--window", "0", "40"]
BAD = {
    "no such command": (["fiit"], "fiit"),
    "no file named": (["fit"], "Missing argument"),
    "an unknown option": (["fit", "good.csv", "--tiem", "day"], "--tiem"),
    "an unknown choice": (["fit", "good.csv", "--decay", "slow"], "slow"),
    "an unknown kernel": (["fit", "good.csv", "--kernel", "power"], "power-law"),
    "one exponential": (["fit", "good.csv", *FIT, "--kernel", "exponentials:1"], "2 or more"),
    "a table of no stretches": (
        ["fit", "good.csv", *FIT, "--covariates", "good.csv"],
        "column time",
    ),
    "a table of no features": (["fit", "good.csv", *FIT, "--covariates", "bare.csv"], "no feature"),
    "a table of nothing": (["fit", "good.csv", *FIT, "--covariates", "empty.csv"], "no CSV table"),
    "a calendar of numbers": (["fit", "good.csv", *FIT, "--feature", "day"], "origin"),
    "a forecast backwards": (["fit", "good.csv", *FIT, "--ahead", "-1"], "positive"),
    "two kinds of windows": (["fit", "good.csv", *FIT, "--own-windows"], "one of --window"),
    "windows of nobody": (
        ["describe", "good.csv", *FIT[:4], "--windows", "bare.csv"],
        "--sequence",
    ),
    "windows without names": (["describe", "good.csv", *FIT[:6], "--windows", "bare.csv"], "gang"),
    "half a window": (["fit", "good.csv", "--window", "0"], "window"),
    "a negative seed": (["demo", "--seed", "-1"], "--seed"),
    "no chains": (["demo", "--chains", "0"], "--chains"),
    "a missing file": (["fit", "absent.csv", *FIT], "absent.csv"),
    "a folder": (["fit", "taken", *FIT], "taken"),
    "an empty file": (["fit", "empty.csv", *FIT], "empty"),
    "only a header": (["fit", "header.csv", *FIT], "no rows"),
    "a missing time": (["fit", "nan.csv", *FIT], "day"),
    "text for a time": (["fit", "text.csv", *FIT], "soon"),
    "an event outside": (["fit", "outside.csv", *FIT], "77"),
    "a column twice": (["fit", "double.csv", *FIT], "day"),
    "a missing column": (["fit", "good.csv", *FIT, "--mark", "sort"], "sort"),
    "a window backwards": (["fit", "good.csv", *FIT, "--window", "9", "3"], "window"),
    "not text": (["describe", "binary.csv", *FIT], "binary.csv"),
    "not parquet": (["describe", "not.parquet", *FIT], "not.parquet"),
    "not a result": (["summary", "not.nc"], "not.nc"),
    "nothing to compare": (["compare", "absent.nc"], "absent.nc"),
    "twice the same": (["compare", "not.nc", "not.nc"], "twice"),
    "no result": (["summary", "absent.nc"], "absent.nc"),
    "an output there": (["fit", "good.csv", *FIT, "--out", "taken"], "--force"),
    "an output elsewhere": (["fit", "good.csv", *FIT, "--out", "linked", "--force"], "inside"),
    "an output that is a file": (["fit", "good.csv", *FIT, "--out", "good.csv"], "is a file"),
    "a table there": (["simulate", "--out", "good.csv"], "--force"),
    "a table nowhere": (["simulate", "--out", "void/a.csv"], "does not exist"),
    "a strange table": (["simulate", "--out", "a.xlsx"], ".parquet"),
    "broken parameters": (["simulate", "--out", "a.csv", "--params", "broken.json"], "not JSON"),
    "lacking parameters": (["simulate", "--out", "a.csv", "--params", "lacking.json"], "alpha"),
    "supercritical": (["simulate", "--out", "a.csv", "--params", "wild.json"], "spectral radius"),
}


def test_bad_input_is_one_line_and_exit_code_2(work):
    bad_files(work)
    before = sorted(path.name for path in work.iterdir())
    results = run([line for line, _ in BAD.values()], work)
    for (name, (_, words)), (code, out, err) in zip(BAD.items(), results, strict=True):
        lines = err.strip().splitlines()
        assert code == 2, (name, code, out, err)
        assert len(lines) == 1, (name, err)
        assert lines[0].startswith("error: "), (name, err)
        assert words in lines[0], (name, err)
    assert (work / "taken" / "estimate.json").read_text() == "mine"
    assert not (work / "elsewhere.json").exists()
    assert not (work / "a.csv").exists()
    assert sorted(path.name for path in work.iterdir()) == before
