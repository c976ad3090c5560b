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
from tests.cli.driver import ENVIRONMENT, names_in, run, run_named


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
TABLES = ("parameters.csv", "residuals.csv", "describe.csv", "effects.csv")
EFFECTS = ("spillover.csv", "decay.csv", "baseline.csv", "shares.csv", "bayes_factors.csv",
           "attribution.csv", "causes.csv")  # fmt: skip
MARKS = ("offline", "online")
KEPT = {"estimate.nc", "data.nc"}
PICTURES = {"parameters.png", "intensity.png", "residuals.png", "network.png", "kernels.png"}
LAW = {
    "params": {"mu": [0.2], "alpha": [[0.5]], "gamma": 3.0, "theta": 0.4, "half_life": [[1.6]]},
    "model": {"model": "hawkes", "baseline": "shared", "gamma": None,
              "kernel": {"kernel": "PowerLaw", "theta": None, "span": 100.0, "error": 0.1}},
}  # fmt: skip


GANGS = pd.DataFrame(
    {
        "gang": ["user 1", "user 2", "user 3", "user 4", "nobody"],
        "start": [0, 0, 0, -5, 9.5],
        "end": [60, 61, 60, 70, 30],
    }
)


@pytest.fixture(scope="module")
def results(work, events):
    """What each of some good command lines says; two of them are refused."""
    (work / "kept").mkdir()
    (work / "kept" / "estimate.json").write_text("mine")
    rain = pd.DataFrame({"time": np.arange(0, 90.0, 5), "rain": np.arange(18) % 3})
    rain.to_csv(work / "rain.csv", index=False)
    GANGS.to_csv(work / "gangs.csv", index=False)
    (work / "signs.csv").write_text("time,sign\n1,-1\n2,1\n4,-1\n")
    (work / "law.json").write_text(json.dumps(LAW))
    keep = ["fit", events, *COLUMNS, "--out", "kept", "--no-pictures", "--quiet"]
    twice = ["compare", "sampled/posterior.nc", "sampled/../sampled/posterior.nc"]
    lines = {
        "demo": ["demo", "--quick", "--seed", "3", "--out", "demo", "--csv", "tables"],
        "fit": ["fit", events, *COLUMNS, "--unit", "day", "--out", "fitted", "--csv", "fitted"],
        "refused": keep,
        "forced": [*keep, "--force"],
        "simulate": ["simulate", "--params", "fitted/estimate.json", "--out", "again.csv"],
        "describe": ["describe", "again.csv", "--mark", "mark", "--sequence", "sequence"],
        "sample": ["sample", events, *COLUMNS, "--chains", "2", "--cores", "1", "--warmup", "150",
                   "--draws", "50", "--out", "sampled", "--quiet", "--no-pictures", "--seed", "1"],
        "summary": ["summary", "sampled/posterior.nc"],
        "known decays": ["fit", events, *COLUMNS, "--gamma", "2", "--kernel", "exponentials:2",
                         "--covariates", "rain.csv", "--baseline", "shared", "--ahead", "7",
                         "--format", "svg", "--out", "known", "--csv", "known", "--quiet",
                         "--fixed", "alpha[offline,online]=0.05"],
        "no table": ["simulate", "--params", "known/estimate.json", "--out", "none.csv"],
        "a power law": ["simulate", "--params", "law.json", "--out", "law.csv", "--users", "2"],
        "own windows": ["describe", events, "--time", "day", "--mark", "kind", "--sequence", "gang",
                        "--windows", "gangs.csv", "--csv", "own"],
        "signs": ["describe", "signs.csv", "--mark", "sign", "--mark-name", "-1", "--mark-name",
                  "0", "--mark-name", "1", "--csv", "signs"],
        "default": ["simulate", "--out", "one.csv", "--users", "3", "--seed", "9"],
        "same seed": ["simulate", "--out", "two.csv", "--users", "3", "--seed", "9"],
        "compare": [*twice, "--csv", "compared"],
        "other events": [*twice, "demo/posterior.nc"],
    }  # fmt: skip
    return run_named(lines, work)


def read(path):
    return json.loads(path.read_text())


def test_good_lines_end_with_0_and_refused_ones_with_2(results):
    refused = {"refused", "no table", "other events"}
    for name, (code, out, err) in results.items():
        assert code == (2 if name in refused else 0), (name, out, err)
        assert "Traceback" not in err


