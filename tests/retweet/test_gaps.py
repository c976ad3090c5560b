"""Records of posts and reposts with gaps: what is not seen is not expected, and what came before
is still reposted."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.retweet.hourly import hourly_counts
from hawkesjax.retweet.two_stage import windows_of
from tests.derivatives import check_derivatives
from tests.refusals import refused
from tests.retweet import reference as slow
from tests.retweet.test_model import DAY, DOUBLE, S0, THETA, cascades_of, close, truth

GAPS = {  # in absolute days, and what is watched since the window's start
    "plain": ([(1.0, 1.6), (2.4, 2.41), (3.3, 4.2)], [(0, 1), (1.6, 2.4), (2.41, 3.3), (4.2, 5)]),
    "history": ([(2.9, 3.4), (3.9, 4.6)], [(0, 0.9), (1.4, 1.9), (2.6, 3)]),
    "covariates": ([(0.6, 1.3), (4.0, 4.5)], [(0, 0.6), (1.3, 4), (4.5, 5)]),
    "no swing": ([(0.5, 4.5)], [(0, 0.5), (4.5, 5)]),
}
SETTINGS = {"theta": THETA, "s0": S0, "period": DAY}


def seen_of(data, gaps):
    """What is left of cascades of whose rows those in gaps are lost, and reposts of lost posts."""
    table = data.to_dataframe()
    lost = np.zeros(len(table), bool)
    for low, high in gaps:
        lost |= ((low < table["time"]) & (table["time"] < high)).to_numpy()
    return table[~lost]


def record_of(table, data, **options):
    """Cascades from a table, in the window of other cascades."""
    names = {name: name for name in ("id", "time", "followers", "repost_of", "sentiment")}
    given = {"window": data.window, "orphans": "drop", "late": "drop", "covariates": None}
    if data.covariates is not None:
        given["covariates"] = data.covariates
    if data.start == 2:
        given["horizon"] = 2.5
    return hj.Cascades.from_dataframe(table, **names, unit="day", **(given | options))


def with_gaps(case):
    data = cascades_of(case)
    return record_of(seen_of(data, GAPS[case][0]), data, gaps=GAPS[case][0])


@pytest.mark.parametrize("case", GAPS)
def test_the_likelihood_leaves_gaps_out(case):
    data, watched = with_gaps(case), GAPS[case][1]
    assert 0 < data.num_reposts < cascades_of(case).num_reposts
    assert data.observed == pytest.approx(sum(b - a for a, b in watched))
    params = truth(data)
    exact, exposures = slow.log_likelihood(data, **params, **SETTINGS, watched=watched)
    model = hj.RetweetHawkes(p0="free", history="pairs")
    close(model.log_likelihood(params, data), exact)
    ours = np.asarray(model.exposures(params, data))
    np.testing.assert_allclose(ours, exposures, rtol=1e-9 if DOUBLE else 2e-4, atol=1e-9)
    close(np.sum(model.pointwise(params, data)), exact)


@pytest.mark.parametrize("tau", [S0, 0.05, 40.0])
def test_exposures_at_fast_and_slow_decays(tau):
    data, watched = with_gaps("history"), GAPS["history"][1]
    params = truth(data) | {"tau": tau}
    exact = slow.log_likelihood(data, **params, **SETTINGS, watched=watched)[1]
    ours = np.asarray(hj.RetweetHawkes(p0="free").exposures(params, data))
    scale = exact.max()
    np.testing.assert_allclose(ours / scale, exact / scale, atol=1e-8 if DOUBLE else 1e-4)


def test_derivatives_with_gaps():
    model = hj.RetweetHawkes()
    prepared = model.prepare(with_gaps("history"))
    params = {"beta": [0.2], "tau": 1.3, "swing": [0.05, -0.08], "p0_mean": 0.4, "p0_shape": 0.8}
    values = {name: jnp.asarray(value) for name, value in params.items()}
    check_derivatives(lambda given: model.log_likelihood(given, prepared) / 10, (values,))


def test_residuals_are_the_compensator_of_what_was_watched():
    """Posts' residuals, and reposts' with what is left after the last, add up to it."""
    for case in ("covariates", "history"):
        data, watched = with_gaps(case), GAPS[case][1]
        params = truth(data)
        model = hj.RetweetHawkes(p0="free")
        table = hj.residuals(model, params, data, join=True)
        posts = table.loc[table["mark"] == "original"]
        last = float(data.post_times[data.posts_seen].max())
        cut = [(a, min(b, last)) for a, b in watched if a < last]
        beta = params["beta"]
        cells = np.array([[1.0, 0.0]]), np.array([-1.0, 9.0])
        if data.covariates is not None:
            cells = data.covariates.values, data.covariates.edges - float(data.start)
        rows, edges = cells
        want = 0.0
        for low, high, row in zip(edges[:-1], edges[1:], rows, strict=True):
            shared = sum(max(min(high, b) - max(low, a), 0.0) for a, b in cut)
            want += shared * np.exp(row[: len(beta)] @ beta)
        np.testing.assert_allclose(posts["residual"].sum(), want, rtol=1e-6)
        exposures = slow.log_likelihood(data, **params, **SETTINGS, watched=watched)[1]
        reposts = table.loc[table["mark"] == "repost"]
        whole = float(np.sum(params["p0"] * exposures))
        # What follows the last post that was reposted belongs to no residual.
        assert reposts["residual"].sum() == pytest.approx(whole, rel=0.3)
        assert reposts["residual"].sum() < whole * (1 + 1e-3)


FORMS = {
    "windows": {"window": [(0, 1), (1.6, 2.4), (2.41, 3.3), (4.2, 5)]},
    "windows in a table": {
        "window": pd.DataFrame({"start": [0, 1.6, 2.41, 4.2], "end": [1, 2.4, 3.3, 5]})
    },
    "gaps in a table": {
        "window": (0, 5),
        "gaps": pd.DataFrame({"start": [3.3, 1, 2.4, 1.5], "end": [4.2, 1.6, 2.41, 1.55]}),
    },
    "both": {"window": [(0, 1), (1.6, 5)], "gaps": [(2.4, 2.41), (3.3, 4.2)]},
    "at the ends": {
        "window": (-1, 6),
        "gaps": [(-2, 0), (1, 1.6), (2.4, 2.41), (3.3, 4.2), (5, 6)],
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_gaps_can_be_said_in_several_ways(form):
    data = cascades_of("plain")
    found = record_of(seen_of(data, GAPS["plain"][0]), data, **FORMS[form])
    for got, want in zip(jax.tree.leaves(found), jax.tree.leaves(with_gaps("plain")), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)


def test_gaps_of_dates_and_what_is_said_of_them():
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "time": ["2024-03-01T10:00Z", "2024-03-02T12:00Z", "2024-03-09T12:00Z"],
            "followers": [10, 3, 20],
            "repost_of": ["", "a", ""],
        }
    )
    given = {name: name for name in table}
    data = hj.Cascades.from_dataframe(
        table, **given, unit="day", timezone="UTC", window=("2024-03-01", "2024-03-11"),
        gaps=("2024-03-03", "2024-03-05T12:00"),
    )  # fmt: skip
    assert data.observed == 7.5 and data.gaps.start.tolist() == [2]
    assert "1 gap of the record, 2.5 days in all (25.0% of the window)" in repr(data)
    assert data.describe().loc["gaps of the record", "count"] == 1
    later = data.between("2024-03-04T00:00Z", "2024-03-11T00:00Z")
    assert later.gaps.start.tolist() == [0] and later.observed == 5.5
    assert data.select(["c"]).observed == 7.5


BAD = {
    "a post": ({"gaps": (0.5, 2)}, "post_times|an event inside a gap of the record|row 1|0.5 to 2"),
    "a repost": ({"gaps": [(2, 2.4), (2.4, 2.9)]}, "'times'|an event inside a gap|row 0|2 to 2.9"),
    "backwards": ({"gaps": [(5, 4)]}, "ends before it begins|gap 0"),
    "outside": ({"gaps": [(3, 4), (12, 13)]}, "outside|gap 1"),
    "by name": ({"gaps": {"a": (3, 4)}}, "only one record|Give a pair"),
    "no pair": ({"gaps": [(3, 4, 5)]}, "3 bounds in place 0|a list of such pairs"),
    "no windows": ({"window": []}, "is no window|list of such pairs"),
    "a word": ({"window": "sequence"}, "list of such pairs"),
    "overlap": ({"window": [(0, 5), (4, 10)]}, "window 1 (|may not overlap"),
    "half": ({"window": [(0, 3), 5]}, "list of such pairs"),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_of_gaps(case):
    given, said = BAD[case]
    with refused(said):
        hj.Cascades.from_arrays(
            [0.0, 1.0], [9, 9], [2.5], [1], [0], unit="day", **({"window": (0, 10)} | given)
        )


def test_posts_in_gaps_are_what_orphans_says():
    """Restored, such a post is reposted as any other, and is no term of the posts' rate."""
    table = pd.DataFrame(
        {
            "id": list("abcd"),
            "time": [0.1, 0.3, 1.2, 1.4],
            "followers": [50.0, 3, 4, 5],
            "repost_of": ["", "a", "lost", "lost"],
            "born": [np.nan, 0.1, 0.7, 0.7],
            "author": [np.nan, 50, 80, 80],
        }
    )
    names = {name: name for name in ("id", "time", "followers", "repost_of")}
    given = {"unit": "day", "window": (0, 2), "gaps": (0.5, 1), **names}
    with refused("a repost of a post that is not in the table|orphans='drop'"):
        hj.Cascades.from_dataframe(table, **given)
    assert hj.Cascades.from_dataframe(table, **given, orphans="drop").names == ("a",)
    told = {"original_time": "born", "original_followers": "author", "orphans": "restore"}
    data = hj.Cascades.from_dataframe(table, **given, **told)
    assert data.names == ("a", "lost") and data.posts_seen.tolist() == [True, False]
    assert data.num_events == 4
    assert data.describe().loc["posts in gaps, known from reposts", "count"] == 1
    params = truth(data)
    model, watched = hj.RetweetHawkes(p0="free", history="pairs"), [(0, 0.5), (1, 2)]
    exact, exposures = slow.log_likelihood(data, **params, **SETTINGS, watched=watched)
    close(model.log_likelihood(params, data), exact)
    np.testing.assert_allclose(model.exposures(params, data), exposures, 1e-9 if DOUBLE else 1e-4)
    table = hj.residuals(model, params, data)
    assert table["mark"].value_counts().to_dict() == {"repost": 3, "original": 1}


