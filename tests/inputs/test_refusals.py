"""Everything that is wrong is a ValueError that names the column, the rows and the remedy."""

import numpy as np
import pandas as pd
import pytest

from hawkesjax.hawkes.data.panel import EventPanel
from tests.refusals import refused

TIMES, MARKS, WINDOW = [1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1], (0, 5)
DAYS = [f"2024-03-0{day}T00:00:00Z" for day in (1, 2, 3, 4)]
LOCAL = [day[:-1] for day in DAYS]
TABLE = pd.DataFrame({"t": TIMES, "k": list("abab"), "s": [3, 3, 9, 9]})
arrays, lists = EventPanel.from_arrays, EventPanel.from_lists


def frame(**columns):
    """from_dataframe with some columns replaced, and arguments after `args`."""
    args = {"time": "t", "mark": "k", "sequence": "s"} | columns.pop("args", {})
    return lambda: EventPanel.from_dataframe(TABLE.assign(**columns), **args)


def dated(times, **args):
    return frame(t=times, args={"unit": "hour"} | args)


def panel(**args):
    return arrays(TIMES, MARKS, window=WINDOW, **args)


ARRAYS = {
    "NaN": (lambda: arrays([1, np.nan, 3, np.nan], MARKS), "'times'|rows 1, 3|missing|leave them"),
    "None": (lambda: arrays([1, None, 3, 4], MARKS), "'times'|row 1|missing"),
    "infinite": (lambda: arrays([1, np.inf, 3, -np.inf], MARKS), "'times'|rows 1 (inf), 3|finite"),
    "outside": (lambda: arrays(TIMES, MARKS, window=(0, 3)), "'times'|row 3 (4)|0 to 3: widen it"),
    "negative": (lambda: arrays([-1.0, 2], [0, 0], window=(0, 3)), "row 0 (-1)|time zone"),
    "at most five": (
        lambda: arrays(np.arange(100.0), np.zeros(100, int), window=(0, 10)),
        "rows 11 (11), 12 (12), 13 (13), 14 (14), 15 (15), ... (89 in all)",
    ),
    "outside its own": (
        lambda: arrays(TIMES, MARKS, sequence=MARKS, window=[(0, 5), (3, 5)]),
        "row 1 (2)|3 to 5",
    ),
    "text": (lambda: arrays(["1", "2", "three", "4"], MARKS), "row 2 ('three')|not a number|Give"),
    "words": (lambda: arrays(["one", "two"], [0, 0]), "rows 0 ('one')|neither a number|ISO"),
    "boolean times": (lambda: arrays([True, False], [0, 0]), "'times'|boolean|rows 0|Give"),
    "a boolean among times": (lambda: arrays([1.5, True], [0, 0]), "'times'|boolean|row 1 (True)"),
    "complex": (lambda: arrays(np.ones(2) * 1j, [0, 0]), "'times'|complex"),
    "durations": (lambda: arrays(np.ones(2, "m8[s]"), [0, 0]), "'times'|durations|Divide"),
    "beyond 2**62": (lambda: arrays([2**63, 1], [0, 0]), "'times'|row 0|Subtract"),
    "dates as numbers": (
        lambda: arrays([20240428, 20240430, 20240501.0], [0, 0, 0], unit="day"),
        "'times'|20240428 to 20240501|%Y%m%d|2024-05-01",
    ),
    "dates as text of digits": (
        lambda: arrays(["20240428", "20240430"], [0, 0], unit="day"),
        "look like dates|2024-05-01",
    ),
    "milliseconds since 1970": (
        lambda: arrays([1714557600000, 1714561200000], [0, 0], unit="second"),
        "unit='second'|look like milliseconds since 1970|unit='ms'",
    ),
    "seconds since 1970 as hours": (
        lambda: arrays([1714557600.0, 1714561200.5], [0, 0], unit="hour"),
        "unit='hour'|look like seconds since 1970|unit='s'",
    ),
    "seconds since 1970 in 32 bits": (
        lambda: arrays(np.float32([1.7e9, 1.7e9 + 60]), [0, 0], unit="second"),
        "'times'|rows 0 (1700000000.0), 1|32 bits|float64",
    ),
    "16 bits": (lambda: arrays(np.float16([1, 4096]), [0, 0]), "row 1 (4096.0)|16 bits"),
    "nanoseconds in 64 bits": (lambda: arrays([1.7e18, 1.7e18], [0, 0]), "64 bits|whole numbers"),
    "durations of Arrow": (
        lambda: arrays(pd.Series([1, 2], dtype="duration[s][pyarrow]"), [0, 0]),
        "'times'|durations|Divide",
    ),
    "two dimensions": (
        lambda: arrays(np.ones((2, 2)), MARKS),
        "'times'|(2, 2)|one value per",
    ),
    "ragged": (lambda: arrays([[1, 2], [3]], [0, 0]), "'times'|row|one value per event"),
    "lengths": (lambda: arrays(TIMES, MARKS[:3]), "lengths differ|'times' has 4, 'marks' has 3"),
    "a mark named as totals are": (lambda: panel(mark_names=["all", "b"]), "mark|'all'|another"),
    "a sequence named as totals are": (frame(s=["all"] * 4), "sequence|'all'|another"),
    "length of sequence": (lambda: arrays(TIMES, MARKS, sequence=[0, 1]), "'sequence' has 2"),
    "unknown mark number": (
        lambda: arrays(TIMES, [0, 1, 2, 0], mark_names=["a", "b"]),
        "'marks'|row 2 (2)|unknown mark|mark_names",
    ),
    "unknown mark": (
        lambda: arrays(TIMES, list("abca"), mark_names=["a", "b"]),
        "'marks'|row 2 ('c')|unknown mark|'a', 'b'|mark_names",
    ),
    "unknown sequence": (
        lambda: panel(sequence=list("xyzx"), sequence_names=["x", "y"]),
        "'sequence'|row 2 ('z')|unknown sequence|sequence_names",
    ),
    "a fraction as mark": (lambda: arrays(TIMES, [0, 1, 2.5, 0]), "'marks'|row 2 (2.5)|whole"),
    "a negative mark": (lambda: arrays(TIMES, [0, 1, -1, 0]), "'marks'|row 2 (-1)|negative"),
    "a negative mark among names": (
        lambda: arrays(TIMES, [-1, 1, 1, -1], mark_names=[-1, 1]),
        "'marks'|rows 0 (-1), 3 (-1)|[str(i) for i in marks]|mark_names",
    ),
    "users as marks": (lambda: arrays(range(12_000), range(12_000)), "12,000 marks|sequence="),
    "users as marks and sequences": (
        lambda: arrays(range(12_000), range(12_000), sequence=range(12_000)),
        "12,000 marks in 12,000 sequences|sequence=",
    ),
    "masked times": (
        lambda: arrays(np.ma.masked_array(TIMES, [0, 1, 0, 0]), MARKS),
        "'times'|row 1|missing",
    ),
    "masked marks": (
        lambda: arrays(TIMES, np.ma.masked_array(MARKS, [0, 0, 1, 0])),
        "'marks'|row 2|missing mark",
    ),
    "durations as marks": (
        lambda: arrays(TIMES, np.arange(4).astype("m8[D]")),
        "'marks'|durations",
    ),
    "infinite marks": (lambda: arrays(TIMES, [0, np.inf, 1, 0]), "'marks'|row 1 (inf)|whole"),
    "infinite labels": (
        lambda: arrays(TIMES, ["1", "inf", "1", "1"]),
        "'marks'|row 1 ('inf')|whole",
    ),
    "text that cannot be written": (
        lambda: arrays(TIMES, ["a", "\ud800", "a", "a"]),
        "'marks'|row 1|not Unicode",
    ),
    "a set as times": (lambda: arrays({1.0, 2.0}, [0, 0]), "'times'|one value per event"),
    "blank names": (lambda: panel(mark_names=["a", " "]), "mark_names|' '|blank"),
    "missing names": (lambda: panel(mark_names=["a", None]), "mark_names|None|missing"),
    "a set of names": (lambda: panel(mark_names={"a", "b"}), "mark_names|list of names"),
    "boolean marks": (lambda: arrays(TIMES, [True, False] * 2), "'marks'|boolean|rows 0"),
    "a boolean among marks": (lambda: arrays(TIMES, [0, 1, True, 0]), "'marks'|boolean|row 2"),
    "a missing mark": (lambda: arrays(TIMES, [0, np.nan, 1, 0]), "'marks'|row 1|missing mark"),
    "a missing label": (lambda: arrays(TIMES, ["a", None, "b", "a"]), "'marks'|row 1|missing mark"),
    "an empty label": (lambda: arrays(TIMES, ["a", "", "b", "a"]), "'marks'|row 1|missing mark"),
    "a missing sequence": (lambda: panel(sequence=[0, None, 0, 0]), "'sequence'|row 1|missing"),
    "a negative sequence": (lambda: panel(sequence=[0, -1, 0, 0]), "'sequence'|row 1 (-1)"),
    "a fraction as sequence": (lambda: panel(sequence=[0, 0.5, 0, 0]), "'sequence'|row 1 (0.5)"),
    "boolean sequences": (lambda: panel(sequence=[True] * 4), "'sequence'|boolean"),
    "identifiers as numbers": (lambda: panel(sequence=[10**6, 1, 2, 3]), "1,000,000|text"),
    "repeated names": (lambda: panel(mark_names=["a", "a"]), "mark_names repeat 'a'"),
    "names as text": (lambda: panel(mark_names="ab"), "mark_names|list of names"),
    "names without values": (lambda: panel(sequence_names=["a", "b"]), "'a', 'b'|Give sequence"),
    "nothing at all": (lambda: arrays([], [], window=WINDOW), "Declare mark_names"),
    "no event, no window": (
        lambda: arrays([], [], mark_names=["a"]),
        "'times'|window=(start, end)",
    ),
    "too few arrays": (lambda: lists([([1], [2]), ([1],)]), "'1' has 1 array|'online', 'offline'"),
    "NaN in a list": (
        lambda: lists([([1], [2]), ([1], [2, np.nan])]),
        "missing|value 1 of 'offline' of sequence '1'",
    ),
    "outside in a list": (
        lambda: lists([([1], [2, 9])], window=WINDOW),
        "value 1 of 'offline'|(9)",
    ),
    "names of lists": (lambda: lists([([1], [2])], sequence_names=["a", "b"]), "1 user"),
    "numbers for lists": (lambda: lists([1, 2]), "'0'|tuple of 2 arrays"),
}

