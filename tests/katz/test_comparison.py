"""Rankings that need no model beside the network's: on a spike and on pseudo-spikes before it."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.katz.steady.rivals import pagerank
from tests.katz import steady_reference as katz_reference
from tests.katz.networks import NETWORKS, a_case, activity_of
from tests.refusals import refused

KEY = jax.random.key(5)
SIMPLE = ["posts as usual", "decayed posts", "in-degree", "out-degree", "PageRank"]


def a_log(seed=0, users=40, span=300, size=900):
    """Messages whose authors change slowly: who is loud now was quiet before."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, span, size))
    source = ((users * rng.random(size) ** 2 + times * users / span) % users).astype(int)
    target = (users * rng.random(size)).astype(int)
    return pd.DataFrame({"time": times, "source": source, "target": target, "kind": "RT"})


def activity_with(spike=(240, 300), seed=0, **options):
    given = {"kind": "kind", "bin": 1, "usual": (0, 200), "spike": spike} | options
    return hj.Activity.from_messages(
        a_log(seed), time="time", source="source", target="target", **given
    )


def by_walking(matrix, steps=400):
    """PageRank by steps of a walker who jumps with probability 0.15, and from dead ends always."""
    size = len(matrix)
    place = np.full(size, 1 / size)
    for _ in range(steps):
        arrives = np.full(size, 0.15 / size)
        for user in range(size):
            out = matrix[user].sum()
            step = matrix[user] / out if out else np.full(size, 1 / size)
            arrives = arrives + 0.85 * place[user] * step
        place = arrives
    return place


@pytest.mark.parametrize("name", list(NETWORKS))
def test_pagerank_equals_a_walk(name):
    matrix, b = a_case(name, 1)
    found = pagerank(activity_of(matrix, b).matrix)
    np.testing.assert_allclose(found, by_walking(matrix), rtol=1e-9)
    np.testing.assert_allclose(found.sum(), 1)


def test_pagerank_equals_networkx():
    networkx = pytest.importorskip("networkx")
    matrix, b = a_case("weighted", 2)
    graph = networkx.from_numpy_array(matrix, create_using=networkx.DiGraph)
    theirs = networkx.pagerank(graph, alpha=0.85, tol=1e-14, max_iter=1000)
    found = pagerank(activity_of(matrix, b).matrix)
    np.testing.assert_allclose(found, [theirs[user] for user in range(len(matrix))], rtol=1e-8)


def test_the_comparison_equals_its_definition():
    activity = activity_with()
    followers = pd.Series(np.arange(40.0), index=range(40))
    found = hj.katz.evaluate(
        activity, key=KEY, top=6, alpha_star=[0.3, 0.6], placebos=0, followers=followers
    )
    table, posts = found.comparison, activity.posts(activity.spike)
    matrix = activity.matrix.toarray()
    scores = {
        "posts as usual": activity.posts((0, 200)),
        "decayed posts": activity.recent().baseline,
        "in-degree": (matrix > 0).sum(axis=0),
        "out-degree": (matrix > 0).sum(axis=1),
        "PageRank": np.round(by_walking(matrix), 12),
        "followers": [float(name) for name in activity.user_names],
        "most possible": posts,
    }
    assert table.index.tolist() == [*SIMPLE, "followers", "most possible"]
    assert found.compared in (0.3, 0.6)
    network = found.table.loc[found.compared, "activity"]
    assert network == found.table["activity"].iloc[1:].max()
    base = found.table["activity"].iloc[0]
    for name, values in scores.items():
        expected = katz_reference.expected_top(np.asarray(values, float), posts, 6)
        row = table.loc[name]
        assert row["activity"] == pytest.approx(expected, abs=0.3), name
        assert row["change"] == pytest.approx(row["activity"] - base)
        assert row["network"] == pytest.approx(network - row["activity"])
        assert row["network_lower"] <= row["network"] <= row["network_upper"]
    assert table.loc["most possible", "activity"] == found.oracle
    pd.testing.assert_series_equal(
        table.loc["posts as usual", ["change", "lower", "upper"]],
        pd.Series(0.0, ["change", "lower", "upper"]), check_names=False,
    )  # fmt: skip
    assert set(found.tables()) == {"table", "comparison"}


