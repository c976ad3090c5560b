"""A log that grows: appended in pieces it is what it would be read at once, ranked with proof."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.katz.steady import push
from hawkesjax.katz.steady.top import certified_top as top_of

KINDS = np.array(["RT", "MT", "RE"])


def log_of(seed, size=400, users=40, dated=False, named=False):
    """Messages in the order of time, newcomers all along; some without a target, some twice."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, 200, size)) / 2
    most = 5 + (users - 5) * np.arange(size) // size
    source, target = (rng.integers(0, most) for _ in range(2))
    frame = pd.DataFrame({"time": time, "source": source, "target": target})
    frame["kind"] = KINDS[rng.integers(0, 3, size)]
    frame = pd.concat([frame, frame.iloc[::9]]).sort_values("time", ignore_index=True)
    if named:
        frame["source"] = [f"u{user}" for user in frame["source"]]
        frame["target"] = [None if k % 11 == 0 else f"u{v}" for k, v in enumerate(frame["target"])]
    if dated:
        frame["time"] = pd.Timestamp("2024-05-01T12:00Z") + pd.to_timedelta(frame["time"], unit="h")
    return frame


def read(frame, **options):
    columns = {"time": "time", "source": "source", "target": "target", "kind": "kind"}
    usual = options.pop("usual", (None, None))
    return hj.Activity.from_messages(frame, **columns, bin=5, usual=usual, **options)


def append(live, frame, **options):
    names = {"time": "time", "source": "source", "target": "target", "kind": "kind"}
    return live.append(frame, **names, **options)


def by_name(activity):
    """Baselines and weights of edges by users' names."""
    names = np.array([str(name) for name in activity.user_names])
    b = dict(zip(names.tolist(), np.asarray(activity.baseline).tolist(), strict=True))
    ends = (names[one].tolist() for one in (activity.listener, activity.sender))
    return b, dict(zip(zip(*ends, strict=True), activity.weight.tolist(), strict=True))


CASES = [
    ({"edges": "attention"}, False, False),
    ({"edges": "attention", "unit": "hour"}, True, True),
    ({"edges": "reposts", "weighted": True}, False, True),
    ({"edges": {"RT": "both", "MT": "messages", "RE": None}, "self_loops": True}, False, False),
    ({"edges": "messages", "gaps": [(11.0, 13.0)]}, False, False),
]


@pytest.mark.parametrize(("options", "dated", "named"), CASES)
@pytest.mark.filterwarnings("ignore::hawkesjax.ActivityWarning")
def test_in_pieces_it_is_what_it_is_at_once(options, dated, named):
    frame = log_of(0, dated=dated, named=named)
    if "gaps" in options:
        frame = frame[(frame["time"] < 11) | (frame["time"] >= 13)].reset_index(drop=True)
    rng = np.random.default_rng(1)
    cuts = np.unique(np.concatenate([[120], rng.integers(121, len(frame), 12), [len(frame)]]))
    live = hj.katz.Live(read(frame[:120], **options), half_life=3.0)
    for low, high in itertools.pairwise(cuts):
        part = frame[low:high].sample(frac=1, random_state=2).reset_index(drop=True)
        told = append(live, part)
        assert told["messages"] == high - low and told["late"] == 0
    whole = read(frame, **options)
    whole = whole.recent(3.0, until=whole.num_bins)
    for found, expected in zip(by_name(live.activity()), by_name(whole), strict=True):
        assert found.keys() == expected.keys()
        np.testing.assert_allclose([found[k] for k in expected], list(expected.values()), 1e-12)
    assert live.num_bins == whole.num_bins
    assert live.times(live.num_bins - 1) == whole.times(whole.num_bins - 1)


@pytest.mark.parametrize("star", [0.0, 0.1, 0.6, 0.9])
def test_the_ranking_is_that_of_the_network_as_it_is(star):
    frame = log_of(3, size=900, users=200)
    live = hj.katz.Live(read(frame[:300], edges="messages"), half_life=4.0)
    for low in range(300, len(frame), 60):
        append(live, frame[low : low + 60].reset_index(drop=True))
        found, now = live.rank(alpha_star=star, top=7), live.activity()
        scores = np.linalg.solve(np.eye(now.num_users) - found.alpha * now.matrix.toarray(),
                                 now.baseline)  # fmt: skip
        best = np.sort(scores)[::-1]
        assert found.certified or found.tied or best[6] - best[7] < 1e-9
        np.testing.assert_allclose(np.sort(found.table["score"])[::-1], best[:7], rtol=2e-2)
        for _, row in found.table.iterrows():
            true = scores[list(map(str, now.user_names)).index(row["user"])]
            assert row["lower"] * (1 - 1e-9) <= true <= row["upper"] * (1 + 1e-9)
        if found.certified:
            assert found.table["score"].min() + 1e-12 >= best[7]
        again = hj.katz.rank(now, alpha=found.alpha, top=7)
        if found.certified and again.certified:
            assert set(again.table["user"]) == set(found.table["user"])


