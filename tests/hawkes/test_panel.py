"""Panels: what all constructors agree on, and the laws of cutting, selecting and returning."""

import itertools

import jax
import numpy as np
import pandas as pd
import pytest

from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.readers import read_events

LEAVES = ("times", "waits", "remaining", "marks", "sequence", "start", "duration")
TYPES = ["f8", "f8", "f8", "i4", "i4", "f8", "f8"]
NAMES = ("mark_names", "sequence_names", "unit", "origin")
CASES = {  # events of each sequence, marks, grid of times (ties) or None
    "one sequence": ([40], 2, None),
    "ties": ([30, 25, 1], 3, 1.0),
    "empty and single": ([0, 12, 1, 0, 7], 3, None),
    "one event": ([1], 1, None),
    "no events": ([0, 0], 2, None),
}
END = 10.0


def raw(case, seed=0):
    """Times, marks and sequences in no order, and a window a sequence."""
    sizes, marks, grid = CASES[case]
    rng = np.random.default_rng(seed)
    sequence = np.repeat(np.arange(len(sizes)), sizes)
    times = rng.uniform(0, END, len(sequence))
    times = np.round(times / grid) * grid if grid else times
    order = rng.permutation(len(times))
    windows = np.stack([-np.arange(len(sizes)) / 4, END + np.arange(len(sizes)) / 2], 1)
    return times[order], rng.integers(0, marks, len(times)), sequence[order], windows


def panel_of(case, **options):
    times, marks, sequence, windows = raw(case)
    sizes, kinds, _ = CASES[case]
    names = {
        "mark_names": [f"k{i}" for i in range(kinds)],
        "sequence_names": [f"s{i}" for i in range(len(sizes))],
    }
    options = {"window": windows} | names | options
    return EventPanel.from_arrays(times, marks, sequence=sequence, **options)


def assert_equal(one, two, exact=True):
    for name in NAMES:
        assert getattr(one, name) == getattr(two, name), name
    for name in LEAVES:
        a, b = getattr(one, name), getattr(two, name)
        assert a.dtype == b.dtype, name
        compare = np.testing.assert_array_equal if exact else np.testing.assert_allclose
        compare(a, b, err_msg=name, **({} if exact else {"rtol": 0, "atol": 1e-12}))


