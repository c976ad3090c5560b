"""Baselines with a memory: equal to a plain double loop; learned on the past alone; refusals."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.katz.test_activity import GAP, a_log, build
from tests.refusals import refused

SPIKED = {"edges": "attention", "spike": (60, 80)}


def by_hand(activity, half_life, end):
    """Posts of each user before a bin, each weighted by the watched bins since."""
    out = np.zeros(activity.num_users)
    lost = {bin for low, high in activity.gaps for bin in range(low, high)}
    for user in range(activity.num_users):
        for bin in range(end):
            age = len([later for later in range(bin + 1, end) if later not in lost])
            posts = activity.posts((bin, bin + 1))[user]
            out[user] += posts * 2 ** (-age / half_life)
    return out


@pytest.mark.parametrize("half_life", [0.5, 3, 100.0])
@pytest.mark.parametrize(("given", "end"), [
    ({}, 12), ({"lead": 3}, 9), ({"until": 7}, 7), ({"until": 7, "lead": 2}, 5),
])  # fmt: skip
def test_weights_equal_a_double_loop(half_life, given, end):
    activity = build(a_log(2), **SPIKED)
    found = activity.recent(half_life, **given)
    np.testing.assert_allclose(found.baseline, by_hand(activity, half_life, end), rtol=1e-12)
    assert found.recency == hj.katz.Recency(half_life, given.get("until", 12), given.get("lead", 0))
    assert found.matrix.toarray().tolist() == activity.matrix.toarray().tolist()


def test_ages_count_watched_bins_where_the_record_has_gaps():
    rows = [row for row in a_log(3) if not 17 < row[0] < 28]
    activity = build(rows, gaps=GAP, **SPIKED)
    assert activity.gaps == ((3, 6),)
    np.testing.assert_allclose(activity.recent(4).baseline, by_hand(activity, 4, 12))
    assert activity.recent().recency.tried


def test_without_a_spike_posts_count_to_the_end_of_business_as_usual():
    activity = build(a_log(2), edges="attention")
    assert activity.recent(5).recency.until == activity.network[1] == 10
    np.testing.assert_allclose(activity.recent(5).baseline, by_hand(activity, 5, 10))


def test_a_long_half_life_counts_posts():
    activity = build(a_log(4), edges="attention")
    np.testing.assert_allclose(activity.recent(1e9).baseline, activity.baseline, rtol=1e-7)


def test_rankings_and_scores_use_it_and_slide_counts_anew():
    activity = build(a_log(5), **SPIKED)
    recent = activity.recent(3)
    scores = hj.katz.solve(recent, alpha_star=0.4)
    matrix, rho = recent.matrix.toarray(), hj.katz.radius(recent).value
    alone = np.linalg.solve(np.eye(len(matrix)) - 0.4 / rho * matrix, by_hand(activity, 3, 12))
    np.testing.assert_allclose(scores, alone, rtol=1e-7)
    best = hj.katz.rank(recent, alpha_star=0.4, top=1).table["user"].iloc[0]
    assert best == recent.user_names[int(alone.argmax())]
    first = hj.katz.sweep(recent, alpha_star=[0.0], top=3)["score"]
    np.testing.assert_allclose(first, -np.sort(-recent.baseline)[:3])
    slid = recent.slide((0, 40))
    assert slid.recency is None and slid.baseline.tolist() == slid.posts((0, 8)).tolist()
    assert "half-life 3 bins, in bins before 12" in repr(recent)
    assert recent.describe()["value"]["baseline: half-life in bins"] == 3


def learned_by_hand(activity, end, lead):
    """Every half-life's share of the discounted posts that were possible, by loops."""
    lost = {bin for low, high in activity.gaps for bin in range(low, high)}
    posts = [activity.posts((bin, bin + 1)) for bin in range(end)]
    age = [len([later for later in range(bin + 1, end) if later not in lost]) for bin in range(end)]
    past = max(age[bin] for bin in range(end) if posts[bin].any()) + 1
    size = max(1, past // 20)

    def gain(scores, target):
        total = 0.0
        for user, score in enumerate(scores):
            above, same = sum(scores > score), sum(scores == score)
            places = range(above + 1, above + same + 1)
            total += target[user] * np.mean([1 / math.log2(1 + place) for place in places])
        return total

    table = {}
    for half_life in (2**power for power in range(past.bit_length())):
        got = possible = 0.0
        for fold in range(1, min(10, past // 2) + 1):
            if fold * size + lead >= past:
                continue
            b, target = np.zeros(activity.num_users), np.zeros(activity.num_users)
            for bin in range(end):
                if age[bin] >= fold * size + lead:
                    b += posts[bin] * 2.0 ** (-(age[bin] - fold * size - lead) / half_life)
                elif (fold - 1) * size <= age[bin] < fold * size:
                    target += posts[bin]
            got, possible = got + gain(b, target), possible + gain(target, target)
        table[half_life] = got / possible
    return table


@pytest.mark.parametrize("lead", [0, 2])
@pytest.mark.parametrize("gaps", [None, GAP])
def test_learning_equals_loops(lead, gaps):
    rows = [row for row in a_log(6, size=250, users=9) if not 17 < row[0] < 28]
    activity = build(rows, bin=1, gaps=gaps, edges="attention", spike=(60, 80))
    recency = activity.recent(lead=lead).recency
    by_loops = learned_by_hand(activity, 60 - lead, lead)
    assert dict(recency.tried) == pytest.approx(by_loops, rel=1e-12)
    assert recency.half_life == max(by_loops, key=lambda one: (round(by_loops[one], 12), one))


def test_nothing_from_the_spike_on_is_learned_from():
    rows = a_log(7)
    other = [row if row[0] < 60 else (row[0], 3, 4, "RT") for row in rows]
    one, two = (build(each, bin=1, usual=(0, 40), spike=(60, 80)) for each in (rows, other))
    assert one.recent().recency == two.recent().recency
    assert one.recent().baseline.tolist() == two.recent().baseline.tolist()


def test_a_crowd_that_changes_is_given_a_short_memory():
    """Each author is loud for seven bins and then silent; against authors who stay as they are."""
    times = np.repeat(np.arange(100), 4)
    for author, expected in ((times // 7, (1, 8)), (np.tile([0, 1, 1, 2], 100), (64, 64))):
        frame = pd.DataFrame({"time": times + np.tile([0, 0.2, 0.4, 0.6], 100), "s": author})
        frame["t"] = (frame["s"] + 1) % 20
        activity = hj.Activity.from_messages(
            frame, time="time", source="s", target="t", edges="messages", bin=1, usual=(0, 100)
        )
        recency = activity.recent().recency
        assert expected[0] <= recency.half_life <= expected[1]
        assert "(learned)" in str(recency)


REFUSED = {
    "nothing": ({"half_life": 0}, "half_life is 0|above 0|'learned'"),
    "negative": ({"half_life": -3.0}, "half_life is -3.0|above 0"),
    "no number": ({"half_life": "short"}, "half_life is 'short'|'learned'"),
    "endless": ({"half_life": np.inf}, "finite number above 0"),
    "missing": ({"half_life": np.nan}, "finite number above 0"),
    "into the spike": ({"half_life": 3, "until": 14}, "reach into the spike (bins 12 to 16)"),
    "beyond the log": ({"half_life": 3, "until": 10**6}, "the log has 20 bins"),
    "before the log": ({"half_life": 3, "lead": 12}, "No user of the network posts before bin 0"),
    "no bin": ({"half_life": 3, "until": 2.5}, "until is 2.5|whole number"),
    "a lead of less than nothing": ({"half_life": 3, "lead": -1}, "lead is -1"),
    "too few to learn": ({"until": 3}, "too few to learn a half-life from|half_life="),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_bad_input_is_refused(name):
    options, words = REFUSED[name]
    activity = build([(0, 1, 2, "RT"), *a_log(2)], **SPIKED)
    with refused(words):
        activity.recent(**options)


def test_what_has_no_past_is_refused():
    given = hj.Activity.from_matrix(np.ones((2, 2)), 1.0)
    with refused("without times, so its posts have no age"):
        given.recent(3)
    activity = dataclasses.replace(build(a_log(2), edges="attention"), network=None)
    with refused("neither a spike nor a window|until="):
        activity.recent(3)
    quiet = build([(0, 1, 2, "RT"), (1, 2, 1, "RT"), (70, 1, 2, "RT")], bin=1, spike=(60, 80))
    with refused("posts in the|no half-life can be learned|half_life="):
        quiet.recent()
