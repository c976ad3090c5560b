"""katz watch as a subprocess: on a file as it is, and on a stream."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.cli.driver import ENVIRONMENT, run_named


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("watch"), np.random.default_rng(0)
    frame = pd.DataFrame({"time": np.sort(rng.integers(0, 300, 600))})
    frame["source"], frame["target"] = rng.integers(0, 30, (2, 600))
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "cut.csv").write_text((folder / "log.csv").read_text()[:-3])
    (folder / "none.csv").write_text("time,source,target\n")
    frame[frame["source"] > frame["target"]].to_csv(folder / "acyclic.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def results(folder):
    common = ["--edges", "messages", "--bin", "10", "--until-idle", "0", "--top", "3"]
    lines = {
        "file": ["katz", "watch", "log.csv", *common, "--half-life", "4", "--alpha-star", "0.4"],
        "rank": ["katz", "rank", "log.csv", "--edges", "messages", "--bin", "10", "--usual", "-",
                 "-", "--half-life", "4", "--alpha-star", "0.4", "--top", "3", "--no-pictures"],
        "learned": ["katz", "watch", "log.csv", *common],
        "cut": ["katz", "watch", "cut.csv", *common, "--half-life", "4"],
        "acyclic": ["katz", "watch", "acyclic.csv", *common, "--half-life", "4"],
        "none": ["katz", "watch", "none.csv", *common],
        "stdin": ["katz", "watch", "-", *common],
        "packed": ["katz", "watch", "log.csv.gz", *common],
        "edges": ["katz", "watch", "log.csv", "--bin", "10", "--until-idle", "0"],
    }  # fmt: skip
    return run_named(lines, folder)


def names_of(text):
    return [line.split()[1] for line in text.splitlines() if line[:2] in ("1 ", "2 ", "3 ")]


def test_a_file_is_ranked_as_katz_rank_does(results):
    code, out, err = results["file"]
    assert code == 0 and not err
    assert "Bin 29, from 290.0" in out and "certain" in out
    assert names_of(out) == names_of(results["rank"][1])
    assert "(learned)" in results["learned"][1]


def test_what_is_missing_is_said(results):
    assert "The last line has no end" in results["cut"][2] and results["cut"][0] == 0
    assert "by posts alone" in results["acyclic"][1]
    words = {
        "none": "holds no message",
        "stdin": "give --half-life",
        "packed": "not written line by line",
        "edges": "Which way do edges go",
    }
    for name, said in words.items():
        code, _, err = results[name]
        assert code == 2 and said in err, (name, err)


def test_a_stream_is_ranked_bin_by_bin(folder):
    line = ["katz", "watch", "-", "--edges", "messages", "--bin", "100", "--half-life", "1"]
    watch = subprocess.Popen(
        [sys.executable, "-m", "hawkesjax", *line, "--top", "2"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=ENVIRONMENT,
    )  # fmt: skip
    assert watch.stdin is not None and watch.stdout is not None and watch.stderr is not None
    watch.stdin.write("time,source,target\n0,a,b\n10,b,a\n")
    watch.stdin.flush()
    seen = ""
    while "Bin 0" not in seen or names_of(seen)[-1:] == [] or len(names_of(seen)) < 2:
        seen += watch.stdout.readline()
    rest = "120,c,a\n130,c,b\n350,d,a\n351,b,d"
    out, err = watch.communicate(rest)
    assert watch.returncode == 0
    assert "Bin 1, from 100.0: 2 messages, 1 new users" in out
    assert "Bin 3, from 300.0: 2 messages, 1 new users" in out
    assert not err and names_of(out)[0] == "c"
