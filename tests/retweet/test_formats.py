"""Posts as platforms and papers write them: each format's smallest file, and the cascades in it."""

import itertools
import json
import typing

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.cli.retweet import Posts
from hawkesjax.retweet.data.formats.registry import BY_NAME
from tests.cli.driver import run_named


def lines(*objects):
    return "\n".join(map(json.dumps, objects)) + "\n"


def v1(id, at, followers, **more):
    user = {"id_str": f"u{id}", "followers_count": followers}
    return {"id_str": id, "created_at": f"Mon May 13 {at} +0000 2024", "user": user, **more}


ROOT1 = v1("100000000000000001", "10:00:00", 50)
V1 = [
    ROOT1,
    v1("100000000000000002", "11:00:00", 7, retweeted_status=ROOT1),
    v1("100000000000000003", "12:00:00", 8, quoted_status=ROOT1,
       quoted_status_id_str=ROOT1["id_str"]),
    v1("100000000000000004", "13:00:00", 9, in_reply_to_status_id_str=ROOT1["id_str"]),
    v1("100000000000000005", "14:00:00", 5,
       retweeted_status=v1("100000000000000000", "09:30:00", 0)),
    {"delete": {"status": {"id_str": "1"}}},
]  # fmt: skip


def v2(id, at, author, **ways):
    refers = [{"type": kind, "id": target} for kind, target in ways.items()]
    more = {"referenced_tweets": refers} if refers else {}
    return {
        "id": id,
        "created_at": f"2024-05-13T{at}.000Z",
        "author_id": author,
        "text": "",
        **more,
    }


USERS = [
    {"id": f"u{n}", "username": f"n{n}", "public_metrics": {"followers_count": followers}}
    for n, followers in enumerate([50, 7, 8, 9, 5, 0])
]
PAGES = [
    {
        "data": [v2("1", "10:00:00", "u0"), v2("2", "11:00:00", "u1", retweeted="1")],
        "includes": {"users": USERS[:2]},
        "meta": {"result_count": 2},
    },
    {
        "data": [
            v2("3", "12:00:00", "u2", quoted="1"),
            v2("4", "13:00:00", "u3", replied_to="1"),
            v2("5", "14:00:00", "u4", retweeted="0"),
        ],
        "includes": {"users": USERS, "tweets": [v2("0", "09:30:00", "u5")]},
    },
    {"meta": {"result_count": 0}},
]
WAYS = ("retweeted", "quoted", "replied_to")
TWARC = pd.DataFrame(
    [
        [id, f"2024-05-13T{at}.000Z", *(ways.get(name) for name in WAYS), followers]
        for id, at, followers, ways in (
            ("0", "09:30:00", 0, {}),
            ("1", "10:00:00", 50, {}),
            ("2", "11:00:00", 7, {"retweeted": "1"}),
            ("3", "12:00:00", 8, {"quoted": "1"}),
            ("4", "13:00:00", 9, {"replied_to": "1"}),
            ("5", "14:00:00", 5, {"retweeted": "0"}),
        )
    ],
    columns=["id", "created_at", *(f"referenced_tweets.{name}.id" for name in WAYS),
             "author.public_metrics.followers_count"],
)  # fmt: skip


def status(id, at, followers, **more):
    account = {"acct": f"a{id}", "followers_count": followers}
    return {"id": id, "created_at": f"2024-05-13T{at}.000Z", "account": account,
            "uri": f"https://m.example/{id}", "reblog": None, "in_reply_to_id": None,
            "visibility": "public", **more}  # fmt: skip


TOOT = status("1", "10:00:00", 50)
MASTODON = [
    TOOT,
    status("2", "11:00:00", 7, reblog=TOOT),
    status("3", "12:00:00", 8, quote={"state": "accepted", "quoted_status": TOOT}),
    status("4", "13:00:00", 9, in_reply_to_id="1"),
    status("5", "14:00:00", 5, reblog=status("0", "09:30:00", 0)),
]
POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"


def event(did, kind, key, at, operation="create", **record):
    made = {"$type": kind, "createdAt": f"2024-05-13T{at}Z", **record}
    commit = {"operation": operation, "collection": kind, "rkey": key, "record": made}
    return {"did": did, "time_us": 1, "kind": "commit", "commit": commit}


