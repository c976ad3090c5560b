"""katz fit, sample and simulate as commands."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Messages of a small network, each an answer to nobody or to somebody just heard."""
    rng = np.random.default_rng(0)
    size, rows = 40, 1500
    time = np.sort(rng.uniform(0, 600, rows))
    source = rng.choice(size, rows, p=rng.dirichlet(np.full(size, 0.7)))
    target = rng.integers(0, size, rows)
    path = tmp_path_factory.mktemp("log") / "log.csv"
    pd.DataFrame({"time": time, "source": source, "target": target}).to_csv(path, index=False)
    return path


def hawkesjax(repository, *arguments, code=0):
    environment = os.environ | {"PYTHONPATH": str(repository), "JAX_ENABLE_X64": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "hawkesjax", "katz", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr[-2000:]
    return done


def test_fit_then_simulate(repository, log, tmp_path):
    read = ("--usual", "0", "300", "--edges", "messages")
    out = tmp_path / "fit"
    done = hawkesjax(repository, "fit", log, *read, "--out", out, "--csv", tmp_path / "csv")
    assert "alpha" in done.stdout
    assert "quantile residuals" in done.stdout
    content = json.loads((out / "estimate.json").read_text())
    assert set(content["params"]) == {"alpha", "shape", "mean", "alpha_star"}
    assert (tmp_path / "csv" / "parameters.csv").exists()
    params = ("--params", out / "estimate.json", "--bins", "50", "--out", tmp_path / "drawn.csv")
    hawkesjax(repository, "simulate", log, *read, *params)
    drawn = pd.read_csv(tmp_path / "drawn.csv")
    assert list(drawn.columns) == ["bin", "user", "posts"]
    assert drawn["bin"].between(0, 49).all()
    assert len(drawn) > 0


def test_sample_writes_the_posterior_and_the_ranking(repository, log, tmp_path):
    read = ("--usual", "0", "300", "--edges", "messages")
    short = ("--chains", "1", "--warmup", "80", "--draws", "60", "--top", "5")
    out = tmp_path / "sample"
    done = hawkesjax(repository, "sample", log, *read, *short, "--out", out)
    assert "Probability to be among the top 5" in done.stdout
    posterior = hj.load(out / "posterior.nc")
    assert posterior["alpha"].shape == (1, 60)
    ranking = pd.read_csv(out / "ranking.csv")
    np.testing.assert_allclose(ranking["probability"].sum(), 5)


def test_bad_input_is_one_line(repository, log, tmp_path):
    done = hawkesjax(repository, "fit", log, "--usual", "0", "300", "--out", tmp_path / "x", code=2)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error:")
