"""Both type checkers, over what a user writes: right code passes, and wrong code does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """
from typing import assert_type

import jax
import pandas as pd
import hawkesjax as hj

df = pd.DataFrame({"day": [0.5, 1.0], "kind": ["a", "b"]})
panel = hj.EventPanel.from_dataframe(df, time="day", mark="kind", window=(0, 365))
model = hj.Hawkes()
mle = hj.fit(model, panel)
assert_type(mle, hj.HawkesEstimate)
post = hj.sample(model, panel, key=jax.random.key(0), init=mle)
assert_type(post, hj.HawkesPosterior)
assert_type(post.spillover(), pd.DataFrame)
future = hj.forecast(model, post, panel, horizon=30, key=jax.random.key(1))
assert_type(future, hj.Forecast)
assert_type(future.summary(), pd.DataFrame)
assert_type(hj.simulate(model, mle, window=(0, 10), key=jax.random.key(2)), hj.EventPanel)
assert_type(hj.residuals(model, post, panel, join=True), pd.DataFrame)
assert_type(hj.evaluate(model, post, panel, cut=300, key=jax.random.key(3)), hj.Evaluation)
hj.plots.intensity(post, panel).savefig("intensity.png")

cascades = hj.read_cascades("tweets.csv", time="created_at", followers="n", repost_of="of")
retweet = hj.sample(hj.RetweetHawkes(), cascades, key=jax.random.key(4))
assert_type(retweet, hj.RetweetPosterior)
assert_type(retweet.p0(key=jax.random.key(5)), pd.DataFrame)
activity = hj.Activity.from_matrix([[0, 1], [1, 0]], 0.5)
assert_type(hj.fit(hj.KatzSpike(), activity), hj.Estimate)
assert_type(hj.katz.rank(activity, alpha_star=0.5), hj.katz.Ranking)
"""

WRONG = {
    'hj.fit(hj.Hawkes(), "text")': "text",
    'hj.Hawkes(decay="often")': "often",
    "hj.fit(hj.KatzSpike(), hj.EventPanel.from_lists([([0.5],)], window=(0, 1)))": "EventPanel",
    "hj.forecast(hj.Hawkes(), {}, PANEL, horizont=3)": "horizont",
    "hj.simulate(hj.Hawkes(), {}, window=(0, 1))": "key",
    "hj.fit(hj.Hawkes(), PANEL).nonsense()": "nonsense",
}
HEAD = "import hawkesjax as hj\nPANEL = hj.EventPanel.from_lists([([0.5],)], window=(0, 1))\n"


def checked(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )


CHECKERS = {
    "pyright": ["pyright", "--pythonpath", sys.executable, "."],
    "mypy": [
        "mypy",
        "--python-executable",
        sys.executable,
        "--disable-error-code=import-untyped",
        ".",
    ],
}


@pytest.mark.parametrize("name", CHECKERS)
def test_right_code_passes_and_each_wrong_line_does_not(name: str, tmp_path: Path) -> None:
    """In one run: the files are modules of one project."""
    (tmp_path / "right.py").write_text(RIGHT)
    for number, line in enumerate(WRONG):
        (tmp_path / f"wrong_{number}.py").write_text(HEAD + line + "\n")
    done = checked(CHECKERS[name], tmp_path)
    errors = [line for line in done.stdout.splitlines() if "error" in line and ".py:" in line]
    assert not [line for line in errors if "right.py" in line], done.stdout
    for number, line in enumerate(WRONG):
        assert any(f"wrong_{number}.py" in error for error in errors), (line, done.stdout)
