"""What all constructors of a panel agree on: tables, lists, files, clocks, names and windows."""

import numpy as np
import pandas as pd
import pytest

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.readers import read_events
from tests.hawkes.panels import CASES, assert_equal, panel_of, raw


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ending", ["frame", ".csv", ".csv.gz", ".parquet"])
def test_all_doors_lead_to_the_same_panel(case, ending, tmp_path):
    times, marks, sequence, windows = raw(case)
    panel = panel_of(case, unit="day")
    names = {"mark_names": panel.mark_names, "sequence_names": panel.sequence_names}
    table = pd.DataFrame({
        "t": times,
        "k": np.array(panel.mark_names, object)[marks],
        "s": np.array(panel.sequence_names, object)[sequence],
        "more": 0,
    })  # fmt: skip
    where = {"time": "t", "mark": "k", "sequence": "s", "unit": "day", "window": windows, **names}
    if ending == "frame":
        made = EventPanel.from_dataframe(table, **where)
    elif not len(table):
        return
    else:
        path = tmp_path / f"events{ending}"
        table.to_parquet(path) if ending == ".parquet" else table.to_csv(path, index=False)
        made = read_events(path, **where)
    assert_equal(made, panel)
    coded = EventPanel.from_dataframe(table.assign(k=marks, s=sequence), **where)
    assert_equal(coded, panel)  # whole numbers count names that are no numbers
    by_name = dict(zip(panel.sequence_names, windows, strict=True))
    assert_equal(EventPanel.from_dataframe(table, **where | {"window": by_name}), panel)
    rows = pd.DataFrame(windows)
    named = pd.DataFrame(windows, panel.sequence_names, ["start", "end"]).assign(more=0)[::-1]
    pairs = pd.Series(by_name)[::-1]
    for window in (rows, named, pairs):
        assert_equal(EventPanel.from_dataframe(table, **where | {"window": window}), panel)


@pytest.mark.parametrize("names", [("lo", "mid", "hi"), (3, 2, 1), (3.0, 2.0, 1.0)])
def test_categories_keep_their_order_and_those_without_events(names):
    column = pd.Categorical([names[0], names[2], names[0]], categories=names)
    known = ("lo", "mid", "hi") if "lo" in names else ("3", "2", "1")
    table = pd.DataFrame({"t": [1, 2, 3], "k": column})
    for panel in (
        EventPanel.from_dataframe(table, time="t", mark="k", sequence=None),
        EventPanel.from_arrays(table["t"], column),
    ):
        assert panel.mark_names == known and panel.counts.tolist() == [[2, 0, 1]]
    panel = EventPanel.from_dataframe(table, time="t", sequence="k", window=(0, 4))
    assert panel.sequence_names == known and panel.counts.tolist() == [[2], [0], [1]]
    chosen = EventPanel.from_dataframe(table, time="t", mark="k", mark_names=sorted(known))
    assert chosen.mark_names == tuple(sorted(known)) and chosen.counts.sum() == 3


@pytest.mark.parametrize("case", ["one sequence", "empty and single", "no events"])
def test_lists(case):
    times, marks, sequence, windows = raw(case)
    panel = panel_of(case)
    users = [
        tuple(times[(sequence == m) & (marks == i)] for i in range(panel.num_marks))
        for m in range(panel.num_sequences)
    ]
    names = {"mark_names": panel.mark_names, "sequence_names": panel.sequence_names}
    assert_equal(EventPanel.from_lists(users, window=windows, **names), panel)


@pytest.mark.parametrize("case", CASES)
def test_order_of_rows_matters_among_ties_only(case):
    times, marks, sequence, windows = raw(case)
    order = np.random.default_rng(1).permutation(len(times))
    names = {"mark_names": panel_of(case).mark_names, "window": windows}
    one, two = (
        EventPanel.from_arrays(times[o], marks[o], sequence=sequence[o], **names)
        for o in (slice(None), order)
    )
    for name in ("times", "waits", "remaining", "sequence"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.counts, two.counts)
    if case != "ties":
        np.testing.assert_array_equal(one.marks, two.marks)


def test_windows_from_the_data():
    table = {"times": [5.0, 2, 9, 4], "marks": [0, 0, 1, 1], "sequence": list("baba")}
    made = {
        window: EventPanel.from_arrays(**table, window=window, sequence_names=list("abc"))
        for window in (None, "sequence")
    }
    np.testing.assert_array_equal(made[None].window, [(2, 9)] * 3)
    np.testing.assert_array_equal(made["sequence"].window, [(2, 4), (5, 9), (2, 2)])
    single = EventPanel.from_arrays([3.0], [0])
    np.testing.assert_array_equal(single.window, [(3, 3)])