RATES = {"beta": [1.5, -0.7], "tau": 60.0, "r0": 0.1, "phi0": 3.0, "p0_mean": 2e-3, "p0_shape": 2.0}


def outage():
    """Three weeks of posts by the hour, of which two days are lost, with their reposts."""
    rng = np.random.default_rng(1)
    pool = np.round(rng.lognormal(4, 1, 1000))
    authors = np.round(rng.lognormal(7, 1, 500))
    days = hj.Covariates.calendar(
        ("2024-03-04", "2024-03-25"), features=["weekend"], unit="hour", timezone="UTC"
    )
    whole = hj.simulate(
        hj.RetweetHawkes(), RATES, key=jax.random.key(0), followers=pool, post_followers=authors,
        covariates=days,
    )  # fmt: skip
    table = whole.to_dataframe()
    since = (table["time"] - pd.Timestamp("2024-03-04", tz="UTC")) / pd.Timedelta("1h")
    names = {name: name for name in ("id", "time", "followers", "repost_of", "sentiment")}
    given = {"window": ("2024-03-04", "2024-03-25"), "unit": "hour", "timezone": "UTC"}
    rest = table[(since < 240) | (since > 288)]

    def read(**options):
        return hj.Cascades.from_dataframe(
            rest, **names, **given, orphans="drop", covariates=days, **options
        )

    return read


