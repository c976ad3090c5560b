"""Files that cannot be read as a table of events are refused: which line, and what to do."""

import gzip
import io
from pathlib import Path

import pandas as pd
import pytest

from hawkesjax.hawkes.data.readers import read_events
from tests.refusals import refused

GOOD = "t,k,s\n1,a,3\n2,b,3\n"
PARQUET = io.BytesIO()
pd.read_csv(io.StringIO(GOOD)).to_parquet(PARQUET)
PARQUET = PARQUET.getvalue()
PNG = b"\x89PNG\r\n\x1a\n"
FILES = {
    "empty": ("e.csv", b"", "empty file"),
    "only blank lines": ("e.csv", b"\n\n", "empty file"),
    "no rows": ("e.csv", b"t,k,s\n", "no rows|from_arrays"),
    "missing column": ("e.csv", "day,k,s\n1,a,3\n", "time='t'|'day', 'k', 's'"),
    "another separator": ("e.csv", GOOD.replace(",", "^"), "'t^k^s'"),
    "duplicated columns": ("e.csv", GOOD.replace("k,s", "k,k"), "same name: 'k'"),
    "a picture": ("e.csv", PNG, "not CSV|PNG"),
    "Parquet named CSV": ("e.csv", PARQUET, "not CSV|Parquet"),
    "CSV named Parquet": ("e.parquet", GOOD, "not a Parquet file|PAR1"),
    "gzip named CSV": ("e.csv", gzip.compress(GOOD.encode()), "not CSV|gzip"),
    "CSV named gzip": ("e.csv.gz", GOOD, "not a whole gzip file"),
    "gzip cut short": ("e.csv.gz", gzip.compress(GOOD.encode() * 99)[:40], "not a whole gzip file"),
    "gzip damaged": ("e.csv.gz", gzip.compress(GOOD.encode())[:-4] + b"abcd", "not a whole gzip"),
    "a picture within gzip": ("e.csv.gz", gzip.compress(PNG), "not CSV|PNG"),
    "Parquet cut short": ("e.parquet", PARQUET[:200], "cannot be read as Parquet"),
    "NUL": ("e.csv", GOOD + "3,\0,3\n", "NUL byte|line 4"),
    "Latin-1": ("e.csv", (GOOD + "3,\xe9,3\n").encode("latin-1"), "UTF-8|line 4"),
    "UTF-16 without a mark": ("e.csv", GOOD.encode("utf-16-le"), "NUL byte|utf-16-le"),
    "carriage returns": ("e.csv", GOOD.replace("\n", "\r"), "carriage return"),
    "a long row": ("e.csv", GOOD + "3,a,3,4\n", "3 fields|line 4|4"),
    "a short row": ("e.csv", GOOD + "3,a\n4,b,3\n", "3 fields|line 4|2"),
    "a short row with quotes": ("e.csv", GOOD + '3,"a\nb",3\n4,b\n', "3 fields|line 6"),
    "an open quote": ("e.csv", GOOD + '3,"a,3\n4,b,3\n', "line 4|quotes"),
    "a blank line": ("e.csv", GOOD + "\n3,a,3\n", "blank line 4"),
    "an unknown ending": ("e.doc", GOOD, "'.csv'|'.parquet'|.zip"),
    "naive among aware": (
        "e.csv",
        "t,k,s\n2024-05-01T10:00+02:00,a,1\n2024-05-01T10:00,a,1\n2024-05-02T10:00+02:00,a,1\n",
        "'t'|without a zone|line 3 ('2024-05-01T10:00')|timezone=",
    ),
    "an empty time": ("e.csv", GOOD + ",a,3\n", "'t'|line 4|missing"),
    "NaN": ("e.csv", GOOD + "NaN,a,3\n", "'t'|line 4"),
    "infinite": ("e.csv", GOOD + "-inf,a,3\n", "'t'|line 4 (-inf)|finite"),
    "text": ("e.csv", GOOD + "x,a,3\n", "'t'|line 4 ('x')|not a number"),
    "text after a line break": ("e.csv", 't,k,s\n1,"a\nb",3\nx,c,3\n2,d,3\n', "'t'|line 4 ('x')"),
    "boolean times": ("e.csv", "t,k,s\nTrue,a,1\nFalse,b,1\n", "'t'|boolean|lines 2 (True), 3"),
    "an empty mark": ("e.csv", GOOD + "3,,3\n", "'k'|line 4|missing mark"),
    "NA": ("e.csv", GOOD + "3,NA,3\n", "'k'|line 4 ('NA')|mark_names"),
    "boolean marks": ("e.csv", "t,k,s\n1,True,1\n2,False,1\n", "'k'|boolean|lines 2"),
    "a fraction as mark": ("e.csv", "t,k,s\n1,1,1\n2,2.5,1\n", "'k'|line 3 ('2.5')|whole"),
    "a negative mark": ("e.csv", "t,k,s\n1,1,1\n2,-1,1\n", "'k'|line 3 ('-1')|negative"),
    "an empty sequence": ("e.csv", GOOD + "3,a,\n", "'s'|line 4|missing sequence"),
}


@pytest.mark.parametrize(("name", "content", "words"), FILES.values(), ids=list(FILES))
def test_files(tmp_path: Path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with refused(words):
        read_events(path, time="t", mark="k", sequence="s")


def test_a_path_to_nothing_or_a_folder(tmp_path: Path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_events(tmp_path / "no.csv", time="t")
    with pytest.raises(ValueError, match="not a file"):
        read_events(tmp_path / "d.csv", time="t")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch):
    (tmp_path / "e.parquet").write_bytes(PARQUET)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"hawkesjax\[parquet\]"):
        read_events(tmp_path / "e.parquet", time="t")


@pytest.mark.parametrize("chunk", [1, 2, 5, 8, 1000])
def test_rows_are_counted_across_chunks(tmp_path: Path, monkeypatch, chunk):
    monkeypatch.setattr("hawkesjax.inputs.text.CHUNK", chunk)
    path = tmp_path / "e.csv"
    path.write_text(GOOD + "3.25,a,9\n4,long name,9\n")
    assert read_events(path, time="t", mark="k", sequence="s").num_events == 4
    path.write_text(GOOD + "3,a,9\n4,a\n5,a,9,9\n")
    with refused("3 fields|lines 5, 6"):
        read_events(path, time="t", mark="k", sequence="s")
