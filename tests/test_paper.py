"""Formulas of the paper-and-pencil page, against the arrays of small cases; the README's table."""

from pathlib import Path

import jax
import numpy as np
import pytest

import hawkesjax as hj
from benchmarks import paper, report

WIDTH = 8 if jax.config.jax_enable_x64 else 4


def bytes_of(prepared):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(prepared))


@pytest.mark.parametrize(("form", "marks"), [("lanes", 2), ("pairs", 20)])
def test_bytes_of_a_stream(form, marks):
    rng, events = np.random.default_rng(0), 200_000
    times = np.cumsum(rng.exponential(1.0, events))
    panel = hj.EventPanel.from_arrays(times, rng.integers(0, marks, events), window=(0, times[-1]))
    prepared = hj.Hawkes(form=form).prepare(panel)
    expected = {"lanes": paper.hawkes_lanes, "pairs": paper.hawkes_pairs}[form](marks, WIDTH)
    # what is by lane, by chunk or padding
    assert expected <= bytes_of(prepared) / events < 1.1 * expected


def test_bytes_between_two_devices():
    if len(jax.local_devices()) < 2:
        pytest.skip("needs two devices")
    lanes, sent = paper.moved()
    assert sent == pytest.approx(paper.sent(lanes, 2, 2, WIDTH), rel=0.05)


def test_bytes_of_cascades():
    rng, posts = np.random.default_rng(0), 300
    post = np.repeat(np.arange(posts), rng.geometric(0.1, posts))
    made = np.sort(rng.uniform(0, 200, posts))
    times = made[post] + rng.exponential(5, len(post))
    data = hj.Cascades.from_arrays(
        made,
        rng.integers(10, 5000, posts),
        times,
        rng.integers(1, 3000, len(post)),
        post,
        sentiment=rng.integers(0, 3, posts),
        window=(0, 500),
        unit="hour",
    )
    prepared = hj.RetweetHawkes().prepare(data)
    expected = paper.retweet(prepared.sizes, WIDTH)
    assert expected <= bytes_of(prepared) < 1.01 * expected


def test_bytes_of_activity():
    listens = np.kron(np.eye(50), [[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    network = hj.Activity.from_matrix(listens, np.ones(150))
    truth = {"alpha": 0.3, "shape": 0.5, "mean": 0.05}
    model = hj.KatzSpike()
    activity = hj.simulate(model, truth, network, bins=20, key=jax.random.key(0))
    prepared = model.prepare(activity)
    expected = paper.katz(prepared.sizes, WIDTH)
    assert expected <= bytes_of(prepared) < expected + 20 * WIDTH  # numbers of the whole network


def test_the_readme_shows_the_kept_results():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    assert report.summary() in text
