"""Files that are still being written: whole lines only, and a new file where one begins."""

import os

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj

HEADER = "time,source,target,kind\n"


def rows_of(count, first=0):
    return "".join(f"{first + k},u{k % 5},u{(k + 1) % 5},RT\n" for k in range(count))


def times(table):
    return [] if table is None else table.frame["time"].tolist()


def write(path, text, mode="a"):
    with path.open(mode) as file:
        file.write(text)


def test_only_whole_lines_are_read(tmp_path):
    path = tmp_path / "log.csv"
    text = HEADER + rows_of(6)
    write(path, text[:5], "w")
    log, seen = hj.katz.follow(path, kind="kind"), []
    for end in (12, 30, 31, 47, len(text) - 1, len(text)):
        seen += times(log.read())
        write(path, text[path.stat().st_size : end])
    assert log.partial == text[text.rfind("\n", 0, -1) + 1 : -1].encode()
    seen += times(log.read())
    assert seen == list(range(6)) and log.partial == b"" and log.read() is None


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("how", ["truncated", "moved", "moved with a rest"])
def test_a_log_that_begins_anew_is_read_on(tmp_path, how, header):
    path = tmp_path / "log.csv"
    write(path, HEADER + rows_of(8), "w")
    log = hj.katz.follow(path, kind="kind")
    assert times(log.read()) == list(range(8))
    expected = []
    if how == "truncated":
        os.truncate(path, 0)
    else:
        if how == "moved with a rest":
            write(path, rows_of(2, 8))
            expected = [8, 9]
        path.rename(tmp_path / "log.1.csv")
        assert times(log.read()) == expected
        assert log.read() is None  # there is no file for now
    write(path, (HEADER if header else "") + rows_of(3, 20))
    assert times(log.read()) == [20, 21, 22]
    write(path, rows_of(1, 30))
    assert times(log.read()) == [30] and log.files == 2


def test_comments_json_lines_and_tabs(tmp_path):
    one = tmp_path / "log.tsv"
    write(one, "# made by hand\n" + (HEADER + rows_of(2)).replace(",", "\t"), "w")
    log = hj.katz.follow(one, kind="kind", comment="#")
    assert times(log.read()) == [0, 1]
    write(one, "# a note\n")
    assert log.read() is None
    two = tmp_path / "log.jsonl"
    write(two, '{"time": 1, "source": "a", "target": "b"}\n{"time": 2, "sour', "w")
    log = hj.katz.follow(two)
    assert times(log.read()) == [1]
    write(two, 'ce": "b", "target": "a"}\n')
    assert times(log.read()) == [2]


def test_followed_and_appended_it_is_the_log_read_at_once(tmp_path):
    path, rng = tmp_path / "log.csv", np.random.default_rng(0)
    frame = pd.DataFrame({"time": np.sort(rng.integers(0, 60, 300))})
    frame["source"], frame["target"] = rng.integers(0, 25, (2, 300))
    text = frame.to_csv(index=False)
    ends = sorted(rng.integers(1500, len(text), 8).tolist())
    write(path, text[: ends[0]], "w")
    log = hj.katz.follow(path)
    names = {"time": "time", "source": "source", "target": "target"}
    first = hj.Activity.from_messages(
        log.read(), **names, edges="messages", bin=5, usual=(None, None)
    )
    live = hj.katz.Live(first, half_life=2.0)
    for low, high in zip(ends, [*ends[1:], len(text)], strict=True):
        write(path, text[low:high])
        new = log.read()
        if new is not None:
            live.append(new, **names)
    whole = hj.read_messages(path, edges="messages", bin=5, usual=(None, None))
    expected = whole.recent(2.0, until=whole.num_bins)
    found = live.activity()
    b = dict(zip(found.user_names, found.baseline, strict=True))
    np.testing.assert_allclose([b[user] for user in expected.user_names], expected.baseline, 1e-12)
    assert live.num_edges == whole.num_edges and live.num_bins == whole.num_bins


def test_what_cannot_be_followed_is_refused(tmp_path):
    for name in ("log.parquet", "log.csv.gz", "log.json", "log.xlsx"):
        with pytest.raises(ValueError, match="not written line by line"):
            hj.katz.follow(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        hj.katz.follow(tmp_path / "log.csv")
    write(tmp_path / "bad.csv", "time,source\n1,a\n", "w")
    with pytest.raises(ValueError, match="no column for target"):
        hj.katz.follow(tmp_path / "bad.csv").read()
