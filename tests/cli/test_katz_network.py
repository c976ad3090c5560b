"""katz rank, evaluate and backtest as a subprocess."""

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
    known = pd.DataFrame({"user": range(20), "followers": range(20)})
    known.to_csv(folder / "followers.csv", index=False)
    farm = pd.concat([frame, pd.DataFrame(
        [(1, f"farm{i}", f"farm{j}", "RT") for i in range(30) for j in range(30) if i != j],
        columns=list(frame.columns),
    )])  # fmt: skip
    farm.to_csv(folder / "farm.csv", index=False)
    common = ["--usual", "0", "100"]
    reposts = [*common, "--edges", "reposts", "--top", "5", "--no-pictures"]
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
        ["katz", "rank", "log.csv", *reposts, "--half-life", "10", "--alpha-star", "0", "--out",
         "g"],
        ["katz", "evaluate", "log.csv", *reposts, "--half-life", "learned", "--lead", "2",
         "--placebos", "0", "--followers", "followers.csv", "--out", "h"],
        ["katz", "rank", "log.csv", *reposts, "--half-life", "-1"],
        ["katz", "rank", "log.csv", *reposts, "--half-life", "soon"],
        ["katz", "rank", "log.csv", *reposts, "--lead", "2"],
        ["katz", "evaluate", "log.csv", *reposts, "--spike", "100", "105", "--followers",
         "log.csv"],
        ["katz", "rank", "farm.csv", *reposts, "--out", "i"],
        ["katz", "rank", "farm.csv", *reposts, "--by-component", "--out", "j"],
        ["katz", "backtest", "log.csv", *common, "--edges", "reposts", "--top", "5", "--alpha-star",
         "0.2", "--folds", "8", "--out", "k"],
        ["katz", "backtest", "log.csv", *common, "--edges", "reposts", "--length", "90"],
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
    for name in ("volume.png", "change.png", "comparison.png", "stability.png"):
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
        (12, "half_life is -1.0; .*above 0.*'learned'"),
        (13, "half_life is 'soon'; .*above 0.*'learned'"),
        (14, "--lead goes with --half-life"),
        (15, "no column followers"),
        (19, "fewer than the 90 of a pseudo-spike. Take a smaller --length"),
    ],
)
def test_bad_input_ends_with_two_and_one_line(results, place, message):
    code, _, err = results[1][place]
    assert code == 2
    assert re.search(message, err) and len(err.strip().splitlines()) == 1


def test_quiet_says_nothing(results):
    code, out, err = results[1][8]
    assert (code, out, err) == (0, "", "")


def test_posts_are_weighted_by_age(results):
    folder, done = results
    code, out, err = done[10]
    assert code == 0, err
    assert "posts weighted by age, half-life 10 bins, in bins before 100" in out
    frame = pd.read_csv(folder / "log.csv").drop_duplicates(["time", "source"])
    frame = frame[frame["time"] < 100]
    weight = 2 ** (-(99 - frame["time"]) / 10)
    expected = weight.groupby(frame["source"]).sum().nlargest(5)
    ranking = pd.read_csv(folder / "g" / "ranking.csv")
    assert ranking["user"].tolist() == expected.index.tolist()
    np.testing.assert_allclose(ranking["score"], expected)


def test_evaluate_compares_with_rankings_without_a_model(results):
    folder, done = results
    code, out, err = done[11]
    assert code == 0, err
    assert "bins (learned), in bins before" in out and "without a model" in out
    table = pd.read_csv(folder / "h" / "comparison.csv").set_index("ranking")
    assert {"posts as usual", "decayed posts", "PageRank", "followers"} <= set(table.index)
    assert table.loc["decayed posts", "change"] == 0


def test_the_component_that_sets_the_radius_is_named(results):
    folder, done = results
    code, out, err = done[16]
    assert code == 0, err
    assert "Spectral radius 29, set by a component of 30 users (farm0, farm1" in out
    assert re.search("is that of 30 users .* is .* there. Take --by-component for", err)
    code, out, err = done[17]
    assert code == 0, err
    assert "is that of" not in err
    assert "farm0" not in pd.read_csv(folder / "j" / "ranking.csv")["user"].tolist()


def test_backtest_writes_the_past(results):
    folder, done = results
    code, out, err = done[18]
    assert code == 0, err
    assert "over 8 pseudo-spikes of the past" in out and "It cannot tell whether" in out
    assert "% of the posts in bins 100 to 105" in out
    summary = pd.read_csv(folder / "k" / "summary.csv").set_index("ranking")
    assert "decayed posts + network 0.2" in summary.index
    past = pd.read_csv(folder / "k" / "backtest.csv")
    assert past["bin"].nunique() == 8 and past["bin"].between(50, 99).all()
