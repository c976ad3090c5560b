"""Cascades: three forms of one thing, their parts, and every error and named policy."""

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.covariates.covariates import Covariates
from hawkesjax.retweet.data.cascades import Cascades
from tests.refusals import refused

ZONE = "Europe/Madrid"
TWEETS = pd.DataFrame(
    {
        "id": [10, 11, 12, 13, 14, 15],
        "at": [0.0, 1.0, 2.0, 1.0, 3.0, 4.0],
        "n": [900, 10, 5, 20, 0, 7],
        "of": [None, "10", None, "10", "12", "13"],
        "s": [2.0, None, 5.0, None, None, None],
    }
)
NAMES = {"id": "id", "time": "at", "followers": "n", "repost_of": "of"}


def tweets(drop=(), args=None, **columns):
    table = TWEETS.assign(**columns).drop(columns=list(drop))
    return Cascades.from_dataframe(table, **(NAMES | {"window": (0, 5)} | (args or {})))


def same(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-9)
    assert a.names == b.names


def test_table_is_sorted_and_a_repost_of_a_repost_counts_to_the_post():
    data = tweets(args={"sentiment": "s"})
    assert data.names == ("10", "12")
    assert data.post.tolist() == [0, 0, 0, 1]
    assert data.times.tolist() == [1, 1, 4, 3]
    assert data.ages.tolist() == [1, 1, 4, 1]
    assert data.followers.tolist() == [10, 20, 7, 0]  # ties keep the order of their rows
    assert data.sentiment.tolist() == [2, 5]
    assert data.until.tolist() == [5, 5]
    assert data.counts.tolist() == [3, 1]
    assert (data.num_posts, data.num_reposts, data.num_events) == (2, 4, 6)


def test_order_of_other_rows_changes_nothing():
    shuffled = TWEETS.iloc[[0, 4, 2, 5, 1, 3]]
    same(Cascades.from_dataframe(shuffled, **NAMES, window=(0, 5)), tweets())


def test_three_forms_agree():
    arrays = Cascades.from_arrays(
        [0.0, 2.0],
        [900, 5],
        [1, 1, 3, 4.0],
        [10, 20, 0, 7],
        [0, 0, 1, 0],
        window=(0, 5),
        names=["10", "12"],
    )
    same(arrays, tweets())
    rows = {
        "c": ["10", "10", "10", "10", "12", "12"],
        "t": [0, 1, 1, 4, 0, 1.0],
        "n": [900, 10, 20, 7, 5, 0],
    }
    lists = Cascades.from_cascades(
        pd.DataFrame(rows),
        cascade="c",
        time="t",
        followers="n",
        start={"10": 0.0, "12": 2.0},
        window=(0, 5),
    )
    same(lists, tweets())
    same(
        Cascades.from_dataframe(
            tweets().to_dataframe(),
            id="id",
            time="time",
            followers="followers",
            repost_of="repost_of",
            window=(0, 5),
        ),
        tweets(),
    )


def test_dates_count_from_the_local_midnight_and_differences_are_exact():
    at = pd.to_datetime(["2024-03-31T00:30", "2024-03-31T03:30"]).tz_localize(ZONE)
    data = Cascades.from_arrays(at[:1], [9], at[1:], [4], [0], unit="hour", timezone=ZONE)
    assert data.origin == "2024-03-31T00:00:00+01:00"
    assert float(data.start) == 0.5
    assert data.times.tolist() == [2.0]  # the clocks went forward
    frame = data.to_dataframe()
    assert frame["time"].tolist() == list(at)
    far = np.array([1_700_000_000_123_456_789, 1_700_000_000_123_456_790])
    close = Cascades.from_arrays(far[:1], [1], far[1:], [1], [0])
    assert close.ages.tolist() == [1.0]


def test_relative_times_with_dates_of_posting():
    table = pd.DataFrame({"t": [0, 90], "n": [5, 6]})
    data = Cascades.from_cascades(
        table,
        cascade=None,
        time="t",
        followers="n",
        start={"0": "2024-06-01T12:00:00"},
        unit="second",
        timezone=ZONE,
        horizon=3600,
    )
    assert data.origin == "2024-06-01T00:00:00+02:00"
    assert (float(data.start), float(data.length)) == (43200, 3600)
    assert data.ages.tolist() == [90]


