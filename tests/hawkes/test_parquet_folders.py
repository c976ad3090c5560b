"""Panels from folders of Parquet files, read in pieces: as the same table in memory, or refused."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.inputs.parts import part_of
from tests.refusals import refused

SIZE = 600
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "t": RNG.integers(0, 500, SIZE),  # with ties, in no order
        "x": RNG.uniform(0, 500, SIZE),
        "d": pd.Timestamp("2024-03-01", tz="UTC")
        + pd.to_timedelta(RNG.integers(0, 500, SIZE), "h"),
        "text": [str(t) for t in RNG.integers(0, 500, SIZE)],
        "k": RNG.choice(["up", "down"], SIZE),
        "c": pd.Categorical(RNG.choice(["b", "a"], SIZE), categories=["b", "none", "a"]),
        "s": RNG.choice([2, 10, 7, 33], SIZE),
        "g": RNG.exponential(size=SIZE),
    }
)
PLAIN = {"time": "t", "mark": "k", "sequence": "s", "window": (0, 500)}
DAYS = {"window": ("2024-03-01", "2024-04-01"), "unit": "day"}
CASES = {
    "whole numbers with ties": {},
    "floats": {"time": "x"},
    "dates": {"time": "d", **DAYS},
    "text, which is read whole": {"time": "text"},
    "categories": {"mark": "c"},
    "sizes": {"magnitude": "g"},
    "one mark, one sequence": {"mark": None, "sequence": None},
    "windows by data": {"window": "sequence"},
    "windows by name": {"window": dict.fromkeys((33, 2, 7, 10, "none"), (0, 501))},
    "history, gaps, dropped": {
        "window": (100, 400), "gaps": (200, 210), "keep_history": True, "outside": "drop",
    },
    "declared names": {"mark_names": ["down", "up", "other"], "sequence_names": [7, 33, 2, 10]},
    "exposure": {"exposure": pd.DataFrame({"start": [0], "end": [500], "factor": [2]})},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files, of row groups that end within them, in folders of their own."""
    folder = tmp_path_factory.mktemp("table")
    for number, begin in enumerate(range(0, SIZE, 200)):
        (folder / f"part={number}").mkdir()
        path = folder / f"part={number}" / "rows.parquet"
        TABLE[begin : begin + 200].to_parquet(path, row_group_size=70)
    (folder / "_SUCCESS").write_text("")
    return folder


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr("hawkesjax.inputs.parquet.PIECE", 64)
    monkeypatch.setattr("hawkesjax.hawkes.data.assemble.PIECE", 64)


def alike(one, two):
    for part in dataclasses.fields(one):
        pair = getattr(one, part.name), getattr(two, part.name)
        if part.metadata.get("static"):
            assert pair[0] == pair[1], part.name
        else:
            jax.tree.map(np.testing.assert_array_equal, *pair)


@pytest.mark.parametrize("options", CASES.values(), ids=list(CASES))
def test_a_folder_is_the_table_in_memory(folder, options):
    given = PLAIN | options
    alike(hj.read_events(folder, **given), hj.EventPanel.from_dataframe(TABLE, **given))


