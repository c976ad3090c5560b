"""Files as people have them: one table of small files that all say the same, through every door."""

import bz2
import gzip
import hashlib
import hmac
import io
import json
import lzma
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import run_named

PLAIN = "t,k,s\n0,a,x\n1.5,b,x\n3,a,y\n"
ROWS = [line.split(",") for line in PLAIN.split()[1:]]
RECORDS = [{"t": float(t), "k": k, "who": {"s": s}} for t, k, s in ROWS]
ARROW = pytest.importorskip("pyarrow")
KEY = b"a key of more than sixteen bytes\n"


def zipped(*names):
    """An archive of files of these names, which all hold the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, PLAIN)
    return out.getvalue()


def zstandard(text):
    """Bytes packed by Zstandard."""
    sink = ARROW.BufferOutputStream()
    with ARROW.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text.encode())
    return sink.getvalue().to_pybytes()


def workbook(**sheets):
    """A workbook of rows of text and numbers, as small as a reader accepts."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    names = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default '
        'Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="w" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}'
        "</Relationships>",
    }
    for n, rows in enumerate(sheets.values(), 1):
        cells = ""
        for at, row in enumerate(rows, 1):
            cells += f'<row r="{at}">'
            for column, value in zip("ABCDEF", row, strict=False):
                if isinstance(value, str):
                    cells += f'<c r="{column}{at}" t="inlineStr"><is><t>{value}</t></is></c>'
                elif value is not None:
                    cells += f'<c r="{column}{at}"><v>{value}</v></c>'
            cells += "</row>"
        sheet = f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
        parts[f"xl/worksheets/s{n}.xml"] = sheet
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