SKY = "at://did:a/app.bsky.feed.post/1"
JETSTREAM = [
    event("did:a", POST, "1", "10:00:00"),
    event("did:b", REPOST, "2", "11:00:00", subject={"uri": SKY, "cid": "c"}),
    event("did:c", POST, "3", "12:00:00",
          embed={"$type": "app.bsky.embed.record", "record": {"uri": SKY}}),
    event("did:d", POST, "4", "13:00:00", reply={"parent": {"uri": SKY}, "root": {"uri": SKY}}),
    event("did:e", REPOST, "5", "14:00:00", subject={"uri": SKY.replace("/1", "/0")}),
    event("did:e", "app.bsky.feed.like", "6", "14:00:00", subject={"uri": SKY}),
]  # fmt: skip


def view(did, uri, at, followers):
    record = {"$type": POST, "createdAt": f"2024-05-13T{at}Z"}
    return {"uri": uri, "author": {"did": did, "followersCount": followers}, "record": record}


FEED = [
    {
        "feed": [
            {
                "post": view("did:a", SKY, "10:00:00", 50),
                "reason": {
                    "$type": "app.bsky.feed.defs#reasonRepost",
                    "by": {"did": "did:b", "followersCount": 7},
                    "indexedAt": "2024-05-13T11:00:00Z",
                },
            },
            {"post": view("did:a", SKY, "10:00:00", 50)},
        ]
    }
]
TWEETS = {
    "twitter-v1": ("t.jsonl", lines(*V1)),
    "twitter-v1, a search": ("t.json", json.dumps({"statuses": V1[:-1]}, indent=1)),
    "twitter-v2": ("t.jsonl", lines(*PAGES)),
    "twarc-csv": ("t.csv", TWARC.to_csv(index=False)),
    "bluesky": ("b.jsonl", lines(*JETSTREAM)),
    "mastodon": ("m.json", json.dumps(MASTODON)),
}
OTHERS = {"twitter-v1": 1, "twitter-v2": 1, "bluesky": 1}


def read(folder, name, content, **options):
    path = folder / name
    path.write_text(content)
    return hj.read_cascades(path, **({"unit": "hour"} | options))


@pytest.mark.parametrize("name", list(TWEETS))
@pytest.mark.parametrize("said", [False, True])
def test_formats_of_platforms_are_read_and_told_from_one_another(tmp_path, name, said):
    """A post at ten, its repost at eleven, a quote, a reply, and a repost of what is not there."""
    known = {"format": name.split(",")[0]} if said else {}
    data = read(tmp_path, *TWEETS[name], orphans="drop" if "csv" not in name else "error", **known)
    assert (data.num_posts, data.num_reposts) == ((4, 2) if "csv" in name else (3, 1))
    assert data.origin == "2024-05-13T00:00:00+00:00"
    assert 1.0 in data.ages
    assert ("quotes", "post", 1) in data.touched and ("replies", "post", 1) in data.touched
    if name in OTHERS:
        assert ("others", "drop", OTHERS[name]) in data.touched
    first = int(np.flatnonzero(data.counts)[-1])
    expected = [1, 1] if name == "bluesky" else [50, 7]
    assert [data.post_followers[first], data.followers[-1 if "csv" not in name else 1]] == expected


DESCRIBING = ("twitter-v1", "twitter-v2", "mastodon")


@pytest.mark.parametrize("name", DESCRIBING)
def test_posts_that_reposts_describe_are_restored(tmp_path, name):
    """With its time and followers, of which it has none: at least one by name."""
    data = read(tmp_path, *TWEETS[name], orphans="restore")
    assert (data.num_posts, data.num_reposts) == (4, 2)
    lost = int(np.argmin(data.post_followers))
    assert data.post_followers[lost] == 0 and data.ages[data.post == lost].tolist() == [4.5]
    one = read(tmp_path, *TWEETS[name], orphans="restore", zero_followers="at_least_one")
    assert one.post_followers[lost] == 1 and ("zero_followers", "at_least_one", 1) in one.touched