WINDOWS = {
    "ends before it begins": ((5, 0), "'window'|ends before it begins (5 to 0)|start <= end"),
    "one of them does": ([(0, 5), (5, 0)], "'window'|ends before|sequence '1' (5 to 0)"),
    "NaN": ((0, np.nan), "'window'|missing|'end'"),
    "infinite": ((-np.inf, 5), "'window'|finite|'start' (-inf)"),
    "None": ((0, None), "'window'|missing|'end'"),
    "boolean": ((False, True), "'window'|boolean"),
    "a number": (5, "window=5|pair (start, end)"),
    "three numbers": ((0, 1, 2), "3 values|pair (start, end)"),
    "a word": ("all", "window='all'|'sequence'"),
    "words": (("a", "b"), "'window'|not a number|'start' ('a')"),
    "datetimes": (
        (pd.Timestamp(2024, 1, 1), pd.Timestamp(2025, 1, 1)),
        "'window'|datetime|numbers",
    ),
    "too few rows": ([(0, 5)], "1 rows for 2 sequences|sequence_names"),
    "a set": ({0, 5}, "window={0, 5}|pair (start, end)"),
    "bytes": (b"ab", "window=b'ab'|pair (start, end)"),
    "a table of three columns": (
        pd.DataFrame({"a": [0], "b": [5], "c": [6]}),
        "'a', 'b', 'c'|start and end|a row for each sequence",
    ),
    "a table of other names": (
        pd.DataFrame({"start": [0, 0], "end": [5, 5]}, index=["1", "2"]),
        "no entry for sequence '0'",
    ),
    "a table of one name twice": (
        pd.DataFrame({"start": [0, 0], "end": [5, 5]}, index=["1", "1"]),
        "no entry for sequence '0'",
    ),
    "a row of one": ([(0, 5), (5,)], "sequence '1'|(5,)|pair"),
    "an unknown name": ({"0": (0, 5), "1": (0, 5), "2": (0, 5)}, "unknown sequences '2'"),
    "a name left out": ({"0": (0, 5)}, "no entry for sequence '1'"),
}

