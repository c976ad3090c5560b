"""Panels: their fields, and the laws of cutting, selecting and returning."""

import itertools

import jax
import numpy as np
import pandas as pd
import pytest

from hawkesjax.hawkes.data.panel import EventPanel
from tests.hawkes.panels import CASES, END, LEAVES, TYPES, assert_equal, panel_of, raw


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
        assert said in repr(panel) and side in said and "No events in 42." in said
        assert (", and likewise in 1 more" in said) == (name == "two")
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
