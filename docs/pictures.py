"""Draws the README's picture: `python docs/pictures.py` writes docs/_static/first.png."""

from pathlib import Path

import jax
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

import hawkesjax as hj

jax.config.update("jax_enable_x64", True)


def draw() -> plt.Figure:
    """The rates of two kinds of events beside the network of their effects."""
    made, _ = hj.datasets.spillover(key=jax.random.key(0), users=10, days=200)
    table = made.to_dataframe()
    table["time"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(table["time"], unit="D")
    window = ("2024-01-01T00:00Z", "2024-07-19T00:00Z")
    panel = hj.EventPanel.from_dataframe(
        table, time="time", mark="mark", sequence="sequence", window=window, unit="day",
        mark_names=["online", "offline"],
    )  # fmt: skip
    fit = hj.fit(hj.Hawkes(baseline="shared"), panel)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 2.9), width_ratios=(1.15, 1), layout="constrained"
    )
    hj.plots.intensity(fit, panel, sequences="user 01", window=(0, 60), ax=left)
    left.set(title="", xlabel="")
    left.set_title("user 01: the rate of each kind above its events", loc="left")
    hj.plots.network(fit, ax=right)
    right.set_title("which kind sets off which, and how many", loc="left")
    return figure


if __name__ == "__main__":
    draw().savefig(Path(__file__).parent / "_static" / "first.png", dpi=120)
