"""Figures of posts and reposts: what they show is what they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import hawkesjax as hj
from hawkesjax.evaluation.forecasters import Constant, HourOfWeek
from hawkesjax.evaluation.rolling import rolling
from tests.evaluation.test_rolling import series
from tests.retweet.test_forecast import DATA, MODEL, PARAMS, dated, tell


@pytest.fixture(scope="module")
def estimate():
    return hj.fit(MODEL, dated())


def save(figure, folder):
    path = folder / "picture.png"
    figure.savefig(path)
    assert path.stat().st_size > 5_000


def test_infectivity(tmp_path):
    figure = hj.plots.infectivity(PARAMS, DATA, model=MODEL, sentiment=(1, 3))
    line = figure.axes[1].lines[1]
    ages, values = line.get_data()
    exact = (1 - 3 * 0.2 * np.sin(2 * np.pi * (ages + 3) / 24)) * np.exp(-ages / 30)
    np.testing.assert_allclose(values, exact, rtol=1e-6)
    assert line.get_label() == "S = 3"
    save(figure, tmp_path)
    with pytest.raises(ValueError, match="levels below 5"):
        hj.plots.infectivity(PARAMS, DATA, model=MODEL, sentiment=(5,))


def test_the_band_of_an_estimate_is_that_of_its_swing(estimate):
    """At midnight the swing is 1 - S v, a quarter of a period later 1 - S u."""
    period, tau = estimate.constants["period"], float(estimate.params["tau"])
    figure = hj.plots.infectivity(
        estimate, estimate.data, sentiment=(1,), horizon=3.99 * period / 4
    )
    edge = figure.axes[1].collections[0].get_paths()[0].vertices
    for age, part in ((0.0, 1), (period / 4, 0)):
        ends = np.unique(edge[np.isclose(edge[:, 0], age), 1].round(9))
        low, high = estimate.lower["swing"][part], estimate.upper["swing"][part]
        wanted = (1 - np.array([high, low])) * np.exp(-age / tau)
        np.testing.assert_allclose(ends, wanted, rtol=1e-5, atol=1e-6)


def test_counts_with_and_without_dates(tmp_path):
    told = tell(draws=5)
    came = np.arange(24.0)
    figure = hj.plots.counts(told, observed=came)
    np.testing.assert_array_equal(figure.axes[0].lines[-1].get_ydata(), came)
    with pytest.raises(ValueError, match="shape"):
        hj.plots.counts(told, observed=came[:-1])
    data = dated()
    told = tell(params=PARAMS | {"beta": np.array([0.0, 1.0])}, data=data, draws=5)
    figure = hj.plots.counts(told, covariates=data.covariates, features=["halfday"])
    assert "Europe/Madrid" in figure.axes[0].get_xlabel()
    axis = Figure().subplots()
    assert hj.plots.counts(told, ax=axis).axes == [axis] and axis.get_legend()
    save(figure, tmp_path)
    with pytest.raises(ValueError, match="No feature 'rain'"):
        hj.plots.counts(told, covariates=data.covariates, features=["rain"])


def test_drivers(estimate, tmp_path):
    figure = hj.plots.drivers(estimate)
    bar = figure.axes[0].patches[0]
    ratio = estimate.rate_ratios().loc["halfday", "50%"]
    assert bar.get_height() == pytest.approx(np.log2(ratio))
    save(figure, tmp_path)
    mine = Figure()
    round_one = mine.add_subplot(projection="polar")
    assert hj.plots.drivers(estimate, ax=round_one) is mine and round_one.patches
    with pytest.raises(ValueError, match="ax must be polar"):
        hj.plots.drivers(estimate, ax=Figure().subplots())
    alone = hj.fit(MODEL, DATA, errors=False)
    with pytest.raises(ValueError, match="only feature"):
        hj.plots.drivers(alone)


WRONG = [
    (lambda: hj.plots.counts(PARAMS), "plots.counts draws what forecast of a RetweetHawkes"),
    (lambda: hj.plots.drivers(PARAMS), "plots.drivers draws an Estimate or a Posterior"),
    (lambda: hj.plots.scores(DATA), "plots.scores draws what rolling returned, not Cascades"),
    (lambda: hj.plots.rescaled(PARAMS), "plots.rescaled draws the table that residuals"),
    (lambda: hj.plots.infectivity(DATA), "plots.infectivity draws an Estimate, a Posterior or"),
    (lambda: hj.plots.infectivity(PARAMS, DATA), "does not name its model: pass model="),
    (lambda: hj.plots.infectivity(PARAMS, model=MODEL), "needs the cascades: give them as data="),
    (lambda: hj.plots.infectivity(PARAMS, DATA, model=hj.Hawkes()), "values of a RetweetHawkes"),
]


@pytest.mark.parametrize("call, match", WRONG)
def test_wrong_kinds_are_refused_in_words(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_scores(tmp_path):
    found = rolling(series(days=60), {"hours": HourOfWeek(), "constant": Constant()}, first="14D")
    figure = hj.plots.scores(found)
    means = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "D"]
    np.testing.assert_allclose(means, found.summary()[("mae", "mean")])
    save(figure, tmp_path)


def test_residual_quantiles(tmp_path):
    table = hj.residuals(MODEL, PARAMS | {"beta": np.array([-2.0])}, DATA, join=True)
    figure = hj.plots.rescaled(table)
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["originals (2 events)", "reposts (7 events)"]
    drawn = figure.axes[1].lines[-1].get_ydata()
    np.testing.assert_allclose(drawn, np.sort(table["residual"][3:]))
    save(figure, tmp_path)
    with pytest.raises(ValueError, match="no residuals"):
        hj.plots.rescaled(table.iloc[:0])


def test_forecasts_of_equal_keys_look_the_same():
    one, two = (hj.plots.counts(tell(draws=3, seed=9)) for _ in range(2))
    for a, b in zip(one.axes[0].lines, two.axes[0].lines, strict=True):
        np.testing.assert_array_equal(a.get_ydata(), b.get_ydata())
