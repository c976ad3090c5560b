"""The evaluation on a spike: by hand on small cases, and the reference figures on the Higgs log."""

import dataclasses
import json

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.katz.data.attention import ActivityWarning
from tests.katz import steady_reference as katz_reference

KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def activity():
    """Two hundred messages as usual and a spike whose authors heard the busy ones before."""
    rng = np.random.default_rng(11)
    users = 40
    rows = [(int(rng.integers(100)), *(users * rng.random(2) ** 2).astype(int)) for _ in range(200)]
    rows += [
        (int(rng.integers(100, 130)), *(users * rng.random(2) ** 1.5).astype(int))
        for _ in range(150)
    ]
    rows += [(int(rng.integers(100, 130)), 90 + n, 1) for n in range(10)]
    frame = pd.DataFrame(rows, columns=["time", "source", "target"])
    return hj.Activity.from_messages(
        frame, time="time", source="source", target="target", edges="reposts", bin=1,
        usual=(0, 100), spike=(100, 130),
    )  # fmt: skip


def test_the_table_equals_the_definition(activity):
    found = hj.katz.evaluate(activity, key=KEY, top=8, block=2, alpha_star=[0.3, 0.8], placebos=0)
    value = katz_reference.radius(activity.matrix.toarray())
    posts = activity.posts(activity.spike)
    assert found.table.index.tolist() == [0.0, 0.3, 0.8]
    base = katz_reference.expected_top(activity.baseline, posts, 8)
    assert found.table["activity"].iloc[0] == pytest.approx(base, abs=0.3)
    for star in (0.3, 0.8):
        scores = katz_reference.scores(activity.matrix.toarray(), activity.baseline, star / value)
        row = found.table.loc[star]
        expected = katz_reference.expected_top(np.round(scores, 9), posts, 8)
        assert row["activity"] == pytest.approx(expected, abs=0.3)
        assert row["change"] == pytest.approx(
            row["activity"] - found.table["activity"].iloc[0], abs=1e-9
        )
        assert row["lower"] <= row["change"] <= row["upper"]
        assert 0 <= row["precision"] <= 1 and 0 <= row["ndcg"] <= 1
    assert found.oracle == np.sort(posts)[-8:].sum()
    assert found.unseen_share == pytest.approx(
        activity.unseen[100:130].sum() / activity.volume[100:130].sum()
    )


def test_a_perfect_ranking_scores_one(activity):
    posts = activity.posts(activity.spike).astype(float)
    perfect = dataclasses.replace(activity, baseline=posts)
    row = hj.katz.evaluate(
        perfect, key=KEY, top=5, block=2, alpha_star=[0.0], placebos=0
    ).table.iloc[0]
    # ties of the true top leave the overlap of two random choices among them
    assert row["ndcg"] == pytest.approx(1.0) and row["precision"] > 0.7


def test_few_blocks_are_said_and_one_gives_no_interval(activity):
    options = {"key": KEY, "top": 8, "alpha_star": [0.8], "placebos": 0}
    with pytest.warns(hj.katz.KatzWarning, match="1 blocks"):
        whole = hj.katz.evaluate(activity, block=30, **options)
    assert whole.table[["lower", "upper"]].isna().all(axis=None)
    with pytest.warns(hj.katz.KatzWarning, match="6 blocks"):
        hj.katz.evaluate(activity, block=5, **options)
    parts = hj.katz.evaluate(activity, block=2, **options)
    assert parts.table["upper"].iloc[1] > parts.table["lower"].iloc[1]