def test_between_keeps_history_and_forgets_the_future():
    data = tweets(args={"horizon": 3.5, "late": "drop"})
    assert data.touched == (("late", "drop", 1),)
    assert data.until.tolist() == [3.5, 5]
    part = data.between(1.5, 3)
    assert part.names == ("10", "12")
    assert part.post_times.tolist() == [-1.5, 0.5]
    assert part.times.tolist() == [-0.5, -0.5]
    assert part.until.tolist() == [1.5, 1.5]
    assert part.counts.tolist() == [0, 0]
    assert part.window == (1.5, 3.0)
    assert part.num_events == 1
    same(data.between(*data.window), data)
    assert data.between(0, 2).names == ("10",)  # what begins at 2 is not there yet
    figures = part.describe()["count"]
    assert figures["posts before the window"] == 1
    assert figures["reposts before the window"] == 2


def test_posts_at_one_time_stay_as_many_and_are_counted():
    """Forty posts with four stamps."""
    stamps = np.repeat([0.0, 1.0, 2.0, 5.0], 10)
    data = hj.Cascades.from_arrays(stamps, np.ones(40), [], [], [], window=(0, 6))
    assert data.num_posts == data.num_events == 40
    assert data.describe()["count"]["posts at the time of another post"] == 40
    assert tweets().describe()["count"]["posts at the time of another post"] == 0


def test_select_by_name_place_and_mask():
    data = tweets()
    for posts in (["12", "10"], [1, 0], [-1, 0]):
        moved = data.select(posts)
        assert moved.names == ("12", "10")
        assert moved.followers.tolist() == [0, 10, 20, 7]
        assert moved.post.tolist() == [0, 1, 1, 1]
    same(data.select([False, True]), data.select("12"))
    assert data.select("12").num_reposts == 1


def test_policies_keep_count():
    assert (
        tweets(n=[900, np.nan, 5, 20, 0, 7], args={"missing_followers": "zero"}).followers[0] == 0
    )
    median = tweets(n=[900, np.nan, 5, 20, 0, 7], args={"missing_followers": "median"})
    assert median.followers.tolist() == [7, 20, 7, 0]
    assert median.describe()["count"]["missing numbers of followers (median)"] == 1
    early = tweets(at=[0.0, -1, 2, 1, 3, 4], args={"early": "drop", "window": (-2, 5)})
    assert early.counts.tolist() == [2, 1]
    orphans = tweets(of=[None, "10", None, "99", "12", "10"], args={"orphans": "drop"})
    assert orphans.counts.tolist() == [2, 1]
    assert orphans.touched == (("orphans", "drop", 1),)
    twice = tweets(
        id=[10, 11, 12, 11, 14, 15],
        args={"duplicates": "first"},
        of=[None, "10", None, "10", "12", "10"],
    )
    assert twice.counts.tolist() == [2, 1]
    late = tweets(args={"window": (0, 2.5), "late": "drop"})
    assert late.counts.tolist() == [2, 0]
    assert {p: n for p, _, n in late.touched} == {"late": 2}


def test_lost_posts_are_restored_from_their_reposts():
    lost = {"pt": [None, None, None, 0.5, None, None], "pn": [None, None, None, 77, None, None]}
    data = tweets(
        of=[None, "10", None, "99", "12", "10"],
        args={"orphans": "restore", "original_time": "pt", "original_followers": "pn"},
        **lost,
    )
    assert data.names == ("10", "12", "99")
    assert data.post_followers.tolist() == [900, 5, 77]
    assert data.post_times.tolist() == [0, 2, 0.5]
    assert data.ages[data.post == 2].tolist() == [0.5]