@pytest.mark.skipif(not DOUBLE, reason="a fit in single precision stops earlier")
def test_an_outage_that_is_declared_harms_no_fit():
    read = outage()
    data = read(gaps=("2024-03-14", "2024-03-16"))
    assert data.remarks() == []
    (said,) = read().remarks()
    assert said.startswith("48.17 hours without an event in the middle") and said in repr(read())
    found = hj.fit(hj.RetweetHawkes(), data, errors=False)
    assert found.params["tau"] == pytest.approx(56.6, abs=0.05)
    assert found.params["beta"][1] == pytest.approx(-0.760, abs=5e-4)


def test_steady_posts_are_not_suspected():
    for seed in range(3):
        assert cascades_of("plain", seed).remarks() == []
    options = {"followers": [10.0, 100], "window": (0, 200), "key": jax.random.key(0)}
    params = {"beta": [0.5], "tau": 2.0, "p0": 3e-3}
    assert hj.simulate(hj.RetweetHawkes(), params, **options).remarks() == []


def test_what_is_drawn_in_gaps_is_lost_with_its_reposts():
    options = {"followers": [100.0, 500], "window": (0, 60), "key": jax.random.key(0)}
    params = {"beta": [1.0], "tau": 1.0, "swing": [0.05, 0.08], "p0": 1e-3}
    model = hj.RetweetHawkes()
    whole = hj.simulate(model, params, **options)
    gaps = [(30.0, 42.5), (10.0, 20.0), (15, 22), (55, 70)]
    data = hj.simulate(model, params, **options, gaps=gaps)
    assert data.gaps.start.tolist() == [10, 30, 55] and data.gaps.end.tolist() == [22, 42.5, 60]
    rest = seen_of(whole, gaps)
    named = {name: name for name in ("id", "time", "followers", "repost_of")}
    again = hj.Cascades.from_dataframe(
        rest, **named, window=(0, 60), unit="day", gaps=gaps[:3], orphans="drop"
    )
    assert data.names == again.names
    np.testing.assert_allclose(data.times, again.times)
    with refused("Every post that was drawn lies in a gap"):
        hj.simulate(model, params, **options, gaps=(0, 60))