def spiked(matrix, baseline):
    """A network, and one bin in which the users with the fewest posts post most."""
    users = len(matrix)
    return dataclasses.replace(
        hj.Activity.from_matrix(matrix, baseline),
        active_user=np.arange(users, dtype=np.int32),
        active_bin=np.zeros(users, np.int32),
        active_posts=np.arange(users, dtype=np.int32)[::-1].copy(),
        volume=np.array([users * (users - 1) // 2]),
        unseen=np.array([0]),
        heard=np.zeros(1),
        spike=(0, 1),
    )


def test_a_placebo_on_a_network_that_is_alike_for_all_changes_nothing():
    users = 12
    activity = spiked(np.ones((users, users)) - np.eye(users), np.arange(1.0, users + 1))
    with pytest.warns(hj.katz.KatzWarning, match="1 blocks"):
        found = hj.katz.evaluate(activity, key=KEY, top=4, placebos=3)
    table = found.table
    assert np.abs(table["placebo"]).max() == 0 and np.abs(table["change"]).max() == 0
    assert found.redrawn == 0


def test_placebos_without_a_cycle_are_drawn_anew_and_counted():
    pair = np.zeros((4, 4))
    pair[0, 1] = pair[1, 0] = 1
    with pytest.warns(hj.katz.KatzWarning, match="1 blocks"):
        found = hj.katz.evaluate(
            spiked(pair, np.array([1.0, 2.0, 3.0, 0.0])), key=jax.random.key(0), top=2,
            placebos=6, form="multiplicative", alpha_star=[0.5],
        )  # fmt: skip
    assert found.redrawn > 0 and f"drawn anew: {found.redrawn}" in repr(found)
    assert np.isfinite(found.table["placebo"]).all()


def test_the_same_key_gives_the_same_numbers(activity):
    options = {"top": 8, "block": 2, "alpha_star": [0.5], "placebos": 3}
    first, second = (hj.katz.evaluate(activity, key=KEY, **options) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    other = hj.katz.evaluate(activity, key=jax.random.key(4), **options)
    assert not first.table["placebo"].equals(other.table["placebo"])


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_sweep_follows_the_ranking(activity, form):
    table = hj.katz.sweep(activity, alpha_star=[0.0, 0.4, 0.8], top=6, form=form)
    assert table.loc[0.0, "kept"].iloc[0] == 1
    for star in (0.4, 0.8):
        ranking = hj.katz.rank(activity, alpha_star=star, top=6, form=form)
        assert set(table.loc[star, "user"]) == set(ranking.table["user"]) or ranking.tied
        assert 0 <= table.loc[star, "kept"].iloc[0] <= 1
        both = table.loc[star].merge(ranking.table, on="user")
        slack = 1e-7 * both["score_x"].max()
        assert (both["lower"] - slack <= both["score_x"]).all()
        assert (both["score_x"] <= both["upper"] + slack).all()


def test_half_life_and_decay():
    assert hj.katz.half_life(0.5) == pytest.approx(1.0)
    assert hj.katz.half_life(0.0) == 0.0
    assert hj.katz.implied_alpha_star(2) == pytest.approx(0.5)
    # 249 minutes to a quarter: two half-lives
    assert 2 * hj.katz.half_life(hj.katz.implied_alpha_star(249)) == pytest.approx(249)
    ring = np.roll(np.eye(5), 1, axis=1)
    left = hj.katz.decay(hj.Activity.from_matrix(ring, 1.0), alpha_star=0.5, bins=4)
    np.testing.assert_allclose(left, 0.5 ** np.arange(5))
    chain = hj.Activity.from_matrix(np.tril(np.ones((3, 3)), -1), 1.0)
    assert hj.katz.decay(chain, alpha=1.0, bins=5).tolist()[3:] == [0.0, 0.0, 0.0]
    for bad in (1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="half-life"):
            hj.katz.half_life(bad)
    with pytest.raises(ValueError, match="start needs"):
        hj.katz.decay(chain, alpha=1.0, start=[0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "top is"),
        ({"level": 1.0}, "level is"),
        ({"block": 0}, "block is"),
        ({"placebos": -1}, "placebos is"),
        ({"alpha_star": [1.0]}, "below 1"),
    ],
)
def test_bad_arguments_are_refused(activity, options, message):
    with pytest.raises(ValueError, match=message):
        hj.katz.evaluate(activity, key=KEY, **options)


def test_without_a_spike_there_is_nothing_to_score(activity):
    with pytest.raises(ValueError, match="no spike"):
        hj.katz.evaluate(activity.slide((0, 100)), key=KEY)
    quiet = hj.Activity.from_messages(
        time=[0, 1, 2], source=[1, 2, 9], target=[2, 1, 8], edges="reposts", bin=1, usual=(0, 2),
        spike=(2, 3),
    )  # fmt: skip
    with pytest.raises(ValueError, match="nothing to score"):
        hj.katz.evaluate(quiet, key=KEY)
    with pytest.warns(ActivityWarning, match="no edge"):
        hj.Activity.from_messages(
            time=[0, 1, 2], source=[1, 2, 1], target=[1, 2, 2], edges="reposts", bin=1,
            usual=(0, 2),
        )  # fmt: skip


def test_detection_refuses_what_has_no_peak():
    assert hj.katz.detect_spike(np.array([0, 8, 4, 2, 1])) == ((1, 4), True)
    with pytest.raises(ValueError, match="No post"):
        hj.katz.detect_spike(np.zeros(4))
    with pytest.raises(ValueError, match="fraction"):
        hj.katz.detect_spike(np.ones(4), fraction=0)


@pytest.mark.parametrize(
    ("edges", "name"), [("reposts", "rt"), ("messages", "msg"), ("attention", "att")]
)
def test_higgs_protocol_is_the_reference(real_data, reference_results, edges, name):
    expected = json.loads(reference_results(f"katz/protocol_higgs_{name}.json").read_text())
    activity = hj.read_messages(
        real_data("higgs2012") / "events.csv.gz", kind="kind", edges=edges, bin=60,
        unit="second", usual=(0, 4320 * 60), spike="detect",
    )  # fmt: skip
    assert hj.katz.radius(activity).value == pytest.approx(expected["rho"], rel=1e-9)
    top = 100
    found = hj.katz.evaluate(activity, key=KEY, top=top, placebos=0)
    wanted = expected["results"][str(top)]
    assert found.oracle == pytest.approx(wanted["oracle_activity"])
    assert found.limit == pytest.approx(wanted["alpha0plus_activity"])
    first = found.table.iloc[0]
    assert first["activity"] == pytest.approx(wanted["alpha0_activity"])
    assert first["precision"] == pytest.approx(wanted["alpha0_precision"])
    assert first["ndcg"] == pytest.approx(wanted["alpha0_ndcg"])
    for row, other in zip(found.table.iloc[1:].itertuples(), wanted["sweep"], strict=True):
        assert row.Index == pytest.approx(other["alpha_star"])
        assert row.activity == pytest.approx(other["activity"], abs=1e-6)
        assert row.precision == pytest.approx(other["precision"], abs=1e-9)
        assert row.ndcg == pytest.approx(other["ndcg"], abs=1e-6)
        np.testing.assert_allclose([row.lower, row.upper], other["ci95"], atol=15)
    if edges == "reposts":
        best = found.table.loc[0.4]
        assert best["change"] == pytest.approx(170.33, abs=0.01)
        np.testing.assert_allclose([best["lower"], best["upper"]], [110, 235], atol=10)