def test_covariates_move_to_the_clock_of_the_data_and_must_cover_its_window():
    window = ("2024-06-01", "2024-06-04")
    calendar = Covariates.calendar(window, unit="hour", timezone=ZONE, features=["halfday"])
    at = pd.to_datetime(["2024-06-01T10:00", "2024-06-02T20:00"]).tz_localize(ZONE)
    data = Cascades.from_arrays(
        at,
        [1, 2],
        [],
        [],
        [],
        unit="day",
        timezone=ZONE,
        window=("2024-06-01", "2024-06-03"),
        covariates=calendar,
    )
    assert data.covariates.unit == "day"
    assert data.covariates.at(float(data.start) + data.post_times)[:, -1].tolist() == [1, 0]
    with pytest.raises(ValueError, match="Build them for a longer window"):
        data.with_covariates(calendar.between("2024-06-02T00:00+02:00", "2024-06-04T00:00+02:00"))
    assert data.with_covariates(None).covariates is None


def test_leaves_and_names_survive_a_transformation():
    data = tweets()
    doubled = jax.tree.map(lambda leaf: 2 * leaf, data)
    assert doubled.followers.tolist() == [20, 40, 14, 0]
    assert repr(jax.eval_shape(lambda d: d, data)) == "Cascades(2 posts, traced)"
    for words in ("2 posts, 4 reposts", "0 to 5, 5 long", "1 to 3 per post", "zero followers"):
        assert words in repr(data)