FRAMES = {
    "missing columns": (
        frame(args={"time": "day", "mark": "kind"}),
        "time='day', mark='kind'|columns are 't', 'k', 's'",
    ),
    "one column twice": (frame(args={"mark": "t"}), "'t'|Name one for each"),
    "duplicated names": (
        lambda: EventPanel.from_dataframe(TABLE.rename(columns={"s": "k"}), time="t"),
        "same name: 'k'|Rename",
    ),
    "not a table": (lambda: EventPanel.from_dataframe([1], time="t"), "DataFrame|list"),
    "a lazy table": (
        lambda: EventPanel.from_dataframe(type("LazyFrame", (), {"collect": None})(), time="t"),
        "DataFrame|LazyFrame|table.collect()",
    ),
    "no sequence column": (
        frame(args={"sequence": None, "sequence_names": "ab"}),
        "sequence_names",
    ),
    "a missing mark": (frame(k=["a", None, "b", "c"]), "'k'|row 1|missing mark"),
    "the text nan": (frame(k=["a", "nan", "b", "c"]), "'k'|row 1 ('nan')|missing mark|mark_names"),
    "a missing sequence": (frame(s=[1, None, 2, 3]), "'s'|row 1|missing sequence"),
    "a negative label": (frame(s=[1, -1, 2, 3]), "'s'|row 1 ('-1')|negative"),
    "a category of -1": (
        frame(k=pd.Categorical([1, -1, 1, 1])),
        "'k'|row 1 ('-1')|negative|mark_names",
    ),
    "a fraction": (frame(k=[1, 2.5, 2, 3]), "'k'|row 1 (2.5)|whole"),
    "two spellings": (frame(k=["a", " a", "b", "c"]), "'k'|row 1 (' a')|blanks"),
    "number and text": (frame(k=np.array([1, "1", 2, 3], object)), "'k'|row 1 ('1')|type"),
    "lists as labels": (frame(k=[[1], [2], [1], [3]]), "'k'|rows 0 ([1])|one value"),
    "an unknown name": (frame(args={"mark_names": ["a"]}), "'k'|rows 1 ('b'), 3 ('b')|mark_names"),
    "positions, not labels": (
        lambda: EventPanel.from_dataframe(TABLE.assign(t=[1, 2, None, 4]).set_index("k"), time="t"),
        "'t'|row 2|missing",
    ),
    "a zone for numbers": (frame(args={"timezone": "UTC"}), "'t'|timezone='UTC'|numbers"),
    "mixed zones": (
        dated([DAYS[0], DAYS[1].replace("Z", "+02:00"), *DAYS[2:]]),
        "'t'|mixed time zones|row 1 ('2024-03-02T00:00:00+02:00')|timezone=",
    ),
    "naive among aware": (
        dated([DAYS[0], LOCAL[1], *DAYS[2:]]),
        "'t'|without a zone|row 1 ('2024-03-02T00:00:00')|timezone=",
    ),
    "naive among aware, objects": (
        dated([*map(pd.Timestamp, [DAYS[0], LOCAL[1], *DAYS[2:]])]),
        "'t'|without a zone|row 1|timezone=",
    ),
    "skipped by summer time": (
        dated([LOCAL[0], "2024-03-31T01:30", *LOCAL[2:]], timezone="Europe/London"),
        "'t'|does not exist|row 1|offset",
    ),
    "twice in autumn": (
        dated([LOCAL[0], "2024-10-27T01:30", *LOCAL[2:]], timezone="Europe/London"),
        "'t'|occurs twice|row 1|offset",
    ),
    "no such zone": (dated(LOCAL, timezone="Mars/City"), "'Mars/City'|Europe/London"),
    "no unit": (dated(DAYS, unit=None), "'t'|unit=|'hour'"),
    "no such unit": (dated(DAYS, unit="fortnight"), "'t'|'fortnight'|'hour'"),
    "day or month first": (dated(["03/04/2024"] * 4), "'t'|rows 0|format="),
    "now": (dated([DAYS[0], "now", *DAYS[2:]]), "'t'|row 1 ('now')"),
    "no such day": (dated([LOCAL[0], "2024-02-30", *LOCAL[2:]]), "'t'|row 1 ('2024-02-30')"),
    "a number among dates": (dated([LOCAL[0], "5", *LOCAL[2:]]), "'t'|row 1 ('5')"),
    "a date among numbers": (frame(t=["1", LOCAL[0], "3", "4"]), "'t'|row 1|not a number"),
    "NaT": (dated(pd.to_datetime([LOCAL[0], None, *LOCAL[2:]])), "'t'|row 1|missing"),
    "blank": (dated([DAYS[0], " ", *DAYS[2:]]), "'t'|row 1|missing"),
    "too long ago": (dated(["1500-01-01", *LOCAL[1:]]), "'t'|row 0|1678"),
    "numbers as window": (dated(DAYS, window=(0, 5)), "'window'|number|datetimes"),
    "a word as window": (dated(DAYS, window=(DAYS[0], "later")), "'window'|'end' ('later')"),
    "aware window": (dated(LOCAL, window=(DAYS[0], DAYS[3])), "'window'|timezone="),
    "NaT as window": (dated(DAYS, window=(pd.NaT, DAYS[3])), "'window'|'start'|missing"),
    "reversed": (dated(DAYS, window=(DAYS[3], DAYS[0])), "'window'|ends before|2024-03-04"),
    "a clock of 1970": (
        dated(["1970-01-01", *LOCAL[1:]]),
        "'t'|row 0 (1970-01-01T00:00:00)|decades|window=(start, end)",
    ),
    "a clock of 1970 in one sequence": (
        dated([*LOCAL[:3], "2204-03-04"], sequence=None, window="sequence"),
        "'t'|row 3 (2204-03-04T00:00:00)|decades",
    ),
    "a window to a date": (
        dated(
            ["2024-03-01T09:00", "2024-03-02", "2024-03-03", "2024-03-03T12:00"],
            window=("2024-03-01", "2024-03-03"),
        ),
        "'t'|row 3|ends as 2024-03-03 begins|end it with 2024-03-04",
    ),
    "a window to a date where clocks change": (
        dated(
            ["2024-03-30", "2024-03-31T23:30"] * 2,
            timezone="Europe/London",
            window=("2024-03-30", pd.Timestamp("2024-03-31").date()),
        ),
        "rows 1 (2024-03-31T23:30:00+01:00)|ends as 2024-03-31 begins|end it with 2024-04-01",
    ),
    "window in another zone": (
        dated(DAYS, window=("2024-03-01T02:00:00Z", "2024-03-05T00:00:00Z")),
        "'t'|row 0 (2024-03-01T00:00:00+00:00)|same time zone",
    ),
}