def test_intervals_are_those_of_the_differences():
    """Two rankings that share all but one user differ by what these two post, in every draw."""
    activity = activity_with()
    posts = activity.posts(activity.spike).astype(float)
    b = posts.copy()
    b[np.argsort(-posts)[5:]] *= 1e-3
    swapped = dataclasses.replace(activity, baseline=b)
    found = hj.katz.evaluate(
        swapped, key=KEY, top=5, alpha_star=[0.0], placebos=0, followers=b * (b < b.max())
    )
    row = found.comparison.loc["followers"]
    users = np.argsort(-b, kind="stable")[[0, 5]]
    change = posts[users[1]] - posts[users[0]]
    assert row["change"] == change
    one = np.array([activity.posts((bin, bin + 5))[users] for bin in range(240, 300, 5)])
    drawn = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=20000)
    ends = np.quantile(drawn @ (one[:, 1] - one[:, 0]), (0.025, 0.975))
    np.testing.assert_allclose([row["lower"], row["upper"]], ends, atol=1.5)


def test_alpha_0_is_decayed_posts_where_the_baseline_has_a_memory():
    recent = activity_with().recent(20, lead=5)
    found = hj.katz.evaluate(recent, key=KEY, top=6, alpha_star=[0.3], placebos=0)
    row = found.comparison.loc["decayed posts"]
    assert row["change"] == 0 and row["activity"] == found.table["activity"].iloc[0]
    assert found.notes["decayed posts"] == str(recent.recency)
    assert "half-life 20 bins" in repr(found)
    assert found.comparison.loc["posts as usual", "change"] != 0


def test_what_a_log_does_not_give_is_left_out_and_said():
    activity = activity_with()
    early = dataclasses.replace(activity, spike=(0, 60), network=None)
    found = hj.katz.evaluate(early, key=KEY, top=6, alpha_star=[0.3], placebos=0)
    assert "posts as usual" not in found.comparison.index
    assert "decayed posts" not in found.comparison.index
    assert "decayed posts: left out: No user of the network posts before bin 0" in repr(found)
    known = dict.fromkeys(list(activity.user_names)[:10], 1.0)
    found = hj.katz.evaluate(
        activity, key=KEY, top=6, alpha_star=[0.3], placebos=0, followers=known
    )
    assert found.notes["followers"].startswith(f"those of {activity.num_users - 10} users")


def test_the_network_is_said_to_be_left_out_where_it_loses():
    activity = activity_with()
    posts = activity.posts(activity.spike).astype(float)
    perfect = dataclasses.replace(activity, baseline=np.ones(activity.num_users), recency=None)
    found = hj.katz.evaluate(perfect, key=KEY, top=6, alpha_star=[0.3], placebos=0, followers=posts)
    assert found.comparison.loc["followers", "network_upper"] < 0
    assert "Better without this network here: by" in repr(found)


@pytest.mark.parametrize(
    ("followers", "words"),
    [
        ([1.0, 2.0], "followers has shape (2,)"),
        ({"nobody": 3}, "followers names no user"),
        ({"0": -1.0}, "'followers'|no count"),
        ({"0": "many"}, "'followers'|no count"),
        (pd.Series([1.0, 2.0], ["0", "0"]), "names a user twice"),
        ("many", "followers is"),
    ],
)
def test_bad_followers_are_refused(followers, words):
    with refused(words):
        hj.katz.evaluate(activity_with(), key=KEY, placebos=0, followers=followers)