def test_the_demo_sets_estimates_beside_the_truth(work, results):
    _, said, _ = results["demo"]
    for words in ("intervals hold the truth", "alpha[online -> offline]", "Written to", "events"):
        assert words in said, said
    table = pd.read_csv(work / "tables" / "parameters.csv", index_col=0)
    assert {"truth", "mean", "2.5%", "97.5%"} <= set(table.columns)


def test_negative_numbers_are_kinds_where_they_are_named(work, results):
    table = pd.read_csv(work / "signs" / "describe.csv")
    assert dict(zip(table["mark"], table["events"], strict=True)) == {-1: 2, 0: 0, 1: 1}


def test_the_demo_writes_all_that_there_is(work, results):
    extra = {"events.csv", "estimate.json", "posterior.nc", "trace.png", *KEPT}
    assert names_in(work / "demo") == PICTURES | extra
    assert names_in(work / "tables") == {*TABLES, *EFFECTS}


def test_tables_have_a_row_for_each_thing(work, events, results):
    sizes = {name: len(pd.read_csv(work / "tables" / name)) for name in (*TABLES, *EFFECTS)}
    assert sizes == {
        "parameters.csv": 16, "residuals.csv": 15, "describe.csv": 8, "effects.csv": 5,
        "spillover.csv": 4, "bayes_factors.csv": 4,
        "decay.csv": 4, "baseline.csv": 8, "shares.csv": 20, "attribution.csv": 50,
        "causes.csv": len(pd.read_csv(events)),
    }  # fmt: skip


def test_the_saved_posterior_is_the_one_that_was_printed(work, results):
    table = pd.read_csv(work / "tables" / "parameters.csv", index_col=0)
    assert set(hj.load(work / "demo" / "posterior.nc").summary().index) == set(table.index)


def test_fit_writes_the_estimate_its_tables_and_pictures(work, results):
    _, said, _ = results["fit"]
    assert "alpha[online -> offline]" in said and "Converged" in said
    assert names_in(work / "fitted") == PICTURES | {"estimate.json", *TABLES, *KEPT}
    estimate = read(work / "fitted" / "estimate.json")
    assert set(estimate["mark_names"]) == {"online", "offline"}
    assert np.shape(estimate["params"]["alpha"]) == (2, 2)


def test_only_force_overwrites(work, results):
    assert "--force" in results["refused"][2]
    kept, fitted = (read(work / name / "estimate.json") for name in ("kept", "fitted"))
    assert kept["log_likelihood"] == fitted["log_likelihood"]


def test_options_reach_the_model(work, results):
    known = read(work / "known" / "estimate.json")
    assert known["model"]["gamma"] == 2 and "gamma" not in known["params"]
    assert known["model"]["kernel"] == {"kernel": "SumOfExponentials", "terms": 2, "ratio": 10.0}
    assert known["model"]["baseline"]["features"] == ["intercept", "rain"]
    assert known["params"]["alpha"][0][1] == 0.05 and "effects.csv" not in names_in(work / "known")
    assert known["model"]["fixed"] == {"alpha": [[None, 0.05], [None, None]]}
    assert {"forecast.svg", "fan.svg", "kernels.svg"} <= names_in(work / "known")


def test_rate_ratios_are_exp_beta(work, results):
    known = read(work / "known" / "estimate.json")
    ratios = pd.read_csv(work / "known" / "rate_ratios.csv", index_col=[0, 1])
    features = ("intercept", "rain")
    assert list(ratios.index) == [(mark, name) for mark in MARKS for name in features]
    np.testing.assert_allclose(np.log(ratios["estimate"]), np.ravel(known["params"]["beta"]))


def test_the_forecast_is_written_whole_and_by_step(work, results):
    told = pd.read_csv(work / "known" / "forecast.csv", index_col=[0, 1])
    assert len(told) == 10 and np.all(told["2.5%"] <= told["97.5%"])
    assert len(pd.read_csv(work / "known" / "forecast_steps.csv")) == 7 * 10


def test_an_estimate_can_be_simulated_unless_it_has_covariates(results):
    assert "online" in results["describe"][1]
    assert "covariates" in results["no table"][2]


