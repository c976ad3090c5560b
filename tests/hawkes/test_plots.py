"""Pictures: what is drawn, the labels, and that nothing global is left behind."""

import io
import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

import hawkesjax as hj

TRUTH = {
    "mu": np.array([[0.3, 0.1], [0.6, 0.2], [0.1, 0.4]]),
    "alpha": np.array([[0.5, 0.2], [0.1, 0.4]]),
    "gamma": np.array([[2.0, 3.0], [1.0, 5.0]]),
}
DIMS = {"mu": ("sequence", "mark"), "alpha": ("target", "source"), "gamma": ("target", "source")}


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(4)
    counts = [40, 0, 12]
    times = np.concatenate([np.sort(rng.uniform(5, 25, n)) for n in counts])
    sequence = np.repeat(np.arange(3), counts)
    return hj.EventPanel.from_arrays(
        times,
        rng.integers(0, 2, len(times)),
        sequence=sequence,
        window=(5.0, 25.0),
        mark_names=["online", "offline"],
        sequence_names=["ann", "bob", "cid"],
        unit="day",
    )


@pytest.fixture(scope="module")
def posterior(panel):
    """Draws around the truth, as `sample` would give them."""
    rng, coords = np.random.default_rng(0), hj.Hawkes().coords(panel)
    draws = xr.Dataset(
        {
            name: (
                ("chain", "draw", *DIMS[name]),
                value * rng.uniform(0.8, 1.2, (2, 60, *value.shape)),
            )
            for name, value in TRUTH.items()
        },
        coords={dim: coords[dim] for dim in ("sequence", "mark", "target", "source")},
    )
    return hj.HawkesPosterior.from_parts(hj.Hawkes(), panel, draws, xr.Dataset(), {})


def texts(figure):
    found = [figure.get_supylabel(), figure.get_supxlabel()]
    for axis in figure.axes:
        found += [axis.get_title(side) for side in ("left", "center")]
        found += [axis.get_xlabel(), axis.get_ylabel()]
        found += [label.get_text() for label in axis.get_yticklabels()]
    for legend in [*figure.legends, *(axis.get_legend() for axis in figure.axes)]:
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    for part in (figure, *figure.axes):
        found += [text.get_text() for text in part.texts]
    return [text for text in found if text]


TOLD = hj.Forecast(
    np.random.default_rng(0).poisson(1, (50, 5, 3, 2)), 4.0, ("ann", "bob", "cid"),
    ("online", "offline"), "day",
)  # fmt: skip

CHECK = hj.PredictiveCheck(
    np.array([40.0, 0.5, np.nan, 3.0]),
    np.random.default_rng(1).gamma(4, 1, (50, 4)) * [10, 0.1, np.nan, 1],
    pd.MultiIndex.from_tuples(
        [("all", "online", "events"), ("all", "online", "mean gap"), ("all", "offline", "mean gap"),
         ("all", "all", "a rhythm")]
    ),
    "day",
)  # fmt: skip

CASES = {
    "intensity of draws": (
        lambda post, panel: hj.plots.intensity(post, panel),
        ["ann", "bob", "cid", "online", "offline", "time (days)", "expected events per day"],
    ),
    "intensity of values": (
        lambda post, panel: hj.plots.intensity(TRUTH, panel, sequences="cid", marks=["offline"]),
        ["cid", "offline", "1 of 3 sequences"],
    ),
    "intensity of a window": (
        lambda post, panel: hj.plots.intensity(
            post, panel, sequences=[2, "bob"], window=(10, 12), draws=5
        ),
        ["cid", "bob"],
    ),
    "parameters": (
        lambda post, panel: hj.plots.parameters(post, truth=TRUTH, unit=panel.unit),
        ["ann, online", "offline → online", "truth", "median, 95 %", "γ, decay rate (per day)"],
    ),
    "some parameters": (
        lambda post, panel: hj.plots.parameters(post, var_names=["alpha"]),
        ["online → offline"],
    ),
    "trace": (
        lambda post, panel: hj.plots.trace(post),
        ["α  offline → online", "γ  online → offline", "chain 1", "chain 2", "draw"],
    ),
    "trace of mu": (
        lambda post, panel: hj.plots.trace(post, var_names=["mu"], max_rows=2),
        ["μ  ann, online", "μ  ann, offline"],
    ),
    "network": (
        lambda post, panel: hj.plots.network(post),
        ["online", "offline", "set off directly", "median and 95 %", "["],
    ),
    "a sparser network": (lambda post, panel: hj.plots.network(post, least=0.3), ["2 arrows"]),
    "kernels": (
        lambda post, panel: hj.plots.kernels(post, unit="day"),
        ["rate of online, events per day", "after offline: half-life", "since the event (days)"],
    ),
    "forecast": (
        lambda post, panel: hj.plots.forecast(TOLD, observed=TOLD.counts[0]),
        ["online", "ann", "cid", "observed", "events in 4 days"],
    ),
    "fan": (
        lambda post, panel: hj.plots.fan(TOLD, observed=panel),
        [
            "online",
            "offline",
            "95 %",
            "50 %",
            "observed",
            "after the window (days)",
            "events so far",
        ],
    ),
    "fan of one": (
        lambda post, panel: hj.plots.fan(TOLD, sequences="cid"),
        ["online of cid", "median"],
    ),
    "prior and posterior": (
        lambda post, panel: hj.plots.prior_posterior(post),
        ["α  online → online", "γ  offline → online (per day)", "prior", "posterior", "density"],
    ),
    "prior and posterior of mu": (
        lambda post, panel: hj.plots.prior_posterior(
            replace(post, model=hj.Hawkes(stationary=True)), var_names=["mu", "alpha"], max_rows=3
        ),
        ["μ  ann, online (per day)", "μ  bob, online (per day)", "α  online → offline"],
    ),
    "predictive": (
        lambda post, panel: hj.plots.predictive(CHECK),
        [
            "online: events",
            "online: mean gap (days)",
            "offline: mean gap (days)",
            "not defined",
            "all: a rhythm",
            "p = ",
            "replicates",
            "observed",
        ],
    ),
    "residuals": (
        lambda post, panel: hj.plots.residuals(post, panel),
        ["unit exponential quantile", "rescaled waiting time"],
    ),
}