def test_every_verb_takes_gaps_or_says_why_not():
    options = {"followers": [100.0, 500], "window": (0, 40), "key": jax.random.key(0)}
    params = {"beta": [1.0], "tau": 1.0, "swing": [0.05, 0.08], "p0_mean": 1e-3, "p0_shape": 8.0}
    model = hj.RetweetHawkes()
    data = hj.simulate(model, params, **options, gaps=[(10, 20), (32, 33)])
    table = hj.residuals(model, params, data, join=True)
    np.testing.assert_allclose(table["residual"].mean(), 1, atol=0.25)
    scored = hj.evaluate(
        model, params, data, cut=30, horizon=6, bins=24, key=jax.random.key(1), draws=20
    )
    assert np.flatnonzero(np.isnan(scored.observed)).tolist() == [8, 9, 10, 11]
    assert all(np.isfinite(value) for value in scored.scores.values())
    assert "20 bins (4 more in gaps)" in repr(scored)
    with refused("Every bin meets a gap"):
        hj.evaluate(model, params, data, cut=12, horizon=6, key=jax.random.key(1), draws=2)
    with refused("The record has 2 gaps|Cascades.between|hj.evaluate"):
        hourly_counts(data)
    rows = windows_of(model, data, 0.25)
    middle = rows["time"].to_numpy()
    assert not data.gaps.meets(middle - 0.124, middle + 0.124).any()
    with refused("have a gap of the record before age 2|Cascades.select"):
        hj.CascadePopulation.learn(data.select(data.post_times < 38), horizon=2.0)