@pytest.mark.parametrize(("make", "words"), ARRAYS.values(), ids=list(ARRAYS))
def test_arrays_and_lists(make, words):
    with refused(words):
        make()


@pytest.mark.parametrize(("window", "words"), WINDOWS.values(), ids=list(WINDOWS))
def test_windows(window, words):
    with refused(words):
        arrays(TIMES, MARKS, sequence=MARKS, sequence_names=["0", "1"], window=window)


@pytest.mark.parametrize(("make", "words"), FRAMES.values(), ids=list(FRAMES))
def test_tables(make, words):
    with refused(words):
        make()


METHODS = {
    "reversed": (lambda p: p.between(3, 2), "less"),
    "empty": (lambda p: p.between(3, 3), "less"),
    "NaN": (lambda p: p.between(3, np.nan), "b is NaN"),
    "a date": (lambda p: p.between("2024", "2025"), "a='2024'|numbers"),
    "unknown name": (lambda p: p.select(["x"]), "'x'|There are 2: '0', '1'"),
    "unknown position": (lambda p: p.select([0, 2]), "2|There are 2"),
    "below": (lambda p: p.select(-3), "-3"),
    "a slice": (lambda p: p.select(slice(0, 2)), "slice(0, 2|names, positions or a mask"),
    "a set": (lambda p: p.select({"0"}), "{'0'}|names, positions or a mask"),
    "repeated": (lambda p: p.select([0, "0"]), "Repeated|'0'"),
    "none": (lambda p: p.select([]), "No sequence"),
    "mask": (lambda p: p.select(np.array([True])), "mask|2 sequences"),
    "by": (lambda p: p.describe("x"), "'cell', 'sequence', 'mark'"),
}


@pytest.mark.parametrize(("make", "words"), METHODS.values(), ids=list(METHODS))
def test_methods(make, words):
    with refused(words):
        make(panel(sequence=MARKS))