@pytest.mark.parametrize("name", [*DESCRIBING, "bluesky"])
def test_quotes_and_replies_are_what_one_says(tmp_path, name):
    given = {"orphans": "drop"}
    both = read(tmp_path, *TWEETS[name], quotes="repost", replies="repost", **given)
    assert (both.num_posts, both.num_reposts) == (1, 3)
    np.testing.assert_allclose(both.ages, [1, 2, 3])
    none = read(tmp_path, *TWEETS[name], quotes="drop", replies="drop", **given)
    assert (none.num_posts, none.num_reposts) == (1, 1)


def test_posts_that_nobody_describes_are_dropped_by_name(tmp_path):
    gone = [*PAGES, {"data": [v2("6", "15:00:00", "u0", retweeted="9")],
                     "includes": {"users": USERS}}]  # fmt: skip
    with pytest.raises(ValueError, match=r"no repost describes, in line 4 .*deleted='drop'"):
        read(tmp_path, "t.jsonl", lines(*gone), orphans="restore")
    data = read(tmp_path, "t.jsonl", lines(*gone), orphans="restore", deleted="drop")
    assert ("deleted", "drop", 1) in data.touched and data.num_posts == 4


def test_a_feed_shows_a_post_with_each_of_its_reposts(tmp_path):
    data = read(tmp_path, "f.json", json.dumps(FEED))
    assert (data.num_posts, data.num_reposts) == (1, 1)
    assert (data.post_followers.tolist(), data.followers.tolist()) == ([50], [7])


def test_chains_of_reposts_count_to_their_root(tmp_path):
    """Who reposts a repost on Mastodon boosts the root; tables may hold chains of any depth."""
    names = [str(n) for n in range(80)]
    chain = [v1(n, f"10:{int(n) // 60:02}:{int(n) % 60:02}", 1) for n in names]
    for before, after in itertools.pairwise(chain):
        after["retweeted_status"] = {"id_str": before["id_str"]}
    data = read(tmp_path, "t.jsonl", lines(*chain))
    assert (data.num_posts, data.num_reposts) == (1, 79)