@pytest.mark.parametrize("case", CASES)
def test_fields_equal_a_plain_loop(case):
    times, marks, sequence, windows = raw(case)
    panel = panel_of(case)
    rows = sorted(range(len(times)), key=lambda n: (sequence[n], times[n], n))
    last = dict(enumerate(windows[:, 0]))
    for at, n in enumerate(rows):
        m = sequence[n]
        assert (panel.sequence[at], panel.marks[at]) == (m, marks[n])
        assert panel.times[at] == times[n] - windows[m, 0]
        assert panel.waits[at] == times[n] - last[m]
        assert panel.remaining[at] == windows[m, 1] - times[n]
        last[m] = times[n]
    np.testing.assert_array_equal(panel.window, windows)
    counts = [[int(np.sum((sequence == m) & (marks == i))) for i in range(panel.num_marks)]
              for m in range(len(windows))]  # fmt: skip
    assert panel.counts.tolist() == counts
    assert panel.counts.dtype == np.int64
    sizes, kinds, _ = CASES[case]
    assert (panel.num_events, panel.num_marks, panel.num_sequences) == (
        sum(sizes),
        kinds,
        len(sizes),
    )
    assert [getattr(panel, name).dtype.str[1:] for name in LEAVES] == TYPES


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


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cuts", [(3.5,), (2.0, 5.0, 6.0), (0.0, END)])
def test_pieces_hold_every_event_once(case, cuts):
    panel = panel_of(case)
    window = panel.window
    edges = np.unique([window.min() - 1, *cuts, window.max()]).tolist()
    pieces = [panel.between(a, b) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(sum(piece.counts for piece in pieces), panel.counts)
    np.testing.assert_allclose(sum(p.duration for p in pieces), panel.duration, atol=1e-12)
    rows = [np.stack([p.sequence, p.start[p.sequence] + p.times, p.marks]) for p in pieces]
    whole = np.stack([panel.sequence, panel.start[panel.sequence] + panel.times, panel.marks])
    joined = np.concatenate(rows, axis=1)
    np.testing.assert_allclose(joined[:, np.argsort(joined[0], kind="stable")], whole, atol=1e-12)
    for (a, b), piece in zip(itertools.pairwise(edges), pieces, strict=True):
        at = piece.start[piece.sequence] + piece.times
        assert ((a <= at) & (at <= b)).all()
        assert (piece.duration >= 0).all() and (piece.remaining >= 0).all()
        assert ((piece.start >= a) & (piece.start + piece.duration <= b + 1e-12)).all()
        again = EventPanel.from_arrays(
            at, piece.marks, sequence=piece.sequence, window=piece.window,
            mark_names=piece.mark_names, sequence_names=piece.sequence_names,
        )  # fmt: skip
        assert_equal(again, piece, exact=False)


def test_who_gets_an_event_at_a_cut():
    panel = EventPanel.from_arrays(
        [0, 2, 4, 4, 4, 2], [0] * 6, sequence=[0, 0, 0, 1, 2, 3],
        window=[(0, 4), (3, 6), (4, 4), (2, 2)],
    )  # fmt: skip
    halves = [panel.between(a, b).counts.ravel().tolist() for a, b in ((0, 2), (2, 4), (4, 6))]
    assert halves == [[1, 0, 0, 0], [2, 0, 0, 1], [0, 1, 1, 0]]
    assert_equal(panel.between(0, 6), panel)
    moment = panel.select([2, 3])
    assert moment.between(0, 4).num_events == 2
    np.testing.assert_array_equal(panel.between(8, 9).window, np.tile([8.0, 8.0], (4, 1)))


@pytest.mark.parametrize("case", CASES)
def test_select_permutes(case):
    panel = panel_of(case)
    order = np.random.default_rng(2).permutation(panel.num_sequences)
    moved = panel.select(order)
    np.testing.assert_array_equal(moved.counts, panel.counts[order])
    np.testing.assert_array_equal(moved.window, panel.window[order])
    assert (np.diff(moved.sequence) >= 0).all()
    assert_equal(moved.select(np.argsort(order)), panel)
    assert_equal(panel.select([panel.sequence_names[m] for m in order]), moved)
    mask = np.zeros(panel.num_sequences, bool)
    mask[-1] = True
    assert_equal(panel.select(mask), panel.select(-1))
    assert_equal(panel.select(panel.sequence_names[0]), panel.select([0]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/London", "numbers"])
def test_round_trip_through_a_table(case, zone):
    times, marks, sequence, windows = raw(case)
    names = {
        "mark_names": panel_of(case).mark_names,
        "sequence_names": panel_of(case).sequence_names,
    }
    if zone == "numbers":
        panel = panel_of(case)
    else:
        clock = [pd.Timestamp("2024-03-29") + pd.to_timedelta(np.round(h * 60), unit="min")
                 for h in (times, windows.T[0], windows.T[1])]  # fmt: skip
        stamps, *bounds = (c.tz_localize("UTC").tz_convert(zone) if zone else c for c in clock)
        table = pd.DataFrame({"t": stamps, "k": marks, "s": sequence})
        window = list(zip(*bounds, strict=True))
        panel = EventPanel.from_dataframe(
            table, time="t", mark="k", sequence="s", window=window, unit="hour", **names
        )
        back = panel.to_dataframe()["time"]
        assert sorted(back.dt.tz_convert("UTC") if zone else back) == sorted(clock_of(stamps))
    again = EventPanel.from_dataframe(
        panel.to_dataframe(), time="time", mark="mark", sequence="sequence",
        window=panel.windows(), unit=panel.unit, mark_names=panel.mark_names,
    )  # fmt: skip
    assert_equal(again, panel, exact=zone != "numbers")


def clock_of(stamps):
    return stamps.tz_convert("UTC") if stamps.tz is not None else stamps


@pytest.mark.parametrize("case", CASES)
def test_tables_and_text(case):
    panel = panel_of(case)
    counts, table = panel.counts, panel.describe()
    assert table["events"].tolist() == counts.ravel().tolist()
    assert panel.describe("sequence")["events"].tolist() == counts.sum(1).tolist()
    assert panel.describe("mark")["events"].tolist() == counts.sum(0).tolist()
    absolute = panel.start[panel.sequence] + panel.times
    shared = sum(
        any(i != j and absolute[i] == absolute[j] and panel.sequence[i] == panel.sequence[j]
            for j in range(panel.num_events))
        for i in range(panel.num_events)
    )  # fmt: skip
    assert table["ties"].sum() == panel.describe("mark")["ties"].sum() == shared
    assert (shared > 0) == (case == "ties")
    np.testing.assert_allclose(table["rate"] * table["duration"], table["events"])
    for row in table.itertuples():
        own = [panel.sequence_names[m] == row.sequence and panel.mark_names[k] == row.mark
               for m, k in zip(panel.sequence, panel.marks, strict=True)]  # fmt: skip
        ends = panel.times[own].min(initial=np.inf), panel.remaining[own].min(initial=np.inf)
        np.testing.assert_array_equal((row.before, row.after), ends if any(own) else [np.nan] * 2)
    text = repr(panel)
    assert len(text.splitlines()) <= 30
    for word in (f"{panel.num_events} event", *panel.mark_names):
        assert word in text


@pytest.mark.parametrize("side", ["before the first event", "after the last event"])
def test_long_silences_at_the_ends_of_windows_are_remarked_upon(side):
    """As where a window begins at 1970, and the log decades later."""
    rng = np.random.default_rng(0)
    times, owner = rng.uniform(42, 44, 90), np.repeat([0, 1, 2], 30)
    late = times if "first" in side else 44 - times
    panels = {
        "one": EventPanel.from_arrays(late, np.zeros(90, int), window=(0, 44), unit="year"),
        "two": EventPanel.from_arrays(  # of three: the last was watched from 42 on
            late, np.zeros(90, int), sequence=owner, unit="year",
            window=[(0, 44), (0, 44), (42, 44) if "first" in side else (0, 2)],
        ),
    }  # fmt: skip
    for name, panel in panels.items():
        (said,) = panel.remarks()
        assert said in repr(panel) and side in said and "Nothing in 42." in said
        assert (", and so in 1 more" in said) == (name == "two")
        column = panel.describe("sequence")["before" if "first" in side else "after"]
        assert column[0] > 42 and column[len(column) - 1] < (1 if name == "two" else 43)
    steady = np.sort(rng.uniform(0, 44, 90))
    assert EventPanel.from_arrays(steady, np.zeros(90, int), window=(0, 44)).remarks() == []


def test_text_of_a_large_panel_fits_a_screen():
    panel = EventPanel.from_arrays(
        np.arange(5000.0), np.arange(5000) % 500, sequence=np.arange(5000), window=(0, 5000),
        sequence_names=["long name " * 20 + str(i) for i in range(5000)],
    )  # fmt: skip
    assert len(repr(panel).splitlines()) <= 35
    assert max(map(len, repr(panel).splitlines())) <= 120


def test_a_panel_is_a_pytree():
    panels = [panel_of("one sequence") for _ in range(2)]
    stacked = jax.tree.map(lambda *x: np.stack(x), *panels)
    assert stacked.num_events == 40 and "2" not in str(stacked.num_sequences)
    total = jax.vmap(lambda panel: panel.waits.sum() + panel.remaining[-1])(stacked)
    np.testing.assert_allclose(total, END, rtol=1e-6)
    assert repr(jax.tree.map(lambda _: None, panels[0])).startswith("EventPanel")
    assert_equal(jax.tree.map(lambda x: x, panels[0]), panels[0])


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


def test_dated_pieces_hold_an_event_at_their_border_once():
    rng = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, 300), unit="s")
    frame = pd.DataFrame({"t": stamps, "who": rng.choice(list("abc"), 300)})
    panel = EventPanel.from_dataframe(
        frame, time="t", sequence="who", unit="day", window="sequence"
    )
    for border in stamps[:100]:
        before = int((stamps < border).sum())
        whole = (pd.Timestamp("2023-12-31"), pd.Timestamp("2024-02-01"))
        first, second = panel.between(whole[0], border), panel.between(border, whole[1])
        assert first.num_events + second.num_events == 300
        ended = frame.groupby("who")["t"].max().eq(border).sum()  # stay with their own window
        assert abs(first.num_events - before) <= ended


def test_masks_select_in_any_clothes():
    panel = EventPanel.from_lists([([1.0],), ([2.0],), ([],)], window=(0, 3), mark_names=["x"])
    mask = np.array([True, False, True])
    for given in (mask, mask.tolist(), pd.Series(mask)):
        assert panel.select(given).sequence_names == panel.select([0, 2]).sequence_names
    for given in ([False] * 3, np.zeros(3, bool)):
        with pytest.raises(ValueError, match="No sequence is selected"):
            panel.select(given)