def test_names_and_codes():
    one = EventPanel.from_arrays([1, 2], [0, 2], window=(0, 3))
    assert one.mark_names == ("0", "1", "2") and one.sequence_names == ("0",)
    table = pd.DataFrame({"t": [1, 2, 3], "k": [10, 9, 10.0], "s": ["y", "x", "y"]})
    two = EventPanel.from_dataframe(table, time="t", mark="k", sequence="s", window=(0, 3))
    assert two.mark_names == ("9", "10") and two.sequence_names == ("x", "y")
    assert two.counts.tolist() == [[1, 0], [0, 2]]
    three = EventPanel.from_dataframe(
        table, time="t", window=(0, 3), mark="k", mark_names=[10, 8, 9]
    )
    assert three.counts.tolist() == [[2, 0, 1]]
    assert EventPanel.from_dataframe(table, time="t").mark_names == ("event",)
    declared = EventPanel.from_dataframe(
        table.assign(k=["NA", "a", "NA"]), time="t", mark="k", mark_names=["NA", "a"]
    )
    assert declared.counts.tolist() == [[2, 1]]
    named = {"a": (0, 3), "b": (0, 3), "c": (0, 3)}
    four = EventPanel.from_arrays([1, 2], ["m", "m"], sequence=["c", "a"], window=named)
    assert four.sequence_names == ("a", "b", "c")
    rows = EventPanel.from_arrays([1, 2], [0, 0], sequence=[0, 0], window=[(0, 3)] * 3)
    assert rows.num_sequences == 3


def test_identifiers_in_files_stay_as_written(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("t,s\n1,007\n2,10\n3,9\n")
    panel = read_events(path, time="t", sequence="s")
    assert panel.sequence_names == ("007", "9", "10")
    path.write_text(
        '\ufefft;k\r\n0.5;"a;b"\r\n0.25;"say ""c"""\r\n\r\n', encoding="utf-8", newline=""
    )
    panel = read_events(path, time="t", mark="k", separator=";")
    assert panel.mark_names == ("a;b", 'say "c"') and panel.counts.tolist() == [[1, 1]]


@pytest.mark.parametrize("start", [2**53 + 1, 1_700_000_000_000_000_001])
def test_whole_numbers_beyond_float64_are_exact(start):
    panel = EventPanel.from_arrays(
        start + np.array([3, 1, 7]), [0, 0, 0], window=(start, start + 8)
    )
    assert panel.times.tolist() == [1, 3, 7] and panel.waits.tolist() == [1, 2, 4]
    assert panel.remaining.tolist() == [7, 5, 1] and panel.duration.tolist() == [8]
    stamps = (start + np.array([3, 1, 7])).astype("M8[ns]")
    dated = EventPanel.from_arrays(stamps, [0, 0, 0], unit="second")
    np.testing.assert_array_equal(dated.waits, np.array([0, 2, 4]) / 1e9)
    assert sorted(dated.to_dataframe()["time"]) == sorted(pd.DatetimeIndex(stamps))


def test_zones():
    local = ["2024-03-31T00:30:00", "2024-03-31T02:30:00"]  # an hour apart: the clock skips one
    frame = pd.DataFrame({"t": local})
    hours = {
        zone: float(EventPanel.from_dataframe(frame, time="t", unit="hour", timezone=zone).waits[1])
        for zone in (None, "Europe/London", "UTC")
    }
    assert hours == {None: 2.0, "Europe/London": 1.0, "UTC": 2.0}
    mixed = pd.DataFrame(
        {"t": ["2024-06-01T10:00:00Z", "2024-06-01T12:00:00+01:00", "2024-06-01T13:00"]}
    )
    panel = EventPanel.from_dataframe(
        mixed, time="t", unit="hour", timezone="Europe/London", window=("2024-06-01", "2024-06-02")
    )
    assert panel.times.tolist() == [11, 12, 13]
    assert panel.origin == "2024-06-01T00:00:00+01:00"
    assert panel.between("2024-06-01T12:00+01:00", "2024-06-01T12:00Z").num_events == 1
    with pytest.raises(ValueError, match="has no time zone"):  # London's summer, or its winter?
        panel.between("2024-06-01T12:00", "2024-06-01T12:00Z")
    one_zone = mixed.assign(t=pd.to_datetime(mixed["t"].iloc[[0, 0, 1]].to_list(), utc=True))
    assert EventPanel.from_dataframe(one_zone, time="t", unit="days").unit == "day"


def test_the_rumours(real_data):
    folder = real_data("covid_rumour_replies")
    sources = pd.read_csv(folder / "sources.csv")["source_id"]
    where = {"time": "time_utc", "mark": "stance", "sequence": "source_id", "unit": "hour"}
    panel = read_events(
        folder / "replies.csv", **where, window="sequence", sequence_names=[*sources, "none"]
    )
    assert panel.num_events == 34_256 and panel.num_sequences == 1_343
    assert panel.mark_names == ("comment", "deny", "query", "support")
    first = np.diff(panel.sequence, prepend=-1) > 0
    assert (panel.times[first] == 0).all() and panel.duration[-1] == 0
    table = pd.read_csv(folder / "replies.csv")
    sizes = table.groupby("source_id").size()
    assert panel.counts.sum(1)[:-1].tolist() == sizes.reindex(sources).tolist()
    again = EventPanel.from_dataframe(
        panel.to_dataframe(), time="time", mark="mark", sequence="sequence",
        window=panel.windows(), unit="hour",
    )  # fmt: skip
    assert_equal(again, panel)


def test_higgs(real_data):
    panel = read_events(
        real_data("higgs2012") / "events.csv.gz", time="time", mark="kind", unit="second"
    )
    assert panel.num_events == 563_069
    assert dict(zip(panel.mark_names, panel.counts[0].tolist(), strict=True)) == {
        "MT": 171_237,
        "RE": 36_902,
        "RT": 354_930,
    }
    days = panel.between(2 * 86400, 4 * 86400)
    assert days.duration.tolist() == [2 * 86400] and 0 < days.num_events < panel.num_events