@pytest.mark.parametrize(("make", "words"), CASES.values(), ids=list(CASES))
def test_pictures_say_what_they_show_and_leave_nothing(make, words, posterior, panel):
    before = dict(mpl.rcParams)
    figure = make(posterior, panel)
    assert isinstance(figure, Figure)
    assert dict(mpl.rcParams) == before
    for word in words:
        assert any(word in text for text in texts(figure)), (word, texts(figure))
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=50)
    assert png.getbuffer().nbytes > 2000


@pytest.mark.parametrize("form", ["pdf", "svg"])
def test_a_picture_is_saved_in_any_format(form, posterior, panel, tmp_path):
    path = tmp_path / f"intensity.{form}"
    hj.plots.intensity(posterior, panel).savefig(path)
    assert path.read_bytes()[:5] in (b"%PDF-", b"<?xml")


def test_prior_and_posterior_are_densities(posterior, panel):
    """Each curve has area one over all but its tails, on the axis's own scale."""
    figure = hj.plots.prior_posterior(posterior, panel, var_names=["alpha", "gamma"])
    for axis in figure.axes:
        log = axis.get_xscale() == "log"
        for line in axis.lines:
            at, height = line.get_data()
            at = np.log(at) if log else at
            area = np.sum(height) * (at[1] - at[0])
            assert (0.97 if line.get_label() == "posterior" else 0.8) < area < 1.03


def test_curves_are_the_intensity_and_bands_hold_them(posterior, panel):
    figure = hj.plots.intensity(TRUTH, panel, sequences=["bob"])
    (online, offline) = (line for line in figure.axes[0].lines if len(line.get_xdata()) > 2)
    np.testing.assert_allclose(online.get_ydata(), 0.6)  # no events: the baseline
    np.testing.assert_allclose(offline.get_ydata(), 0.2)
    assert online.get_xdata()[[0, -1]].tolist() == [5.0, 25.0]
    banded = hj.plots.intensity(posterior, panel, sequences=["bob"])
    assert len(banded.axes[0].collections) == 2 + 2  # a band and a rug a mark


def test_a_panel_without_events_has_pictures():
    empty = hj.EventPanel.from_arrays(
        [], np.zeros(0, int), sequence=np.zeros(0, int), window=(0, 1),
        mark_names=["x", "y"], sequence_names=["a", "b", "c"],
    )  # fmt: skip
    for figure in (hj.plots.intensity(TRUTH, empty), hj.plots.residuals(TRUTH, empty)):
        figure.savefig(io.BytesIO(), format="png", dpi=50)


REFUSED = {
    "sequence": (lambda post, panel: hj.plots.intensity(post, panel, sequences="dan"), "'dan'"),
    "index": (lambda post, panel: hj.plots.intensity(post, panel, sequences=[3]), "there are 3"),
    "mark": (lambda post, panel: hj.plots.intensity(post, panel, marks=["x"]), "No mark 'x'"),
    "nothing": (lambda post, panel: hj.plots.intensity(post, panel, marks=[]), "No mark was"),
    "truth": (
        lambda post, panel: hj.plots.parameters(post, truth={"alpha": [1.0]}),
        "1 values for 4 rows",
    ),
    "observed": (lambda post, panel: hj.plots.forecast(TOLD, observed=[1, 2]), "has shape"),
    "one step": (
        lambda post, panel: hj.plots.fan(
            hj.Forecast(TOLD.steps[:, :1], 4.0, TOLD.sequence_names, TOLD.mark_names, "day")
        ),
        "bins=",
    ),
    "other events": (
        lambda post, panel: hj.plots.fan(TOLD, observed=panel.select("ann")),
        "other sequences",
    ),
    "network of values": (lambda post, panel: hj.plots.network(TRUTH), "needs a Posterior"),
    "too many": (lambda post, panel: hj.plots.parameters(post, max_rows=0), "at least 1"),
    "parameter": (lambda post, panel: hj.plots.trace(post, var_names=["nu"]), "'nu'"),
    "prior": (
        lambda post, panel: hj.plots.prior_posterior(
            replace(post, model=hj.Hawkes(gamma=2.0)), panel, var_names=["gamma"]
        ),
        "No prior of",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=list(REFUSED))
def test_refusals(make, words, posterior, panel):
    with pytest.raises(ValueError, match=words):
        make(posterior, panel)


def test_matplotlib_is_imported_only_when_called():
    code = (
        "import sys, hawkesjax.plots; assert 'matplotlib' not in sys.modules, 'at import';"
        "hawkesjax.plotting.style.canvas(1).__enter__();"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