WEIBO = (
    "7\t11\t1464745294\t3\t11:0 11/12:60 11/12/13:3600\n"
    "8\t11\t1464748894\t1\t11:0\n"
)  # fmt: skip
TIDEH = "2 0.5\n0 90 \n292 433 \n306 39 \n"
SEISMIC = "relative_time_second,number_of_followers\n0,90\n292,433\n0,5\n10,6\n"
INDEX = "tweet_id,post_time_day,start_ind,end_ind\n901,0.5,1,2\n902,1.25,3,4\n"
EVENTLY = "magnitude,time,user\n90,0,a\n433,292,b\n"
AGES = {
    "weibo-paths": ({"w.txt": WEIBO}, "w.txt", ["7", "8"], [60, 3600], [1, 1]),
    "tideh": ({"RT1.txt": TIDEH}, "RT1.txt", ["RT1"], [292, 306], [433, 39]),
    "tideh, a folder": (
        {"rt/RT1.txt": TIDEH, "rt/RT2.txt": "1 1.5\n0 1\n5 2\n"}, "rt", ["RT1", "RT2"],
        [292, 306, 5], [433, 39, 2],
    ),
    "seismic": (
        {"data.csv": SEISMIC, "index.csv": INDEX}, "data.csv", ["901", "902"], [292, 10], [433, 6],
    ),
    "seismic, one": (
        {"one.csv": SEISMIC[: SEISMIC.index("0,5")]}, "one.csv", ["0"], [292], [433],
    ),
    "evently": ({"e.csv": EVENTLY}, "e.csv", ["0"], [292], [433]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(AGES))
def test_cascades_of_papers_are_told_and_read(tmp_path, name):
    files, asked, names, ages, followers = AGES[name]
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    for options in ({}, {"format": name.split(",")[0], "unit": "minute"}):
        data = hj.read_cascades(tmp_path / asked, **options)
        assert list(data.names) == names
        np.testing.assert_allclose(data.ages, np.array(ages) / (60 if options else 1))
        np.testing.assert_array_equal(data.followers, followers)
    begun = {"weibo-paths": [0, 60], "seismic": [0, 0.75 * 1440], "tideh, a folder": [0, 1440]}
    if name in begun:
        np.testing.assert_allclose(data.post_times, begun[name], rtol=1e-12)
    assert (data.origin is None) == (name != "weibo-paths")


REFUSED = {
    "an unknown format": ("t.jsonl", lines(*V1), {"format": "myspace"}, "'twitter-v1'"),
    "an unknown table": ("t.csv", "a,b\n1,2\n", {}, "columns are 'a', 'b'|id=|format="),
    "columns of a format": ("t.jsonl", lines(*V1), {"format": "twitter-v1", "id": "id"}, "id="),
    "no time": (
        "t.jsonl", lines(*PAGES, {"data": [{"id": "9", "author_id": "u"}]}), {}, "line 4|created",
    ),
    "another format": ("t.jsonl", lines(*MASTODON), {"format": "bluesky"}, "no post"),
    "paths": ("w.txt", WEIBO + "9\t1\t2\n", {}, "line 3|3 fields"),
    "a day": ("w.txt", WEIBO.replace("1464748894", "2016-06-01"), {}, "line 2|2016-06-01"),
    "half a cascade": ("RT1.txt", TIDEH.replace("2 0.5", "9 0.5"), {}, "9 reposts|2 follow"),
    "no index": ("data.csv", SEISMIC, {"unit": "second"}, "index.csv"),
    "orphans of none": ("RT1.txt", TIDEH, {"orphans": "drop"}, "orphans='drop'"),
    "quotes of a table": (
        "t.csv", "id,time,followers,repost_of\n1,0,1,\n", {"quotes": "drop"}, "quotes='drop'",
    ),
    "no followers": (
        "t.csv", "id,time,of\n1,0,\n", {"id": "id", "time": "time", "repost_of": "of"},
        "followers=None",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_files_of_formats_say_why(tmp_path, name):
    file, content, options, words = REFUSED[name]
    with pytest.raises(ValueError) as error:
        read(tmp_path, file, content, **options)
    for word in words.split("|"):
        assert word in str(error.value), str(error.value)


def test_the_real_cascade_files_are_read(tmp_path, real_data):
    """Tables of the shared data, by their columns, whatever their names."""
    tweets = hj.read_cascades(
        real_data("evently_tweets") / "tweets.csv", id="tweet_id", time="created_at",
        followers="followers", repost_of="retweeted_id", original_time="retweeted_created_at",
        original_followers="retweeted_followers", orphans="restore", unit="hour",
    )  # fmt: skip
    assert tweets.num_reposts == 47
    frame = pd.read_csv(real_data("seismic_tweet") / "events.csv")
    frame.columns = ["relative_time_second", "number_of_followers"]
    data = read(tmp_path, "data.csv", frame.to_csv(index=False))
    assert data.num_reposts == len(frame) - 1 and int(np.sum(data.followers == 0)) <= 40


def test_the_command_line_knows_every_format():
    hint = typing.get_type_hints(Posts)["format"]
    (choices,) = (part for part in typing.get_args(hint) if part is not type(None))
    assert set(typing.get_args(choices)) == set(BY_NAME)


LINES = {
    "told": ["retweet", "fit", "t.jsonl", "--unit", "hour", "--orphans", "restore",
             "--zero-followers", "at_least_one", "--quotes", "drop", "--replies", "repost",
             "--pseudonyms", "key", "--no-pictures", "--out", "told"],
    "said": ["retweet", "fit", "t.jsonl", "--format", "mastodon", "--unit", "hour"],
    "orphans": ["retweet", "fit", "t.jsonl", "--unit", "hour"],
    "unknown": ["retweet", "fit", "u.csv", "--unit", "hour"],
}  # fmt: skip
SAID = {
    "said": "line 1: no id or created_at",
    "orphans": "--orphans drop",
    "unknown": "Name its columns",
}


def test_the_command_line_reads_formats(tmp_path):
    (tmp_path / "t.jsonl").write_text(lines(*V1))
    (tmp_path / "u.csv").write_text("a,b\n1,2\n")
    (tmp_path / "key").write_bytes(b"a key of more than sixteen bytes")
    for name, (code, out, err) in run_named(LINES, tmp_path).items():
        assert code in ((2,) if name in SAID else (0, 1)), (name, out, err)
        assert SAID.get(name, "") in err, err
        assert name in SAID or "2 posts, 3 reposts" in out, out