ERRORS = {
    "an orphan": (
        lambda: tweets(of=[None, "10", None, "99", "12", "10"]),
        "'of'|row 3 ('99')|orphans='drop'",
    ),
    "missing followers": (
        lambda: tweets(n=[900, None, 5, 20, 0, 7]),
        "'n'|row 1|missing_followers=",
    ),
    "negative followers": (lambda: tweets(n=[900, -1, 5, 20, 0, 7]), "'n'|row 1 (-1"),
    "text for followers": (lambda: tweets(n=["9", "x", "5", "2", "0", ""]), "'n'|row 1 ('x')"),
    "infinite followers": (lambda: tweets(n=[np.inf, 1, 5, 20, 0, 7]), "'n'|row 0|finite"),
    "early": (lambda: tweets(at=[0.5, 0.2, 2, 1, 3, 4]), "'at'|row 1 (0.2)|before its post|early="),
    "late": (lambda: tweets(args={"window": (0, 3.5)}), "'at'|(4)|late='drop'"),
    "a window to a date": (
        lambda: tweets(
            at=[f"2024-05-01T0{hour}:00" for hour in range(6)],
            args={"window": ("2024-04-30", "2024-05-01"), "unit": "hour", "early": "drop"},
        ),
        "row 2|a post after|ends as 2024-05-01 begins|end it with 2024-05-02",
    ),
    "a late post": (lambda: tweets(args={"window": (0, 1.5)}), "'at'|(2)|a post after the window"),
    "late by horizon": (lambda: tweets(args={"horizon": 2}), "'at'|(4)|horizon"),
    "horizon": (lambda: tweets(args={"horizon": -2}), "horizon is -2|above 0"),
    "no length": (lambda: tweets(args={"window": (1, 1)}), "no length|window=(start, end)"),
    "a window of three": (lambda: tweets(args={"window": (1, 2, 3)}), "pair (start, end)"),
    "a table of windows": (
        lambda: tweets(args={"window": pd.DataFrame([[0, 1], [5, 6]])}),
        "row 2 (2)|inside a gap|1 to 5",
    ),
    "twice": (lambda: tweets(id=[10, 11, 12, 11, 14, 15]), "'id'|row 3 ('11')|duplicates='first'"),
    "no identifier": (lambda: tweets(id=["10", "", "12", "13", "14", "15"]), "'id'|row 1|missing"),
    "rounded": (lambda: tweets(id=np.arange(6) + 1e17), "'id'|floating point|dtype=str"),
    "of itself": (
        lambda: tweets(of=[None, "11", None, "10", "12", "10"]),
        "row 1|repost of itself",
    ),
    "a circle": (lambda: tweets(of=[None, "13", None, "11", "12", "10"]), "rows 1 ('11'), 3|chain"),
    "no post": (lambda: tweets(of=["7"] * 6, args={"orphans": "drop"}), "No row is a post"),
    "an unknown choice": (
        lambda: tweets(args={"early": "keep"}),
        "early is 'keep'|'drop'",
    ),
    "restore": (
        lambda: tweets(of=[None, "10", None, "99", "12", "10"], args={"orphans": "restore"}),
        "original_time=",
    ),
    "no column": (lambda: tweets(drop=["n"]), "followers='n'"),
    "a missing level": (
        lambda: tweets(s=[None, 1, 2, 1, 1, 1], args={"sentiment": "s"}),
        "'s'|row 0|level",
    ),
    "a negative level": (
        lambda: tweets(s=[-1, 1, 2, 1, 1, 1], args={"sentiment": "s"}),
        "'s'|row 0",
    ),
    "no rows": (lambda: Cascades.from_dataframe(TWEETS[:0], **NAMES), "no rows"),
    "an unknown post": (
        lambda: Cascades.from_arrays([0.0], [1], [1.0], [1], [3]),
        "'post'|row 0 (3)",
    ),
    "lengths": (lambda: Cascades.from_arrays([0.0], [1, 2], [], [], []), "'post_followers' has 2"),
    "names": (
        lambda: Cascades.from_arrays([0.0], [1], [], [], [], names=["a", "b"]),
        "2 names for 1 post",
    ),
    "dates and numbers": (
        lambda: Cascades.from_arrays(["2024-01-01"], [1], [3.0], [1], [0], unit="day"),
        "datetimes without a zone|numbers|one kind",
    ),
    "no post at all": (lambda: Cascades.from_arrays([], [], [], [], [], window=(0, 1)), "no posts"),
    "not relative": (
        lambda: Cascades.from_cascades(
            pd.DataFrame({"t": [3.0, 4], "n": [1, 1]}), cascade=None, time="t", followers="n"
        ),
        "'t'|no row at time 0|'0'",
    ),
    "a category without rows": (
        lambda: Cascades.from_cascades(
            pd.DataFrame({"c": pd.Categorical(["a"], ["a", "b"]), "t": [0], "n": [1]}),
            cascade="c",
            time="t",
            followers="n",
        ),
        "'c'|'b'|remove_unused_categories()",
    ),
    "a start left out": (
        lambda: Cascades.from_cascades(
            pd.DataFrame({"c": [1, 2], "t": [0, 0], "n": [1, 1]}),
            cascade="c",
            time="t",
            followers="n",
            start={1: 0.0},
        ),
        "start has no entry for cascade '2'",
    ),
    "beyond": (lambda: tweets().between(0, 9), "reaches beyond the window 0 to 5"),
    "backward": (lambda: tweets().between(3, 1), "first must be less"),
    "unknown": (lambda: tweets().select(["10", "zz"]), "Unknown posts: 'zz'"),
    "repeated": (lambda: tweets().select(["10", "10"]), "more than once: '10'"),
    "nothing": (lambda: tweets().select([False, False]), "No post is selected"),
    "other covariates": (lambda: tweets().with_covariates(3), "must be Covariates, not int"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_the_column_the_rows_and_the_remedy(case):
    call, words = ERRORS[case]
    with refused(words):
        call()


def test_files_are_read_as_tables_are(tmp_path):
    path = tmp_path / "tweets.csv"
    TWEETS.to_csv(path, index=False)
    read = hj.read_cascades(path, **NAMES, sentiment="s", window=(0, 5))
    same(read, tweets(args={"sentiment": "s"}))
    TWEETS.assign(n=["9", "1", "", "1", "1", "1"]).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"'n'.*line 4"):
        hj.read_cascades(path, **NAMES, window=(0, 5))
    with pytest.raises(ValueError, match="id= and repost_of="):
        hj.read_cascades(path, time="at", followers="n", id="id")


def test_followers_that_are_not_known():
    """Without their column everyone counts as one."""
    read = tweets(args={"followers": None})
    assert set(read.followers) == {1.0} and set(read.post_followers) == {1.0}
    np.testing.assert_array_equal(read.times, tweets().times)
    with pytest.raises(ValueError, match="needs followers="):
        tweets(args={"followers": None, "original_followers": "n"})
