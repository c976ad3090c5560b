"""katz fit, sample and simulate as commands."""

import json

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import run_named


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Messages of a small network, each an answer to nobody or to somebody just heard."""
    rng = np.random.default_rng(0)
    size, rows = 40, 1500
    time = np.sort(rng.uniform(0, 600, rows))
    source = rng.choice(size, rows, p=rng.dirichlet(np.full(size, 0.7)))
    target = rng.integers(0, size, rows)
    folder = tmp_path_factory.mktemp("katz")
    frame = pd.DataFrame({"time": time, "source": source, "target": target})
    frame.to_csv(folder / "log.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def results(work):
    """What each command line says."""
    read = ["log.csv", "--usual", "0", "300", "--edges", "messages"]
    lines = {
        "fit": ["fit", *read, "--out", "fit", "--csv", "tables"],
        "simulate": ["simulate", *read, "--params", "fit/estimate.json", "--bins", "50",
                     "--out", "drawn.csv"],
        "sample": ["sample", *read, "--chains", "1", "--warmup", "80", "--draws", "60",
                   "--top", "5", "--out", "sample"],
        "recent": ["fit", *read, "--baseline", "recent", "--out", "recent"],
        "again": ["simulate", *read, "--baseline", "recent", "--params", "recent/estimate.json",
                  "--bins", "50", "--out", "again.csv"],
        "no edges": ["fit", "log.csv", "--usual", "0", "300", "--out", "x"],
    }  # fmt: skip
    return run_named({name: ["katz", *line] for name, line in lines.items()}, work)


@pytest.mark.parametrize("name", ["fit", "simulate", "sample", "recent", "again"])
def test_good_input_ends_with_0(results, name):
    code, out, err = results[name]
    assert code == 0, (out, err)


def test_fit_says_and_writes_the_estimate(work, results):
    said = results["fit"][1]
    assert "alpha" in said and "quantile residuals" in said
    content = json.loads((work / "fit" / "estimate.json").read_text())
    assert set(content["params"]) == {"alpha", "shape", "mean", "alpha_star"}
    assert (work / "tables" / "parameters.csv").exists()


def test_a_half_life_is_estimated_and_drawn_from(work, results):
    assert "half_life" in results["recent"][1] and "Events of the users" not in results["recent"][1]
    content = json.loads((work / "recent" / "estimate.json").read_text())
    assert {"floor", "weight", "half_life"} < set(content["params"])
    assert len(pd.read_csv(work / "again.csv")) > 0


def test_simulate_draws_posts_of_users_in_bins(work, results):
    drawn = pd.read_csv(work / "drawn.csv")
    assert list(drawn.columns) == ["bin", "user", "posts"]
    assert drawn["bin"].between(0, 49).all()
    assert len(drawn) > 0


def test_sample_writes_the_posterior_and_the_ranking(work, results):
    assert "Probability of being among the top 5" in results["sample"][1]
    posterior = hj.load(work / "sample" / "posterior.nc")
    assert posterior["alpha"].shape == (1, 60)
    ranking = pd.read_csv(work / "sample" / "ranking.csv")
    np.testing.assert_allclose(ranking["probability"].sum(), 5)


def test_bad_input_is_one_line(results):
    code, _, err = results["no edges"]
    assert code == 2 and err.count("\n") == 1 and err.startswith("error:")
