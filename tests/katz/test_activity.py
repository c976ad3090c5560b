"""Activity from logs and matrices: equals the plain count; what is odd is counted or refused."""

import gzip
import json

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import hawkesjax as hj
from hawkesjax.katz.data.attention import ActivityWarning
from tests.katz import steady_reference as katz_reference

KINDS = {"RT": "source", "RE": "source", "MT": "target"}


def a_log(seed, size=300, users=25, span=100):
    """Messages with ties, repeats, messages to oneself and all kinds, unsorted."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    return [
        (
            int(rng.integers(span)),
            int(users * rng.random() ** 2),
            int(users * rng.random() ** 2),
            kinds[int(rng.integers(3))],
        )
        for _ in range(size)
    ]


def frame_of(rows):
    return pd.DataFrame(rows, columns=["time", "source", "target", "kind"])


def build(rows, **options):
    """The usual way, with the log's own names."""
    given = {"kind": "kind", "bin": 5, "usual": (0, 50)} | options
    return hj.Activity.from_messages(
        frame_of(rows), time="time", source="source", target="target", **given
    )


WAYS = {
    "reposts": {"RT": "source", "RE": None, "MT": None},
    "messages": dict.fromkeys(KINDS, "target"),
    "attention": KINDS,
}


@pytest.mark.parametrize("form", ["dates", "numbers", "midnights", "evenings"])
def test_every_message_of_a_log_of_days_is_a_post(form):
    """With times of day, messages of one moment are one post."""
    daily = [("ann", "cem")] * 10 + [("bob", "ann")] * 2 + [("cem", "bob")]
    rows = [(day, *pair, "RT") for day in range(6) for pair in daily]
    frame, usual = frame_of(rows), (0, 4)
    if form != "numbers":
        dates = pd.to_datetime("2024-05-01") + pd.to_timedelta(frame["time"], unit="D")
        dates = dates.dt.tz_localize(None if form == "dates" else "Europe/Madrid")
        dates = dates + pd.Timedelta(hours=18 * (form == "evenings"))
        frame, usual = frame.assign(time=dates), ("2024-05-01", "2024-05-05")
    call = {"time": "time", "source": "source", "target": "target", "kind": "kind"}
    call |= {"usual": usual, "bin": 1, "unit": "day"}
    if form == "evenings":
        activity = hj.Activity.from_messages(frame, **call)
    else:
        with pytest.warns(ActivityWarning, match="'time' holds days without a time of day"):
            activity = hj.Activity.from_messages(frame, **call)
    counts = [4, 4, 4] if form == "evenings" else [40, 8, 4]
    assert dict(zip(activity.user_names, activity.baseline, strict=True)) == dict(
        zip(("ann", "bob", "cem"), counts, strict=True)
    )
    assert activity.volume.sum() == sum(counts) * 6 // 4
    assert activity.posts((4, 6)).tolist() == [n // 2 for n in counts]


@pytest.mark.parametrize("edges", list(WAYS))
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_a_plain_count(edges, seed):
    rows = a_log(seed)
    activity = build(rows, edges=edges)
    plain = [(t, s, r, WAYS[edges][k]) for t, s, r, k in rows]
    users, baseline, links = katz_reference.network(plain, (0, 50), 5)
    assert list(activity.user_names) == [str(user) for user in users]
    assert activity.baseline.tolist() == [baseline[user] for user in users]
    matrix = np.zeros((len(users), len(users)))
    for listener, sender in links:
        matrix[users.index(listener), users.index(sender)] = 1
    assert np.array_equal(activity.matrix.toarray(), matrix)
    weights = build(rows, edges=edges, weighted=True).matrix
    assert weights.sum() == sum(links.values())
    count = activity.num_bins
    assert activity.volume.tolist() == katz_reference.volume(plain, 0, count, 5).tolist()
    assert activity.heard.tolist() == katz_reference.heard(plain, 0, count, 5).tolist()
    assert activity.tally.repeated == sum(links.values()) - len(links)


@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_of_bin_and_user_hold_every_post_of_the_network(seed):
    rows = a_log(seed, users=60)
    activity = build(rows, usual=(0, 20))
    known = {int(name) for name in activity.user_names}
    posts = {(t, s) for t, s, _, _ in rows}
    for (low, high), (a, b) in (((0, 4), (0, 20)), ((4, 20), (20, 100)), ((7, 8), (35, 40))):
        expected = [
            sum(1 for t, s in posts if s == int(u) and a <= t < b) for u in activity.user_names
        ]
        assert activity.posts((low, high)).tolist() == expected
    assert activity.baseline.tolist() == activity.posts((0, 4)).tolist()
    unseen = sum(1 for _, s in posts if s not in known)
    assert activity.unseen.sum() == unseen > 0
    assert activity.tally.unseen_users == len({s for _, s in posts} - known)
    order = list(zip(activity.active_bin, activity.active_user, strict=True))
    assert order == sorted(set(order))


def test_order_of_rows_and_type_of_ids_change_nothing():
    rows = a_log(3)
    first = build(rows)
    second = build(sorted(rows, key=lambda row: row[1]))
    text = build([(t, str(s), str(r), k) for t, s, r, k in rows])
    for other in (second, text):
        assert list(other.user_names) == list(first.user_names)
        for name in ("listener", "sender", "baseline", "active_bin", "active_user", "active_posts"):
            assert np.array_equal(getattr(first, name), getattr(other, name))


def test_shifting_time_changes_nothing():
    rows = a_log(4)
    first = build(rows)
    moved = build(
        [(t + 1_700_000_000, *rest) for t, *rest in rows], usual=(1_700_000_000, 1_700_000_050)
    )
    assert np.array_equal(first.volume, moved.volume)
    assert np.array_equal(first.matrix.toarray(), moved.matrix.toarray())
    assert moved.start == first.start + 1_700_000_000


def test_datetimes_and_their_zone():
    rows = a_log(5)
    frame = frame_of(rows)
    first = build(rows)
    frame["time"] = pd.Timestamp("2024-03-30T23:59:00") + pd.to_timedelta(frame["time"], unit="s")
    dated = hj.Activity.from_messages(
        frame,
        time="time",
        source="source",
        target="target",
        kind="kind",
        bin=5,
        unit="second",
        usual=("2024-03-30T23:59:00", "2024-03-30T23:59:50"),
        timezone="Europe/London",
    )
    assert np.array_equal(dated.volume, first.volume)
    assert np.array_equal(dated.matrix.toarray(), first.matrix.toarray())
    assert dated.times(0).isoformat() == "2024-03-30T23:59:00+00:00"
    assert "2024-03-30" in repr(dated)


def test_slide_is_the_other_window_from_the_start():
    rows = a_log(6)
    slid = build(rows).slide((30, 80))
    anew = build(rows, usual=(30, 80))
    in_bins = build(rows).slide(bins=(6, 16))
    for other in (anew, in_bins):
        assert np.array_equal(slid.matrix.toarray(), other.matrix.toarray())
        assert np.array_equal(slid.baseline, other.baseline)
        assert list(slid.user_names) == list(other.user_names)
    assert slid.fit == (16, 20)


def test_spike_from_the_peak_to_a_quarter_of_it():
    times = [0] * 3 + [10] * 1 + [20] * 8 + [30] * 5 + [40] * 2 + [50] * 1
    sources = list(range(len(times)))
    activity = hj.Activity.from_messages(
        time=times,
        source=sources,
        target=[0] * len(times),
        edges="reposts",
        bin=10,
        usual=(0, 20),
        spike="detect",
    )
    assert activity.spike == (2, 5)
    with pytest.warns(ActivityWarning, match="does not end"):
        activity.slide((0, 40), spike="detect")


def test_self_loops_are_left_out_counted_or_kept():
    rows = [(0, 1, 1, "RT"), (1, 1, 2, "RT"), (2, 1, 2, "RT")]
    left_out, kept = build(rows), build(rows, self_loops=True)
    assert left_out.num_edges == 1 and left_out.tally.self_loops == 1
    assert kept.num_edges == 2 and kept.matrix.toarray()[0, 0] == 1
    assert kept.describe().loc["network: messages to oneself", "value"] == 1


def test_messages_of_one_author_and_time_are_one_post_and_counted():
    """Forty messages with four stamps."""
    activity = build([(0.5 + stamp, 1, 1 + k, "RT") for stamp in range(4) for k in range(10)])
    figures = activity.describe()["value"]
    assert (figures["messages"], figures["posts"]) == (40, 4)
    assert figures["messages merged by author and time"] == 36
    assert "4 posts (36 messages of one author and time merged)" in repr(activity)


def test_a_missing_target_is_a_post_without_an_edge():
    rows = [(0, 1, 2, "RT"), (1, 1, None, "RT"), (2, 2, 1, "RT")]
    with pytest.warns(ActivityWarning, match="1 message without a target"):
        activity = build(rows)
    assert activity.baseline.tolist() == [2, 1] and activity.num_edges == 2


def test_columns_of_two_tables_are_noticed():
    with pytest.warns(ActivityWarning, match="No user occurs both"):
        build([(0, "a", 1, "RT"), (1, "b", 2, "RT")])


def test_it_is_a_pytree_with_stable_structure():
    rows = a_log(7)
    activity = build(rows)
    leaves, tree = jax.tree.flatten(activity)
    again = jax.tree.unflatten(tree, leaves)
    assert list(again.user_names) == list(activity.user_names)
    assert tree == jax.tree.structure(again) and hash(tree) == hash(jax.tree.structure(again))
    total = jax.jit(lambda one: one.baseline.sum())(activity)
    assert total == activity.baseline.sum()


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_files_are_read_alike(tmp_path, suffix):
    rows = a_log(8)
    frame, path = frame_of(rows), tmp_path / f"log{suffix}"
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        text = frame.to_csv(index=False).encode()
        path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    read = hj.read_messages(path, kind="kind", bin=5, usual=(0, 50))
    assert np.array_equal(read.matrix.toarray(), build(rows).matrix.toarray())


def test_zeros_before_ids_and_ids_beyond_53_bits_survive(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("time,source,target\n0,007,7\n1,7,007\n")
    read = hj.read_messages(path, edges="messages", bin=1, usual=(0, 2))
    assert sorted(read.user_names) == ["007", "7"]
    large = 2**60 + 1
    path.write_text(f"time,source,target\n0,{large},{large + 1}\n1,{large + 1},\n")
    with pytest.warns(ActivityWarning, match="without a target"):
        read = hj.read_messages(path, edges="messages", bin=1, usual=(0, 2))
    assert list(read.user_names) == [str(large), str(large + 1)]


def test_from_matrix_takes_matrices_edges_and_names():
    dense = np.array([[0, 1, 0], [0, 0, 2.0], [0, 0, 0]])
    first = hj.Activity.from_matrix(sparse.csr_array(dense), [1, 2, 3], names=["x", "y", "z"])
    edges = (["x", "y"], ["y", "z"], [1, 2])
    second = hj.Activity.from_matrix(edges, pd.Series([3, 1, 2], index=["z", "x", "y"]))
    third = hj.Activity.from_matrix(edges, [1, 2, 3], names=["x", "y", "z"])
    for other in (second, third):
        order = [list(other.user_names).index(name) for name in "xyz"]
        assert np.array_equal(other.matrix.toarray()[np.ix_(order, order)], dense)
        assert other.baseline[order].tolist() == [1, 2, 3]
    assert first.weighted and first.num_bins == 0
    merged = hj.Activity.from_matrix(([0, 0], [1, 1]), [1.0, 1.0])
    assert merged.num_edges == 1 and merged.tally.repeated == 1


def test_a_matrix_has_no_log_to_slide_along():
    with pytest.raises(ValueError, match="no log"):
        hj.Activity.from_matrix(np.eye(2), 1.0).slide((0, 1))


def test_higgs_network_is_the_reference(real_data, reference_results):
    expected = json.loads(reference_results("katz/protocol_higgs_rt.json").read_text())
    activity = hj.read_messages(
        real_data("higgs2012") / "events.csv.gz",
        kind="kind",
        bin=60,
        unit="second",
        usual=(0, 4320 * 60),
        spike="detect",
    )
    assert activity.num_users == expected["users_bau"]
    assert activity.num_edges == expected["nnz"]
    assert activity.baseline.sum() == expected["bau_tweets"]
    assert activity.spike == (expected["peak_bin"], expected["end_bin"] + 1)
    assert activity.posts(activity.spike).sum() == expected["spike_tweets_by_bau_users"]
    assert activity.volume[slice(*activity.spike)].sum() == expected["spike_tweets"]


@pytest.mark.parametrize("separator", [",", "^", ":", " "])
def test_ids_keep_their_zeros_whatever_the_separator(tmp_path, separator):
    rows = [("time", "source", "target"), ("1", "007", "8"), ("2", "7", "8"), ("3", "8", "007")]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n")
    found = hj.read_messages(path, separator=separator, edges="reposts", bin=1, usual=(1, 4))
    assert list(found.user_names) == ["007", "7", "8"]


def test_quotes_and_replies_listen_as_reposts_do():
    kinds = ["Quote", "replies", "retweeted", "mentions"]
    found = hj.Activity.from_messages(
        time=[0, 1, 2, 3], source=["a", "b", "c", "d"], target=["z", "z", "z", "a"], kind=kinds,
        edges="attention", bin=1, usual=(0, 4),
    )  # fmt: skip
    names = found.user_names
    edges = {(names[i], names[j]) for i, j in zip(found.listener, found.sender, strict=True)}
    assert edges == {("a", "z"), ("b", "z"), ("c", "z"), ("a", "d")}


def test_a_message_just_one_bin_before_a_post_is_heard():
    found = hj.Activity.from_messages(
        time=[0.0, 0.7, 0.8], source=["x", "x", "y"], target=["z", "y", "z"], edges="messages",
        bin=0.1, usual=(0, 1),
    )  # fmt: skip
    assert found.heard.sum() == 1


def test_business_as_usual_after_the_spike_is_said():
    with pytest.warns(ActivityWarning, match="comes after the spike"):
        build(a_log(0), usual=(50, 90), spike=(0, 30))


def test_a_fit_beyond_the_messages_or_on_the_networks_bins_is_said():
    with pytest.warns(ActivityWarning, match="messages with bin 19: the 2 bins between"):
        build(a_log(0), usual=(0, 50), fit=(50, 110))
    assert "4 of the bins made the network" in repr(build(a_log(0), usual=(0, 50), fit=(30, 90)))


GAP = (17, 28)  # of bins of 5: some of bins 3 and 5, all of bin 4


def test_gaps_within_business_as_usual_are_counted_out():
    rows = [row for row in a_log(3) if not 17 < row[0] < 28]
    activity = build(rows, edges="attention", gaps=GAP, spike=(60, 80))
    assert activity.gaps == ((3, 6),)
    table = activity.describe()["value"]
    assert table["usual: bins"] == 10 and table["usual: bins with gaps of the record"] == 3
    assert "3 of them with gaps of the record" in repr(activity)
    plain = build(rows, edges="attention", spike=(60, 80))
    assert plain.gaps == () and activity.baseline.tolist() == plain.baseline.tolist()
    one, other = (hj.katz.solve(which, alpha_star=0.4) for which in (activity, plain))
    np.testing.assert_array_equal(one, other)
    several = pd.DataFrame({"start": [27, 17, 90], "end": [28, 27, 95]})
    rows = [row for row in rows if not 90 < row[0] < 95]
    slid = build(rows, edges="attention", gaps=several).slide((0, 40), spike=(60, 80))
    assert slid.gaps == ((3, 6), (18, 19)) and slid.spike == (12, 16)