def test_a_backtest_is_the_evaluation_of_each_window_from_before_it():
    activity = activity_with()
    found = hj.katz.backtest(
        activity, key=KEY, half_life=20, alpha_star=[0.3], top=6, folds=8, length=10, lead=2
    )
    begins = found.table.index.get_level_values("bin").unique()
    assert len(begins) == 8 and begins.is_monotonic_increasing
    for place, begin in enumerate(begins):
        low = 120 + 15 * place
        rooms = range(low, low + 15 - 10 + 1)
        assert begin in rooms and activity.volume[begin] == max(activity.volume[k] for k in rooms)
        frame = a_log()
        frame = frame[frame["time"] < begin + 10]  # nothing later is needed
        alone = hj.Activity.from_messages(
            frame, time="time", source="source", target="target", kind="kind", bin=1,
            usual=(0, begin - 2), spike=(begin, begin + 10),
        ).recent(20, lead=2)  # fmt: skip
        scored = hj.katz.evaluate(alone, key=KEY, top=6, alpha_star=[0.3], placebos=0, block=1)
        rows = found.table.loc[begin]
        for name in SIMPLE:
            assert rows.loc[name, "activity"] == pytest.approx(
                scored.comparison.loc[name, "activity"]
            )
        assert rows.loc["decayed posts + network 0.3", "activity"] == pytest.approx(
            scored.table.loc[0.3, "activity"]
        )
        assert rows.loc["in-degree", "possible"] == scored.oracle
        assert (rows["half_life"] == 20).all() and (rows["end"] == begin + 10).all()
    for name, row in found.summary.iterrows():
        ours = found.table.xs(name, level="ranking")["activity"]
        change = ours - found.table.xs("decayed posts", level="ranking")["activity"]
        assert row["activity"] == pytest.approx(ours.sum())
        assert row["change"] == pytest.approx(change.sum())
        assert (row["won"], row["lost"]) == ((change > 0).sum(), (change < 0).sum())
        assert row["lower"] <= row["change"] <= row["upper"]


def test_a_backtest_sees_nothing_of_the_spike_and_says_what_it_cannot_tell():
    frame = a_log()
    later = frame.assign(source=np.where(frame["time"] < 240, frame["source"], 3))
    given = {"time": "time", "source": "source", "target": "target", "kind": "kind", "bin": 1}
    given |= {"usual": (0, 200), "spike": (240, 300)}
    with pytest.warns(hj.katz.KatzWarning, match="4 pseudo-spikes"):
        one, two = (
            hj.katz.backtest(hj.Activity.from_messages(each, **given), key=KEY, top=6, length=30)
            for each in (frame, later)
        )
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.summary, two.summary)
    assert "It cannot tell whether the network will help" in repr(one)


@pytest.mark.filterwarnings("ignore:There are 7 pseudo-spikes")
def test_stretches_with_gaps_are_avoided_or_left_out():
    frame = a_log()
    for gap, left in (((150, 153), 0), ((151, 160), 1)):
        kept = frame[(frame["time"] < gap[0]) | (frame["time"] >= gap[1])]
        activity = hj.Activity.from_messages(
            kept, time="time", source="source", target="target", kind="kind", bin=1,
            usual=(0, 200), spike=(240, 300), gaps=gap,
        )  # fmt: skip
        found = hj.katz.backtest(activity, key=KEY, top=6, folds=8, length=10)
        assert len(found.skipped) == left
        for begin in found.table.index.get_level_values("bin").unique():
            assert begin + 10 <= gap[0] or begin >= gap[1]
        assert ("left out: 1 stretches" in repr(found)) == bool(left)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"until": 250}, "within or after the spike"),
        ({"until": 10**6}, "the log has 300 bins"),
        ({"length": 500}, "The later half of the past has 120 bins|length="),
        ({"folds": 0}, "folds is 0"),
        ({"half_life": -1}, "half_life is -1"),
        ({"alpha_star": [1.0]}, "below 1"),
        ({"lead": 10**4}, "None of"),
    ],
)
def test_bad_backtests_are_refused(options, words):
    with refused(words):
        hj.katz.backtest(activity_with(), key=KEY, **options)


def test_a_network_without_a_log_has_no_past():
    with refused("no past to test on"):
        hj.katz.backtest(hj.Activity.from_matrix(np.ones((2, 2)), 1.0), key=KEY)