CELLS = [["t", "k", "s"], *([float(t), k, s] for t, k, s in ROWS)]
NUMBERED = {"time": "1", "mark": "2", "sequence": "3"}
NESTED = {"sequence": "who.s"}
# What the file is called, what it holds, how it is described.
SAME = {
    "semicolons": ("e.csv", PLAIN.replace(",", ";"), {}),
    "semicolons, said": ("e.csv", PLAIN.replace(",", ";"), {"separator": ";"}),
    "tabs": ("e.tsv", PLAIN.replace(",", "\t"), {}),
    "tabs, by name": ("e.txt", PLAIN.replace(",", "\t"), {"separator": "tab"}),
    "bars": ("e.txt", PLAIN.replace(",", "|"), {}),
    "blanks": ("e.txt", " t   k s\n0 a\tx\n1.5   b x \n3 a y\n", {}),
    "a quoted comma": ("e.csv", PLAIN.replace(",", ";").replace("k", '"k"'), {}),
    "decimal commas": ("e.csv", PLAIN.replace(",", ";").replace("1.5", "1,5"), {"decimal": ","}),
    "UTF-8 with a mark": ("e.csv", b"\xef\xbb\xbf" + PLAIN.encode(), {}),
    "UTF-16": ("e.csv", PLAIN.encode("utf-16"), {}),
    "UTF-16, said": ("e.csv", PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "Latin-1": ("e.csv", PLAIN.encode("latin-1"), {"encoding": "latin-1"}),
    "lines of Windows": ("e.csv", PLAIN.replace("\n", "\r\n"), {}),
    "comments": ("e.csv", "# by hand\n" + PLAIN + "# the end\n", {"comment": "#"}),
    "comments between": ("e.csv", PLAIN.replace("1.5", " % no row\n1.5"), {"comment": "%"}),
    "no header": ("e.csv", PLAIN[6:], {"header": False, **NUMBERED}),
    "columns by name": ("e.csv", PLAIN[6:], {"columns": "t,k,s"}),
    "no header, blanks": ("e.txt", PLAIN[6:].replace(",", " "), {"header": False, **NUMBERED}),
    "gzip": ("e.csv.gz", gzip.compress(PLAIN.encode()), {}),
    "bzip2": ("e.tsv.bz2", bz2.compress(PLAIN.replace(",", "\t").encode()), {}),
    "xz": ("e.txt.xz", lzma.compress(PLAIN.encode()), {}),
    "Zstandard": ("e.csv.zst", zstandard(PLAIN), {}),
    "ZIP": ("all.zip", zipped("e.csv"), {}),
    "ZIP of a Mac": ("e.csv.zip", zipped("e.csv", "__MACOSX/e.csv"), {}),
    "JSON lines": ("e.jsonl", "\n".join(map(json.dumps, RECORDS)), NESTED),
    "JSON lines, packed": (
        "e.ndjson.gz", gzip.compress("\n".join(map(json.dumps, RECORDS)).encode()), NESTED,
    ),
    "a JSON array": ("e.json", json.dumps(RECORDS, indent=1), NESTED),
    "a workbook": ("e.xlsx", workbook(one=CELLS), {}),
    "a sheet of several": ("e.xlsx", workbook(one=[["no"], [1.0]], two=CELLS), {"sheet": "two"}),
    "a workbook, no header": ("e.xlsx", workbook(one=CELLS[1:]), {"header": False, **NUMBERED}),
}  # fmt: skip
COLUMNS = {"time": "t", "mark": "k", "sequence": "s"}


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def needs(name):
    if name.endswith(".xlsx"):
        pytest.importorskip("python_calamine")


@pytest.mark.parametrize("name", list(SAME))
def test_files_that_say_the_same_are_read_alike(tmp_path, name):
    called, content, options = SAME[name]
    needs(called)
    panel = hj.read_events(written(tmp_path, called, content), **(COLUMNS | options))
    assert panel.mark_names == ("a", "b") and panel.sequence_names == ("x", "y")
    np.testing.assert_array_equal(panel.times, [0, 1.5, 3])
    np.testing.assert_array_equal(panel.marks, [0, 1, 0])


def test_standard_input_is_told_by_its_first_bytes(monkeypatch):
    for content in (PLAIN.encode(), gzip.compress(PLAIN.encode()), zipped("e.csv")):
        stream = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", stream)
        assert hj.read_events("-", **COLUMNS).num_events == 3
    lines = "\n".join(map(json.dumps, RECORDS)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert hj.read_events("-", **(COLUMNS | NESTED)).num_events == 3


HOUR = pd.Timestamp("2024-05-13 06:30")
SERIAL = [45425.0, 45425 + 6.5 / 24]
EPOCH = [1715558400, 1715581800]  # 13 May 2024, 0:00 and 6:30 UTC
# The two moments as they stand in a file, and how they are described.
DATES = {
    "ISO": (["2024-05-13", "2024-05-13T06:30"], None),
    "a day that is no month": (["13/05/2024", "13/05/2024 06:30"], None),
    "points": (["13.05.2024", "13.05.2024 6:30:00"], None),
    "month first": (["05/13/2024 00:00", "05/13/2024 06:30"], None),
    "year first": (["2024/05/13", "2024/05/13 06:30:00.000"], None),
    "said": (["13/05/2024", "13/05/2024 06:30 AM"], "dd/mm/yyyy"),
    "two digits": (["13-5-24", "13-5-24T06:30"], "d-m-yy"),
    "a format": (["13 May 24 00h00", "13 May 24 06h30"], "%d %b %y %Hh%M"),
    "digits": (["20240513", "20240513"], "%Y%m%d"),
    "X": (["Mon May 13 00:00:00 +0000 2024", "Mon May 13 08:30:00 +0200 2024"], None),
    "mails": (["Mon, 13 May 2024 00:00:00 +0000", "Mon, 13 May 2024 06:30:00 +0000"], None),
    "days of a spreadsheet": (SERIAL, "excel"),
    "seconds": (EPOCH, "seconds"),
    "milliseconds": ([1000 * t for t in EPOCH], "milliseconds"),
    "nanoseconds": ([10**9 * t for t in EPOCH], "nanoseconds"),
}


@pytest.mark.parametrize("name", list(DATES))
def test_dates_are_read_as_they_are_written(tmp_path, name):
    times, dates = DATES[name]
    path = written(tmp_path, "e.csv", "t\n" + "".join(f'"{t}"\n' for t in times))
    panel = hj.read_events(path, time="t", unit="hour", dates=dates)
    assert panel.origin is not None and panel.origin.startswith("2024-05-13T00:00:00")
    np.testing.assert_allclose(panel.times, [0, 0 if name == "digits" else 6.5], rtol=1e-12)


def test_cells_of_a_sheet_may_be_days(tmp_path):
    pytest.importorskip("python_calamine")
    path = written(tmp_path, "e.xlsx", workbook(one=[["t"], *([day] for day in SERIAL)]))
    np.testing.assert_allclose(
        hj.read_events(path, time="t", unit="hour", dates="excel").times, [0, 6.5], rtol=1e-12
    )


ACCENT = (PLAIN + "4,é,x\n").encode("latin-1")
TWO = zipped("e.csv", "f.csv")
# What is wrong with a file, and the words that say so.
REFUSED = {
    "Latin-1": ("e.csv", ACCENT, {}, "byte 0xe9 in line 5|encoding='latin-1'"),
    "another encoding": ("e.csv", b"\xff\n", {"encoding": "ascii"}, "ASCII text: byte 0xff|line 1"),
    "no encoding": ("e.csv", PLAIN, {"encoding": "latin-99"}, "encoding='latin-99'|'latin-1'"),
    "no text": ("e.csv", PLAIN, {"encoding": "base64"}, "encoding='base64'"),
    "comments": ("e.csv", "# x\n" + PLAIN, {}, "comment='#'"),
    "comments alone": ("e.csv", "# x\n#y", {"comment": "#"}, "only comments"),
    "a row after comments": (
        "e.csv", "#\n" + PLAIN + "#\n5,a\n", {"comment": "#"}, "line 7|3 fields",
    ),
    "a bad time after comments": (
        "e.csv", "#\n" + PLAIN + "#\nsoon,a,x\n", {"comment": "#"}, "line 7|'soon'",
    ),
    "no header": ("e.csv", PLAIN[6:], {}, "header=False"),
    "a header beside columns": ("e.csv", PLAIN, {"columns": ["t", "k", "s"]}, "first row|columns="),
    "too few columns": ("e.csv", PLAIN[6:], {"columns": "t,k", "separator": ","}, "3 columns|2"),
    "two separators in one": ("e.csv", PLAIN, {"separator": "::"}, "one ASCII character|'tab'"),
    "a comma twice": ("e.csv", PLAIN, {"separator": ",", "decimal": ","}, "both the separator"),
    "a comma unsaid": ("e.csv", "t;k;s\n1,5;a;x\n", {}, "line 2 ('1,5')|decimal=','"),
    "a sheet of a text": ("e.csv", PLAIN, {"sheet": "one"}, "sheet= has no meaning for text"),
    "a separator of JSON": (
        "e.jsonl", '{"t": 1}', {"separator": ";"}, "separator= has no meaning for JSON",
    ),
    "thousands": ("e.csv", "t;k;s\n1.234,5;a;x\n", {"decimal": ","}, "line 2|point"),
    "a member of many": ("e.zip", TWO, {}, "2 files|'e.csv', 'f.csv'"),
    "an empty archive": ("e.zip", zipped(), {}, "0 files"),
    "no archive": ("e.csv.zip", PLAIN, {}, "cannot be unpacked"),
    "no bzip2": ("e.csv.bz2", PLAIN, {}, "not a whole bzip2 file"),
    "xz cut short": ("e.csv.xz", lzma.compress(PLAIN.encode())[:40], {}, "not a whole xz file"),
    "zst cut short": ("e.csv.zst", zstandard(PLAIN)[:20], {}, "not a whole Zstandard file"),
    "no JSON": ("e.json", "{1", {}, "not valid JSON"),
    "a line of no JSON": ("e.jsonl", '{"t": 1}\n\n{"t"\n', {}, "line 3"),
    "no objects": ("e.jsonl", '{"t": 1}\n[2]\n', {}, "line 2|a list"),
    "no such field": ("e.jsonl", '{"t": 1, "u": {"k": 2}}', {}, "'t', 'u.k'"),
    "two sheets": ("e.xlsx", workbook(one=CELLS, two=CELLS), {}, "2 sheets|'one', 'two'|sheet="),
    "no such sheet": ("e.xlsx", workbook(one=CELLS), {"sheet": "x"}, "'x'|'one'"),
    "no workbook": ("e.xlsx", PLAIN, {}, "cannot be read as an Excel workbook"),
    "a row of a sheet": (
        "e.xlsx", workbook(one=[*CELLS, ["soon", "a", "x"]]), {}, "row 5|'soon'",
    ),
    "day or month": (
        "e.csv", "t,k,s\n01/02/2024,a,x\n", {}, "'01/02/2024'|'dd/mm/yyyy'|dates='mm/dd/yyyy'",
    ),
    "day and month": (
        "e.csv", "t,k,s\n13/02/2024,a,x\n01/13/2024,a,x\n13/03/2024,a,x\n", {}, "line 3|order",
    ),
    "no such date": ("e.csv", "t,k,s\n31/02/2024,a,x\n", {}, "line 2|dd/mm/yyyy"),
    "no such way": ("e.csv", PLAIN, {"dates": "dmy"}, "dates='dmy'|'dd/mm/yyyy'|'excel'"),
    "dates that are none": ("e.csv", PLAIN, {"dates": "excel"}, "lines 2 (0"),
    "milliseconds": (
        "e.csv", "t,k,s\n1715558400000,a,x\n", {"unit": "day"}, "dates='milliseconds'",
    ),
    "digits": ("e.csv", "t,k,s\n20240513,a,x\n", {"unit": "day"}, "dates='%Y%m%d'"),
    "rounded": ("e.csv", "t,k,s\n1,a,1.4e+18\n", {}, "line 2|floating point has rounded"),
    "no key": ("e.csv", PLAIN, {"pseudonyms": "none.key"}, "'none.key'|cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_files_say_why(tmp_path, name):
    called, content, options, words = REFUSED[name]
    needs(called)
    path = written(tmp_path, called, content)
    with pytest.raises(ValueError) as error:
        hj.read_events(path, **(COLUMNS | {"unit": "day"} | options))
    for word in words.split("|"):
        assert word in str(error.value), str(error.value)


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [("python_calamine", "a workbook", "excel"), ("pyarrow", "Zstandard", "parquet")],
)
def test_files_that_need_a_package_name_the_extra(tmp_path, monkeypatch, module, name, extra):
    monkeypatch.setitem(sys.modules, module, None)
    called, content, _ = SAME[name]
    with pytest.raises(ImportError, match=rf"hawkesjax\[{extra}\]"):
        hj.read_events(written(tmp_path, called, content), **COLUMNS)


@pytest.mark.parametrize("word", ["NA", "null", "None", "nan", "<NA>", ""])
def test_words_for_missing_are_missing_everywhere(tmp_path, word):
    """In times, marks, sequences, users and identifiers alike."""
    for column, what in (("t", "missing time"), ("k", "missing mark"), ("s", "missing sequence")):
        row = ",".join(word if name == column else "4" for name in "tks")
        path = written(tmp_path, "e.csv", f"t,k,s\n1,4,4\n{row}\n")
        with pytest.raises(ValueError, match=rf"'{column}'.*{what}.* line 3"):
            hj.read_events(path, **COLUMNS)
    log = written(tmp_path, "log.csv", f"time,source,target\n0,1,2\n1,2,{word}\n2,2,1\n")
    with pytest.warns(hj.ActivityWarning, match="1 message without a target"):
        activity = hj.read_messages(log, edges="messages", bin=1, usual=(0, 3))
    assert list(activity.user_names) == ["1", "2"]
    posts = written(tmp_path, "p.csv", f"id,t,f,of\n1,0,9,{word}\n2,1,{word},1.0\n")
    names = {"id": "id", "time": "t", "followers": "f", "repost_of": "of"}
    cascades = hj.read_cascades(posts, **names, missing_followers="zero")
    assert (cascades.num_posts, cascades.num_reposts) == (1, 1)


def test_all_readers_take_the_same_dialect(tmp_path):
    """Semicolons, decimal commas, days first, Latin-1, comments: of posts and of messages, too."""
    given = {"dates": "dd/mm/yyyy", "decimal": ",", "encoding": "latin-1", "comment": "#"}
    text = "# von Hand\nid;t;f;of\né;01/02/2024 10:00;9,5;\nb;01/02/2024 12:00;1;é\n"
    posts = written(tmp_path, "p.csv", text.encode("latin-1"))
    names = {"id": "id", "time": "t", "followers": "f", "repost_of": "of"}
    data = hj.read_cascades(posts, **names, unit="hour", **given)
    assert (data.names, data.ages.tolist()) == (("é",), [2])
    assert data.post_followers.tolist() == [9.5]
    text = "# von Hand\nt;von;an\n01/02/2024 10:00;é;b\n01/02/2024 12:00;b;é\n"
    log = written(tmp_path, "l.csv", text.encode("latin-1"))
    names = {"time": "t", "source": "von", "target": "an", "edges": "messages"}
    usual = ("2024-02-01", "2024-02-02")
    found = hj.read_messages(log, **names, unit="hour", bin=1, usual=usual, **given)
    assert list(found.user_names) == ["b", "é"] and found.num_edges == 2


def test_users_that_became_floats_are_those_they_were(tmp_path):
    text = 'time,source,target\n0,"1",2.0\n1,2,1.0\n2,"1",\n'
    with pytest.warns(hj.ActivityWarning, match="without a target"):
        read = hj.read_messages(
            written(tmp_path, "log.csv", text), edges="messages", bin=1, usual=(0, 3)
        )
    assert list(read.user_names) == ["1", "2"]
    lost = written(tmp_path, "lost.csv", 'time,source,target\n0,"1",1.4e+18\n')
    with pytest.raises(ValueError, match=r"line 2 \(1.4e"):
        hj.read_messages(lost, edges="messages", bin=1, usual=(0, 3))


def test_pseudonyms_are_keyed_and_folded_names_are_one(tmp_path):
    """HMAC-SHA256 of the folded name; the same in every column and every reader."""
    key = written(tmp_path, "key", KEY)
    text = "time,source,target\n0,@Ann,bob\n1,BOB,ann\n2,bob,@ann\n"
    log = written(tmp_path, "log.csv", text)
    given = {"edges": "messages", "bin": 1, "usual": (0, 3)}
    assert list(hj.read_messages(log, fold=True, **given).user_names) == ["ann", "bob"]
    hidden = hj.read_messages(log, fold=True, pseudonyms=key, **given)
    names = [hmac.new(KEY.strip(), n, hashlib.sha256).hexdigest()[:16] for n in (b"ann", b"bob")]
    assert sorted(hidden.user_names) == sorted(names)
    panel = hj.read_events(log, time="time", sequence="source", fold=True, pseudonyms=key)
    assert sorted(panel.sequence_names) == sorted(names)
    short = written(tmp_path, "short", b"secret\n")
    with pytest.raises(ValueError, match="6 bytes"):
        hj.read_messages(log, pseudonyms=short, **given)


LINES = {
    "semicolons": ["describe", "e.csv", "--dates", "dd/mm/yyyy", "--unit", "day", "--decimal", ","],
    "no header": ["describe", "n.txt", "--no-header", "--time", "1", "--mark", "2"],
    "columns": ["describe", "n.txt", "--columns", "time,kind", "--mark", "kind"],
    "windows": ["describe", "w.csv", "--sequence", "who", "--windows", "w.tsv", "--fold",
                "--pseudonyms", "key", "--comment", "#"],
    "a gap": ["describe", "e.csv", "--dates", "dd/mm/yyyy", "--unit", "day", "--decimal", ",",
              "--gaps", "g.csv"],
    "day or month": ["describe", "d.csv", "--unit", "day"],
    "milliseconds": ["describe", "m.csv", "--unit", "day"],
    "Latin-1": ["describe", "l.csv"],
    "comments": ["describe", "w.csv", "--sequence", "who"],
}  # fmt: skip
SAID = {
    "day or month": "--dates dd/mm/yyyy or --dates mm/dd/yyyy",
    "milliseconds": "--dates milliseconds",
    "Latin-1": "--encoding latin-1",
    "comments": "--comment #",
}


def test_the_command_line_reads_what_the_readers_read(tmp_path):
    """The same options, in the words of the command line."""
    files = {
        "e.csv": "time;x\n01/02/2024 12:00;1,5\n03/02/2024;2\n",
        "n.txt": "0 a\n2 b\n",
        "w.csv": "# of mine\ntime,who\n1,@Ann\n2,bob\n",
        "w.tsv": "who\tstart\tend\nann\t0\t3\nBob\t0\t4\n",
        "g.csv": "start,end\n2024-02-01T13:00,2024-02-02\n",
        "d.csv": "time\n01/02/2024\n",
        "m.csv": "time\n1715558400000\n",
        "l.csv": "time\n0\n1 \xe9\n".encode("latin-1"),
        "key": KEY,
    }
    for name, content in files.items():
        written(tmp_path, name, content)
    for name, (code, out, err) in run_named(LINES, tmp_path).items():
        assert code == (2 if name in SAID else 0), (name, out, err)
        assert SAID.get(name, "") in err, err
        assert (name == "a gap") == ("1 gap of the record" in out), out