def test_names_of_folders_are_columns(folder):
    number = TABLE.assign(part=np.arange(SIZE) // 200)
    given = PLAIN | {"sequence": "part"}
    alike(hj.read_events(folder, **given), hj.EventPanel.from_dataframe(number, **given))


@pytest.mark.parametrize("time", ["t", "text"])
def test_parts_are_the_sequences_of_the_whole(folder, time):
    given = PLAIN | {"time": time}
    whole = hj.read_events(folder, **given)
    parts = [hj.read_events(folder, **given, part=(k, 3)) for k in range(3)]
    begin = 0
    for part in parts:
        stop = begin + part.num_sequences
        alike(part, whole.select(range(begin, stop)))
        begin = stop
    assert begin == whole.num_sequences


@pytest.mark.parametrize(
    ("sizes", "cuts"),
    [
        ([5, 5, 5, 5], [0, 2, 4]),
        ([100, 1, 1], [0, 1, 3]),
        ([1, 1, 100], [0, 2, 3]),
        ([100, 0, 0, 0], [0, 1, 2, 3, 4]),
        ([0, 0, 0, 100], [0, 1, 2, 3, 4]),
    ],
)
def test_parts_have_about_as_many_events(sizes, cuts):
    count = len(cuts) - 1
    assert [part_of(np.array(sizes), (k, count), "sequence") for k in range(count)] == [
        (cuts[k], cuts[k + 1]) for k in range(count)
    ]


BAD = {
    "an event outside": ({"window": (0, 450)}, "outside the window|of part=0/rows.parquet"),
    "more parts than sequences": ({"part": (0, 5)}, "4 sequences|5 parts|at most 4"),
    "a part that is none": ({"part": (3, 3)}, "part is (3, 3)|(number, parts)"),
    "a part as a number": ({"part": 1}, "part is 1"),
    "parts without windows": ({"part": (0, 2), "window": None}, "part=|declare window="),
    "parts without sequences": ({"part": (0, 2), "sequence": None}, "part=|sequence="),
    "an unknown column": ({"mark": "no"}, "no column for mark='no'|'text'"),
    "an option of text files": ({"separator": ";"}, "separator=|no meaning"),
}


@pytest.mark.parametrize(("options", "words"), BAD.values(), ids=list(BAD))
def test_options_that_are_refused(folder, options, words):
    with refused(words):
        hj.read_events(folder, **(PLAIN | options))


def written(folder, *tables):
    for number, table in enumerate(tables):
        table.to_parquet(folder / f"{number}.parquet")
    return folder


ROWS: Any = TABLE[["t", "k", "s", "x"]][:100]
FOLDERS = {
    "nothing": ((), "no Parquet files|.parquet"),
    "no rows": ((ROWS[:0], ROWS[:0]), "no rows|from_arrays"),
    "another type": ((ROWS, ROWS.astype({"s": float})), "differ|'s' is double in|1.parquet|int64"),
    "a column less": ((ROWS, ROWS[["t", "s"]]), "differ|'k' is missing in|1.parquet"),
    "NaN": (
        (ROWS.astype({"t": float}), ROWS.assign(t=np.nan)),
        "'t'|rows 0 of 1.parquet, 1 of|missing",
    ),
    "a missing mark": (
        (ROWS, ROWS.assign(k=[None, *ROWS["k"][1:]])),
        "'k'|row 0 of 1.parquet|missing mark",
    ),
    "infinite": (
        (ROWS.astype({"t": float}), ROWS.assign(t=[1.0] * 99 + [np.inf])),
        "row 99 of 1.parquet (inf)|finite",
    ),
    "a negative sequence": ((ROWS, ROWS.assign(s=-1)), "'s'|row 0 of 1.parquet ('-1')|negative"),
    "dates as numbers": ((ROWS.assign(t=20240501), ROWS.assign(t=20240502)), "look like dates"),
}


@pytest.mark.parametrize(("tables", "words"), FOLDERS.values(), ids=list(FOLDERS))
def test_folders_that_are_refused(tmp_path, tables, words):
    with refused(words):
        hj.read_events(written(tmp_path, *tables), **PLAIN)


def test_damaged_and_other_files_of_a_folder_are_named(tmp_path):
    written(tmp_path, ROWS, ROWS)
    whole = (tmp_path / "1.parquet").read_bytes()
    for content, words in ((whole[:-100], "cannot be read as Parquet"), (b"", "empty file")):
        (tmp_path / "1.parquet").write_bytes(content)
        with refused(f"1.parquet|{words}"):
            hj.read_events(tmp_path, **PLAIN)
    (tmp_path / "1.parquet").rename(tmp_path / "1.txt")
    with refused("not Parquet|'1.txt'"):
        hj.read_events(tmp_path, **PLAIN)
