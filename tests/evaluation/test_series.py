"""Series of counts: their doors, their gaps, and what is made of them."""

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.evaluation.test_rolling import covariates, series


def table(days=40, zone="Europe/Madrid"):
    counts = series(days=days, zone=zone)
    return pd.DataFrame({"time": counts.index, "count": counts.to_numpy()})


def test_a_series_is_what_was_given():
    frame = table()
    found = hj.CountSeries.from_dataframe(frame.sample(frac=1, random_state=0))
    np.testing.assert_array_equal(found.counts, frame["count"])
    assert (found.index == pd.DatetimeIndex(frame["time"])).all()
    assert found.width == pd.Timedelta("1h") and found.timezone == "Europe/Madrid"
    assert found.observed.all() and not len(found.gaps) and "960 bins of 1 hour" in repr(found)
    assert (found.edges[1:] == found.index + found.width).all()
    again = hj.CountSeries.from_series(found.to_series())
    np.testing.assert_array_equal(again.counts, found.counts)
    back = hj.CountSeries.from_dataframe(found.to_dataframe(), time="start")
    np.testing.assert_array_equal(back.counts, found.counts)
    row = found.describe().iloc[0]
    assert row["events"] == frame["count"].sum() and row["largest"] == frame["count"].max()


def test_gaps_are_declared_missing_or_empty():
    frame = table()
    frame.loc[5, "count"] = np.nan
    found = hj.CountSeries.from_dataframe(
        frame.drop(index=[8, 9]), gaps=("2024-03-02 10:30", "2024-03-02 12:00")
    )
    assert np.flatnonzero(~found.observed).tolist() == [5, 8, 9, 34, 35]
    assert found.absent == 2 and "2 bins without a row" in repr(found)
    starts = pd.DatetimeIndex(frame["time"])[[5, 8, 34]]
    assert (pd.DatetimeIndex(found.gaps["start"]) == starts).all()
    zero = hj.CountSeries.from_dataframe(frame.drop(index=[8, 9]), missing="zero")
    assert zero.counts[8] == zero.counts[9] == 0 and not zero.absent
    few = hj.CountSeries.from_dataframe(pd.concat([frame.iloc[::3], frame.iloc[[1]]]))
    assert "missing='zero'" in repr(few)


def test_finer_rows_are_added_up():
    times = pd.date_range("2024-03-01 09:40", periods=12 * 30, freq="5min", tz="UTC")
    frame = pd.DataFrame({"time": times, "count": 1})
    found = hj.CountSeries.from_dataframe(frame.drop(index=[40]), bin="1h")
    assert found.index[0] == pd.Timestamp("2024-03-01 10:00", tz="UTC")
    assert found.num_bins == 29 and np.isnan(found.counts[3])
    np.testing.assert_array_equal(np.delete(found.counts, 3), 12)


def test_parts_and_features():
    frame = table()
    found = hj.CountSeries.from_dataframe(frame)
    features = covariates(found.to_series())
    known = found.with_covariates(features)
    part = known.between("2024-03-05", "2024-03-06")
    assert part.num_bins == 24 and part.index[0].isoformat() == "2024-03-05T00:00:00+01:00"
    assert "hour=13" in known.to_dataframe() and "features" in repr(known)
    past = part.past("6h")
    assert len(past.ahead) == 6 and past.features_ahead.shape == (6, features.num_features)
    with pytest.raises(ValueError, match="time without covariates"):
        known.past("6h")
    with pytest.raises(ValueError, match="No bin lies between"):
        found.between("2023-01-01", "2023-02-01")


def test_rolling_leaves_gaps_out():
    counts = series()
    lost = counts.copy()
    lost.iloc[100:130] = np.nan
    lost.iloc[31 * 24 : 32 * 24] = np.nan
    forecasters = {"hours": hj.forecasters.HourOfWeek(), "last": hj.forecasters.LastValue(3)}
    found = hj.rolling(hj.CountSeries.from_series(lost), forecasters)
    filled = counts.copy()
    filled.iloc[31 * 24 : 32 * 24] = 1e6  # what nobody saw in the scored stretch changes nothing
    told, kept = found.forecasts["hours", 0], np.isfinite(lost.iloc[720:912].to_numpy())
    truth = counts.iloc[720:912].to_numpy()
    row = found.folds.query("forecaster == 'hours' and fold == 0").iloc[0]
    assert row["mae"] == pytest.approx(np.abs(truth - told.mean)[kept].mean())
    before = lost.iloc[:720].dropna()
    means = before.groupby([before.index.day_of_week, before.index.hour]).mean()
    at = counts.index[720:912]
    np.testing.assert_allclose(told.mean, [means[t.day_of_week, t.hour] for t in at])
    lost.iloc[720:912] = np.nan
    empty = hj.rolling(hj.CountSeries.from_series(lost), forecasters)
    assert empty.folds.query("fold == 0")["mae"].isna().all()
    assert np.isfinite(empty.summary()[("mae", "mean")]).all()


