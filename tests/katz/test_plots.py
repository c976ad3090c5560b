"""Figures of a spike: what is drawn, the labels, and refusals."""

import io

import jax
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import hawkesjax as hj


@pytest.fixture(scope="module")
def activity():
    rng = np.random.default_rng(5)
    times = np.concatenate(
        [rng.integers(0, 200, 300), rng.integers(200, 215, 200), rng.integers(215, 260, 40)]
    )
    people = (30 * rng.random((2, len(times))) ** 2).astype(int)
    return hj.Activity.from_messages(
        time=pd.Timestamp("2024-05-01", tz="UTC") + pd.to_timedelta(times, unit="m"),
        source=[f"user {n}" for n in people[0]], target=[f"user {n}" for n in people[1]],
        edges="reposts", bin=1, unit="minute",
        spike=("2024-05-01T03:20Z", "2024-05-01T03:40Z"),
        usual=("2024-05-01T00:00Z", "2024-05-01T03:20Z"),
    )  # fmt: skip


def saved(figure):
    out = io.BytesIO()
    figure.savefig(out)
    return len(out.getvalue())


def test_volume_marks_the_windows(activity):
    figure = hj.plots.katz.volume(activity)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said == ["business as usual", "spike"]
    assert figure.axes[0].get_ylabel() == "posts per minute"
    assert figure.axes[-1].get_xlabel().startswith("time (UTC); bins 40 to 240 of 259")
    assert len(hj.plots.katz.volume(activity, responsiveness=False).axes) == 1
    assert saved(figure) > 1000


def test_volume_shows_gaps_of_the_record():
    rng = np.random.default_rng(2)
    times = np.sort(rng.uniform(0, 100, 200))
    times = times[(times < 30) | (times >= 40)]
    people = [f"u{n}" for n in rng.integers(0, 9, 2 * len(times))]
    gappy = hj.Activity.from_messages(
        time=times, source=people[: len(times)], target=people[len(times) :], edges="reposts",
        bin=1, unit="minute", usual=(0, 80), gaps=(30, 40),
    )  # fmt: skip
    figure = hj.plots.katz.volume(gappy, responsiveness=False)
    (hole,) = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    np.testing.assert_allclose(hole.get_extents().width, _width(figure, 30, 40))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["gap of the record"]


def _width(figure, low, high):
    """Of a stretch of minutes, in pixels; the axis may count hours."""
    per = 60 if "hours" in figure.axes[0].get_xlabel() else 1
    ends = figure.axes[0].transData.transform([[low / per, 0], [high / per, 0]])
    return ends[1, 0] - ends[0, 0]


def test_axes_of_the_user_are_drawn_into(activity):
    one = hj.katz.evaluate(activity, key=jax.random.key(0), top=5, block=1, placebos=2)
    plots = hj.plots.katz
    for draw in (
        lambda ax: plots.volume(activity, responsiveness=False, ax=ax),
        lambda ax: plots.change(one, ax=ax),
        lambda ax: plots.stability(activity, top=4, ax=ax),
        lambda ax: plots.influence(activity, alpha_star=0.5, top=4, ax=ax),
    ):
        figure = Figure()
        axis = figure.subplots()
        assert draw(axis) is figure and axis.has_data()
    with pytest.raises(ValueError, match="choose one of its rows"):
        plots.volume(activity, ax=axis)
    with pytest.raises(ValueError, match="choose one of its evaluations"):
        plots.change(one, one, ax=axis)


def test_change_draws_what_the_table_says(activity):
    one = hj.katz.evaluate(activity, key=jax.random.key(0), top=5, block=1, placebos=2)
    figure = hj.plots.katz.change(one, one, labels=["a", "b"])
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == len(one.table)]
    np.testing.assert_allclose(lines[0].get_ydata(), one.table["change"])
    assert figure.axes[0].get_ylabel() == "change in posts of the top 5"
    left, right = hj.plots.katz.comparison(one).axes
    table = one.comparison.iloc[::-1]
    assert [bar.get_width() for bar in left.patches] == table["activity"].tolist()
    assert [text.get_text() for text in left.get_yticklabels()] == table.index.tolist()
    assert "posts more by the network" in right.get_xlabel()
    assert saved(figure) > 1000
    with pytest.raises(ValueError, match="at least one"):
        hj.plots.katz.change()


def test_stability_names_both_ends(activity):
    figure = hj.plots.katz.stability(activity, top=6)
    names = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    scores = hj.katz.solve(activity, alpha_star=0.95)
    assert names[0] == activity.user_names[int(np.argmax(scores))]
    assert saved(figure) > 1000


def test_influence_draws_the_top(activity):
    figure = hj.plots.katz.influence(activity, alpha_star=0.5, top=7)
    said = [text.get_text() for text in figure.axes[0].texts]
    first = hj.katz.rank(activity, alpha_star=0.5, top=1).table["user"].iloc[0]
    assert len(said) == 7 + 1 and said[-1].startswith("the top 7 of 30 users")
    assert said[0] == f"1  {first}"
    assert saved(figure) > 1000


def test_a_matrix_has_no_volume():
    with pytest.raises(ValueError, match="no volume"):
        hj.plots.katz.volume(hj.Activity.from_matrix(np.ones((2, 2)), 1.0))
    alone = hj.Activity.from_matrix(np.zeros((1, 1)), 1.0)
    assert saved(hj.plots.katz.influence(alone, alpha=0.5)) > 1000


def test_other_kinds_of_values_are_refused_in_words(activity):
    for figure in (hj.plots.katz.volume, hj.plots.katz.stability, hj.plots.katz.influence):
        with pytest.raises(ValueError, match="activity is a dict; it must be an Activity"):
            figure({})
    with pytest.raises(ValueError, match="draws KatzEvaluation, not Activity; of Activity"):
        hj.plots.katz.change(activity)


def test_simulated_activity_has_a_volume(activity):
    params = {"alpha": 0.01, "shape": 1.0, "mean": 0.1}
    drawn = hj.simulate(hj.KatzSpike(), params, activity, bins=30, key=jax.random.key(1))
    assert "posts" in repr(drawn)
    assert saved(hj.plots.katz.volume(drawn)) > 1000