def test_simulate_draws_as_python_does(work, results):
    law = hj.simulate(
        hj.Hawkes(baseline="shared", kernel=hj.PowerLaw(span=100.0, error=0.1)),
        LAW["params"],
        window=(0, 200),
        key=jax.random.key(0),
        num_sequences=2,
    )
    np.testing.assert_array_equal(pd.read_csv(work / "law.csv")["time"], law.times)


def test_the_same_seed_draws_the_same_events(work, results):
    assert (work / "one.csv").read_bytes() == (work / "two.csv").read_bytes()


def test_each_sequence_has_its_own_window_even_without_events(work, results):
    own = pd.read_csv(work / "own" / "describe.csv").drop_duplicates("sequence")
    assert own["sequence"].tolist() == GANGS["gang"].tolist()
    assert own[["start", "end"]].to_numpy().tolist() == GANGS[["start", "end"]].to_numpy().tolist()


def test_a_quiet_run_says_nothing_and_no_pictures_draws_none(work, results):
    assert results["sample"][1] == ""
    assert names_in(work / "sampled") == {"posterior.nc", "data.nc"}


def test_summary_shows_a_saved_posterior(results):
    assert "alpha[online -> offline]" in results["summary"][1]


def test_compare_names_the_best_of_the_same_events_only(work, results):
    _, out, err = results["compare"]
    assert out.count(": best") == 1 and "for all that the data say" in out and err == ""
    assert len(pd.read_csv(work / "compared" / "compare.csv")) == 2
    assert "different events" in results["other events"][2]  # their kinds have another order


def test_the_module_is_the_command(work):
    done = subprocess.run(
        [sys.executable, "-m", "hawkesjax", "fit", "--help"],
        cwd=work,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=3600,
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
        timeout=3600,
        check=False,
    )
    os.close(slave)
    said = os.read(master, 10_000).decode() if not flags else ""
    os.close(master)
    assert done.returncode == code, (said, done.stderr)
    assert ("How many users" in said) == (not flags)
    if code == 2 and not flags:
        assert b"at least 1" in done.stderr


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
        "text.json": b'{"mu": ["1"], "alpha": [[0.5]], "gamma": [[1]]}',
        "huge.json": b'{"mu": [1], "alpha": [[0.5]], "gamma": [[1' + b"0" * 400 + b"]]}",
        "huger.json": b'{"mu": [1], "alpha": [[0.5]], "gamma": [[1' + b"0" * 5000 + b"]]}",
        "nan.json": b'{"mu": [NaN], "alpha": [[0.5]], "gamma": [[1]]}',
        "ragged.json": b'{"mu": [1], "alpha": [[0.5], [1, 2]], "gamma": [[1]]}',
        "more.json": b'{"mu": [1], "alpha": [[0.5]], "gamma": [[1]], "gama": 2}',
        "names.json": b'{"mu": [1], "alpha": [[0.5]], "gamma": [[1]], "mark_names": "a"}',
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
    "a table of nothing": (["fit", "good.csv", *FIT, "--covariates", "empty.csv"], "empty file"),
    "a calendar of numbers": (["fit", "good.csv", *FIT, "--feature", "day"], "as dates"),
    "holidays of numbers": (["fit", "good.csv", *FIT, "--holidays", "ES"], "as dates"),
    "an unknown parameter": (["fit", "good.csv", *FIT, "--fixed", "rho=1"], "the parameters mu, "),
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
    "no cores": (["fit", "good.csv", *FIT, "--cores", "0"], "--cores"),
    "too many cores": (["fit", "good.csv", *FIT, "--cores", "9999"], "--cores is 9999; this"),
    "cores of a GPU": (
        ["fit", "good.csv", *FIT, "--cores", "1", "--device", "gpu"],
        "--cores is for the CPU",
    ),
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
    **{
        f"{name} parameters": (["simulate", "--out", "a.csv", "--params", f"{name}.json"], words)
        for name, words in {
            "text": "text.json: mu must be a finite number",
            "huge": "huge.json: gamma must be",
            "huger": "huger.json is not JSON",
            "nan": "nan.json: mu must be",
            "ragged": "ragged.json: alpha must be",
            "more": "'gama', which are none of mu, alpha, gamma",
            "names": "names.json: mark_names must be a list",
        }.items()
    },
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