def test_weights_far_apart_do_not_overflow():
    given = {"source": ["a", "b"], "target": ["b", "a"], "edges": "messages"}
    activity = hj.Activity.from_messages(time=[0, 1], bin=1, usual=(0, 2), **given)
    live = hj.katz.Live(activity, half_life=1.0)
    for time in (700, 701, 1400, 3000):
        live.append(time=[time], source=["c"], target=["a"])
        b = dict(zip(live.activity().user_names, live.activity().baseline, strict=True))
        assert b["c"] >= 1 and all(np.isfinite(v) for v in b.values())
    assert live.rank(alpha_star=0.5, top=1).table["user"].tolist() == ["c"]


def test_late_messages_are_refused_or_counted():
    frame = log_of(5)
    live = hj.katz.Live(read(frame[:200], edges="messages"), half_life=4.0)
    before = by_name(live.activity())
    old = frame[:5].reset_index(drop=True)
    with pytest.raises(ValueError, match="more than a bin older than the newest"):
        append(live, pd.concat([frame[200:210], old], ignore_index=True))
    assert by_name(live.activity()) == before
    told = append(live, pd.concat([frame[200:210], old], ignore_index=True), late="drop")
    assert told["messages"] == 10 and told["late"] == 5


def test_what_cannot_be_is_refused():
    bare = hj.Activity.from_matrix(np.eye(3, k=1), np.ones(3))
    with pytest.raises(ValueError, match="no log to append to"):
        hj.katz.Live(bare, half_life=1.0)
    frame = log_of(6)
    live = hj.katz.Live(read(frame[:200], edges="messages"), half_life=4.0)
    rest = frame[200:].reset_index(drop=True)
    dated = hj.katz.Live(read(log_of(6, dated=True), edges="messages", unit="hour"), half_life=4.0)
    with pytest.raises(ValueError, match="holds numbers"):
        append(dated, rest)
    with pytest.raises(ValueError, match="holds datetimes"):
        append(live, rest.assign(time=pd.Timestamp("2024-05-01")))
    with pytest.raises(ValueError, match="Give one of alpha_star"):
        live.rank()
    with pytest.raises(ValueError, match=r"alpha_star is 1\.0; it must be at least 0 and below 1"):
        live.rank(alpha_star=1.0)
    with pytest.raises(ValueError, match="finite only below"):
        live.rank(alpha=100.0)
    with pytest.raises(ValueError, match="late is 'keep'"):
        append(live, rest, late="keep")
    with pytest.raises(ValueError, match="missing user"):
        append(live, rest.assign(source=None))
    assert live.num_bins <= len(frame)


@pytest.mark.parametrize("whole", [0.0, np.inf])  # of the edges: all at once, or by pushes alone
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_kept_up_and_their_bounds_are_those_of_a_dense_solve(monkeypatch, whole, weighted):
    monkeypatch.setattr(push, "WHOLE", whole)
    monkeypatch.setattr(push, "LATE", 0.1)
    frame = log_of(7, size=560, users=80)
    live = hj.katz.Live(read(frame[:300], edges="messages", weighted=weighted), half_life=4.0)
    live.rank(alpha=0.02, top=5)
    bases = []
    monkeypatch.setattr(push, "certified_top", lambda *a, **k: bases.append(k) or top_of(*a, **k))
    for low in range(300, len(frame), 30):
        append(live, frame[low : low + 30].reset_index(drop=True))
        found = live.rank(alpha=0.02, top=5)
        kept: Any = live._standing
        A, w, x, size = kept.matrix.toarray(), kept.weight, kept.scores, len(kept.b)
        b = by_name(live.activity())[0]
        np.testing.assert_allclose(kept.b * live._grown.scale, list(b.values()), rtol=1e-12)
        system = np.eye(size) - 0.02 * A
        assert (0.02 * A @ w <= kept.contraction * w * (1 + 1e-11)).all()
        left = kept.b.astype(np.longdouble) - system.astype(np.longdouble) @ x
        assert (np.abs(left - kept.rest) <= kept.slop * w).all()
        assert (np.abs(kept.rest) <= kept.level * w * (1 + 1e-12)).all()
        assert (np.abs(np.linalg.solve(system, kept.b) - x) <= kept.error * w + 1e-14 * x).all()
        assert found.certified or found.tied
    assert len(bases) <= 1  # pushes do nearly all of it


def test_users_who_hear_the_same_share_their_place():
    given = {"time": [0, 1, 2, 2, 2, 2], "source": list("abcdef"), "target": list("baaaaa")}
    activity = hj.Activity.from_messages(**given, edges="reposts", bin=1, usual=(0, 3))
    live = hj.katz.Live(activity, half_life=2.0)
    live.rank(alpha=0.1, top=2)
    live.append(time=[3] * 6, source=list("acdefg"), target=list("bbbbbb"))
    found = live.rank(alpha=0.1, top=2)
    assert not found.certified and found.tied == 4
    assert set(found.table["user"]) <= set("cdef") and np.all(found.table["tied"])