def test_what_loses_to_a_simple_forecast_says_so():
    """A level that rises by steps, with a rhythm of the day: errors by hand."""
    index = pd.date_range("2024-03-01", periods=24 * 40, freq="h", tz="UTC")
    rhythm = np.rint(150 + 120 * np.sin(2 * np.pi * (index.hour - 23) / 24))
    counts = pd.Series(np.repeat(np.arange(40) // 10 * 50, 24) + rhythm, index=index)
    past, seen = counts.iloc[:720], counts.iloc[720:912]
    means = past.groupby([past.index.day_of_week, past.index.hour]).mean()
    errors = {
        "last value": np.abs(seen - past.iloc[-1]).mean(),
        "hour-of-week mean": np.abs(
            seen - [means[t.day_of_week, t.hour] for t in seen.index]
        ).mean(),
    }
    mae = np.abs(seen - past.mean()).mean()
    found = hj.rolling(counts, {"constant": hj.forecasters.Constant()})
    assert found.remarks() == [
        f"constant loses to the last value ({errors['last value']:.4g}) and the hour-of-week mean "
        f"({errors['hour-of-week mean']:.4g}): its mean absolute error is {mae:.4g}."
    ]
    assert found.remarks()[0] in repr(found)
    for name, error in errors.items():
        assert found.summary().loc["constant", ("mae", f"of {name}")] == pytest.approx(mae / error)


BAD = [
    ("negative", lambda t: t.assign(count=t["count"].where(t.index != 3, -1)),
     r"a negative count in row 3 .*Correct it, or leave it empty"),
    ("fraction", lambda t: t.assign(count=t["count"].where(t.index != 4, 0.5)),
     r"a fractional count in row 4 .*not rates"),
    ("text", lambda t: t.assign(count=t["count"].astype(object).where(t.index != 4, "many")),
     r"no number in row 4"),
    ("twice", lambda t: pd.concat([t, t.iloc[[7]]], ignore_index=True), "comes twice"),
    ("off", lambda t: pd.concat([t, t.iloc[[7]].assign(time=t["time"][7] + pd.Timedelta("25min"))]),
     "between the bins"),
    ("numbers", lambda t: t.assign(time=np.arange(len(t))), "holds numbers"),
    ("one", lambda t: t.iloc[:1], "two are needed"),
    ("nothing", lambda t: t.assign(count=np.nan), "Every bin is a gap"),
    ("column", lambda t: t.rename(columns={"count": "n"}), "no column for count='count'"),
]  # fmt: skip


@pytest.mark.parametrize("change, match", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_tables_are_refused(change, match):
    with pytest.raises(ValueError, match=match):
        hj.CountSeries.from_dataframe(change(table()))


def test_bad_arguments_are_refused():
    frame = table()
    for options, match in (
        ({"missing": "drop"}, "missing is 'drop'"),
        ({"bin": "90min"}, "whole number of bins"),
        ({"bin": "long"}, "not a length of time"),
        ({"gaps": ("2024-03-09", "2024-03-08")}, "ends before it begins|end"),
        ({"covariates": 3}, "covariates"),
    ):
        with pytest.raises(ValueError, match=match):
            hj.CountSeries.from_dataframe(frame, **options)
    with pytest.raises(ValueError, match="missing='gap'"):
        hj.CountSeries.from_dataframe(frame.drop(index=[3]), missing="error")
    with pytest.raises(ValueError, match="index holds datetimes"):
        hj.CountSeries.from_series(pd.Series([1, 2]))
    with pytest.raises(ValueError, match="whole number of bins"):
        hj.CountSeries.from_dataframe(frame).past("90min")


def test_a_file_is_read(tmp_path):
    frame = table(zone="UTC")
    frame.loc[3, "count"] = np.nan
    frame["posts"] = frame["count"].map(lambda n: "" if np.isnan(n) else f"{n:.0f}")
    frame[["time", "posts"]].to_csv(tmp_path / "hours.csv", index=False)
    found = hj.read_counts(tmp_path / "hours.csv", count="posts", timezone="Europe/Madrid")
    np.testing.assert_array_equal(found.counts, frame["count"])
    assert found.timezone == "Europe/Madrid"
    (tmp_path / "bad.csv").write_text("time,count\n2024-03-01T00:00Z,3\n2024-03-01T01:00Z,-2\n")
    with pytest.raises(ValueError, match="a negative count in line 3"):
        hj.read_counts(tmp_path / "bad.csv")


def test_one_series_of_several_is_named():
    frame = table()
    other = frame.assign(count=frame["count"] + 1)
    both = pd.concat([frame.assign(who="a"), other.assign(who="b")], ignore_index=True)
    for name, part in (("a", frame), ("b", other)):
        found = hj.CountSeries.from_dataframe(both, by="who", series=name)
        np.testing.assert_array_equal(found.counts, part["count"])
        assert found.name == f"count of {name}"
    alone = hj.CountSeries.from_dataframe(frame.assign(who="a"), by="who")
    np.testing.assert_array_equal(alone.counts, frame["count"])
    for options, match in (
        ({"by": "who"}, "'who' names 2 series: 'a', 'b'. Choose one of them, series="),
        ({"by": "who", "series": "c"}, "'who' has no 'c'; it names 2 series: 'a', 'b'"),
        ({"series": "a"}, "name the column that tells them, by="),
        ({"by": "whom"}, "no column for by='whom'"),
        ({}, "comes twice.*by= and series="),
    ):
        with pytest.raises(ValueError, match=match):
            hj.CountSeries.from_dataframe(both, **options)
    wrong = both.assign(count=both["count"].where(both.index != len(frame) + 2, -1))
    with pytest.raises(ValueError, match=f"a negative count in row {len(frame) + 2}"):
        hj.CountSeries.from_dataframe(wrong, by="who", series="b")


def test_figures():
    found = hj.CountSeries.from_dataframe(table())
    assert hj.plots.count_series(found).axes
    past = found.past("2D")
    assert hj.plots.count_series(found, hj.forecasters.HourOfWeek()(past), level=0.9).axes
    with pytest.raises(ValueError, match="count_series draws"):
        hj.plots.count_series(found, past)
