"""katz rank and katz evaluate as a subprocess."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.cli.driver import run


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("katz")
    rng = np.random.default_rng(2)
    size = 400
    frame = pd.DataFrame(
        {
            "time": np.concatenate([rng.integers(0, 100, 300), rng.integers(100, 110, 100)]),
            "source": (20 * rng.random(size) ** 2).astype(int),
            "target": (20 * rng.random(size) ** 2).astype(int),
            "kind": rng.choice(["RT", "MT"], size),
        }
    )
    frame.to_csv(folder / "log.csv", index=False)
    frame[frame["source"] > frame["target"]].to_csv(folder / "acyclic.csv", index=False)
    common = ["--usual", "0", "100"]
    lines = [
        ["katz", "rank", "log.csv", *common, "--kind", "kind", "--top", "5", "--out", "a"],
        ["katz", "evaluate", "log.csv", *common, "--kind", "kind", "--edges", "RT=reposts,MT=None",
         "--top", "5", "--placebos", "2", "--alpha-star", "0.2,0.4", "--out", "b"],
        ["katz", "evaluate", "acyclic.csv", *common, "--edges", "reposts", "--top", "5",
         "--placebos", "1", "--out", "c"],
        ["katz", "rank", "log.csv", *common, "--out", "d"],
        ["katz", "rank", "log.csv", *common, "--edges", "reposts", "--alpha-star", "1.5"],
        ["katz", "rank", "acyclic.csv", *common, "--edges", "reposts", "--out", "e"],
        ["katz", "rank", "log.csv", "--usual", "500", "600", "--edges", "reposts"],
        ["katz", "rank", "log.csv", *common, "--kind", "kind", "--out", "a"],
        ["katz", "rank", "log.csv", *common, "--edges", "messages", "--alpha", "0.0001", "--form",
         "multiplicative", "--no-pictures", "--quiet", "--out", "f"],
        ["katz", "evaluate", "log.csv", *common, "--edges", "reposts", "--alpha-star", "0.1 0.2"],
    ]  # fmt: skip
    return folder, run(lines, folder)


def test_rank_writes_the_ranking(results):
    folder, done = results
    code, out, err = done[0]
    assert code == 0, err
    assert "the 5 largest scores are found for certain" in out
    assert "Spectral radius" in out
    table = pd.read_csv(folder / "a" / "ranking.csv")
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    low, score, high = table[["lower", "score", "upper"]].to_numpy().T
    assert (low <= score).all() and (score <= high).all()
    assert (folder / "a" / "influence.png").stat().st_size > 1000


def test_evaluate_writes_the_sweep(results):
    folder, done = results
    code, out, err = done[1]
    assert code == 0, err
    assert "KatzEvaluation: top 5" in out
    assert pd.read_csv(folder / "b" / "evaluation.csv")["alpha_star"].tolist() == [0, 0.2, 0.4]
    for name in ("volume.png", "change.png", "stability.png"):
        assert (folder / "b" / name).stat().st_size > 1000


def test_a_network_without_cycles_sweeps_alpha(results):
    folder, done = results
    code, out, err = done[2]
    assert code == 0, err
    assert "alpha* undefined" in out
    assert pd.read_csv(folder / "c" / "evaluation.csv").columns[0] == "alpha"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (3, "Which way do edges go"),
        (4, "below 1"),
        (5, "Pass it as --alpha"),
        (6, "holds no bin|is empty"),
        (7, "exists; --force"),
        (9, "numbers separated by commas"),
    ],
)
def test_bad_input_ends_with_two_and_one_line(results, place, message):
    code, _, err = results[1][place]
    assert code == 2
    assert re.search(message, err) and len(err.strip().splitlines()) == 1


def test_quiet_says_nothing(results):
    code, out, err = results[1][8]
    assert (code, out, err) == (0, "", "")
