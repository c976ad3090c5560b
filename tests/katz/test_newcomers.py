"""How much unseen users will post: equal to loops over the messages; no look ahead; refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import hawkesjax as hj
from tests.refusals import refused


def a_log(seed=0, span=400, size=1500, rate=0.3):
    """Messages of which about a part is by somebody new."""
    rng = np.random.default_rng(seed)
    times, rows, known = np.sort(rng.integers(0, span, size)), [], 2
    for time in times:
        new = rng.random() < rate
        source = known if new else int(rng.integers(known))
        known += new
        rows.append((int(time), source, int(rng.integers(known))))
    return pd.DataFrame(rows, columns=["time", "source", "target"])


def read(frame, **options):
    given = {"edges": "reposts", "bin": 1, "usual": (0, 300), "spike": (320, 340)} | options
    return hj.Activity.from_messages(frame, time="time", source="source", target="target", **given)


def shares_by_hand(frame, windows):
    """Posts, and those of users in no message before, of each window."""
    out = []
    for low, high in windows:
        past = frame[frame["time"] < low]
        seen = set(past["source"]) | set(past["target"])
        posts = frame[(frame["time"] >= low) & (frame["time"] < high)]
        posts = posts.drop_duplicates(["time", "source"])
        out.append((len(posts), sum(one not in seen for one in posts["source"])))
    return out


def test_the_forecast_equals_loops():
    frame = a_log()
    found = hj.katz.newcomers(read(frame))
    windows = [(320 - 20 * k, 340 - 20 * k) for k in range(8, 0, -1)]
    by_hand = shares_by_hand(frame, windows)
    assert found.table.index.tolist() == [low for low, _ in windows]
    assert list(zip(found.table["posts"], found.table["newcomers"], strict=True)) == by_hand
    x = [np.log((new + 0.5) / (posts - new + 0.5)) for posts, new in by_hand]
    best = None
    for weight in np.arange(1, 11) / 10:
        level, squares = x[0], 0.0
        for value in x[1:]:
            squares += (value - level) ** 2
            level = (1 - weight) * level + weight * value
        if best is None or squares < best[0] - 1e-12:
            best = (squares, weight, level)
    assert best is not None and found.weight == best[1]
    reach = stats.t.ppf(0.975, 6) * np.sqrt(best[0] / 6)
    size = by_hand[-1][0]
    ends = [(size + 1) / (1 + np.exp(-best[2] - sign * reach)) - 0.5 for sign in (0, -1, 1)]
    expected = np.array([ends[0], np.floor(ends[1]), np.ceil(ends[2])]) / size
    np.testing.assert_allclose([found.share, found.lower, found.upper], expected, rtol=1e-9)
    assert "from 8 windows of the past" in repr(found)


def test_nothing_from_the_window_on_is_seen():
    frame = a_log()
    other = frame.assign(source=np.where(frame["time"] < 320, frame["source"], 1))
    one, two = (hj.katz.newcomers(read(each)) for each in (frame, other))
    assert (one.share, one.lower, one.upper) == (two.share, two.lower, two.upper)


def test_intervals_hold_what_they_say():
    """Over logs whose share of newcomers is steady, as the law has it."""
    held = []
    for seed in range(60):
        frame = a_log(seed)
        forecast = hj.katz.newcomers(read(frame), level=0.8)
        posts, new = shares_by_hand(frame, [(320, 340)])[0]
        held.append(forecast.lower <= new / posts <= forecast.upper)
    assert 0.65 <= np.mean(held) <= 0.97


def test_without_newcomers_the_share_may_be_0():
    frame = a_log(rate=0.0)
    found = hj.katz.newcomers(read(frame))
    assert found.share == found.lower == 0 and found.upper < 0.1


def test_windows_with_gaps_or_without_posts_are_left_out():
    frame = a_log()
    quiet = frame[(frame["time"] < 200) | (frame["time"] >= 230)]
    found = hj.katz.newcomers(read(quiet, gaps=(225, 228)))
    assert found.table.index.tolist() == [160, 180, 240, 260, 280, 300]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"length": 40}, "has 4 windows of 40 bins|fewer than 6|length="),
        ({"until": 10**6}, "the log has 400 bins"),
        ({"length": 0}, "length is 0"),
        ({"level": 1.0}, "level is 1.0"),
    ],
)
def test_bad_input_is_refused(options, words):
    with refused(words):
        hj.katz.newcomers(read(a_log()), **options)


def test_a_network_without_a_log_knows_nobody_as_new():
    with refused("without a log of messages"):
        hj.katz.newcomers(hj.Activity.from_matrix(np.ones((2, 2)), 1.0))
