"""Every result and all data come back from a file as they were."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import Any

import h5py
import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.core.kept import Kept
from tests.cases import CASES

ONES = [next(c for c in CASES if c.name == name) for name in ("hawkes", "retweet", "katz")]
HORIZON = {"hawkes": 5.0, "retweet": 1.0, "katz": 3}


def assert_same(one: Any, other: Any) -> None:
    """Equal in type and value, down to the last bit."""
    if dataclasses.is_dataclass(one):
        assert type(one) is type(other)
        left_out = getattr(one, "unsaved", ())
        for field in dataclasses.fields(one):
            if field.name not in left_out:
                assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray | jax.Array):
        assert np.asarray(one).dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name, part in one.items():
            assert_same(part, other[name])
    elif isinstance(one, list | tuple):
        assert type(one) is type(other) and len(one) == len(other)
        for part, again in zip(one, other, strict=True):
            assert_same(part, again)
    else:
        assert one == other or one != one, (one, other)


@pytest.fixture(scope="module", params=ONES, ids=str)
def fitted(request) -> Any:
    return request.param, hj.fit(request.param.model, request.param.data, errors=False)


def test_data_estimates_and_forecasts_come_back_as_they_were(fitted, tmp_path):
    case, estimate = fitted
    future = hj.forecast(
        case.model, estimate, case.data, horizon=HORIZON[case.name], key=3, draws=5
    )
    for number, thing in enumerate((case.data, estimate, future)):
        path = tmp_path / f"{number}.nc"
        thing.save(path)
        assert_same(thing, hj.load(path))
        with pytest.raises(FileExistsError, match="force"):
            thing.save(path)


def test_a_loaded_estimate_asks_for_its_data(fitted, tmp_path):
    _, estimate = fitted
    estimate.save(tmp_path / "one.nc")
    again = hj.load(tmp_path / "one.nc")
    pd.testing.assert_frame_equal(again.summary(), estimate.summary())
    with pytest.raises(ValueError, match="pass them as data="):
        again.figures()


def test_the_record_says_how_to_get_the_result_again(fitted):
    case, estimate = fitted
    record = estimate.record
    assert record["verb"] == "fit" and record["seed"] is None and record["seconds"] > 0
    assert len(record["data"]) == 64 and record["settings"]["errors"] is False
    assert {"hawkesjax", "jax", "numpy"} <= set(record["versions"])
    json.dumps(record)
    ahead = {"horizon": HORIZON[case.name], "draws": 2}
    seeds = [hj.forecast(case.model, estimate, case.data, key=k, **ahead).record for k in (3, 4)]
    assert [one["seed"] for one in seeds] == [3, 4]
    assert {one["data"] for one in seeds} == {record["data"]}


def test_a_whole_number_is_the_key_of_that_seed():
    case = ONES[0]
    ahead = {"horizon": 5.0, "draws": 5}
    one = hj.forecast(case.model, case.params, case.data, key=7, **ahead)
    other = hj.forecast(case.model, case.params, case.data, key=jax.random.key(7), **ahead)
    np.testing.assert_array_equal(one.steps, other.steps)
    for wrong in (-1, 2**32, True, 1.5, "7"):
        with pytest.raises(ValueError, match="whole number from 0 to"):
            hj.forecast(case.model, case.params, case.data, key=wrong, **ahead)


def test_activities_of_a_log_keep_its_clock(tmp_path):
    times = pd.date_range("2024-03-30", periods=6, freq="13h", tz="Europe/Madrid")
    activity = hj.Activity.from_messages(
        time=times, source=list("abbaca"), target=list("baabac"), edges="messages", bin=1,
        unit="day", usual=("2024-03-30", "2024-04-01"), timezone="Europe/Madrid",
    )  # fmt: skip
    activity.save(tmp_path / "log.nc")
    again = hj.load(tmp_path / "log.nc")
    assert_same(activity, again)
    assert repr(again) == repr(activity)


def foreign(file: h5py.File) -> None:
    held = json.loads(file.attrs["attributes"])
    held["kept"] = held["kept"].replace("hawkesjax.hawkes.data.panel", "subprocess")
    file.attrs["attributes"] = json.dumps(held)


def altered(file: h5py.File) -> None:
    file["parts/a0"][0] += 1


@pytest.mark.parametrize("spoil", [foreign, altered])
def test_changed_files_are_refused(spoil, tmp_path):
    path = tmp_path / "data.nc"
    ONES[0].data.save(path)
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(ValueError, match="damaged"):
        hj.load(path)


def test_what_no_file_can_hold_is_said_and_nothing_is_written(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Odd(Kept):
        part: Any

    with pytest.raises(TypeError, match=r"Odd\.part is a object, which a file cannot hold"):
        Odd(object()).save(tmp_path / "odd.nc")
    assert not list(tmp_path.iterdir())


def test_callbacks_see_each_step_and_do_not_change_the_search(caplog):
    case = ONES[0]
    alone = hj.fit(case.model, case.data, errors=False)
    seen: list[hj.Progress] = []
    with caplog.at_level(logging.INFO, "hawkesjax"):
        watched = hj.fit(case.model, case.data, errors=False, callback=seen.append)
    assert watched.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-6)
    assert seen and all(one.stage == "search" and np.isfinite(one.values["loss"]) for one in seen)
    assert any("fit of Hawkes" in line for line in caplog.messages)

    def stop(now: hj.Progress) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        hj.fit(case.model, case.data, callback=stop)


def test_notebooks_show_data_models_and_results(fitted):
    case, estimate = fitted
    for thing in (case.data, case.model, estimate):
        assert "<" in thing._repr_html_() and "<script" not in thing._repr_html_()
    assert "2.5%" in estimate._repr_html_()


def evaluated(name: str) -> list[Any]:
    """What the verbs that judge a model return."""
    case = next(one for one in ONES if one.name == name)
    if name == "hawkes":
        options: dict[str, Any] = {"cut": 15.0, "key": 0, "draws": 5}
        check = hj.predictive_check(case.model, case.params, case.data, key=0, draws=5)
        return [hj.evaluate(case.model, case.params, case.data, **options), check]
    if name == "retweet":
        return [
            hj.evaluate(case.model, case.params, case.data, cut=3.0, horizon=1.0, key=0, draws=5)
        ]
    log = pd.DataFrame({"time": np.arange(60.0), "source": list("abcabd") * 10,
                        "target": list("bcabaa") * 10})  # fmt: skip
    spiked = hj.Activity.from_messages(
        log, time="time", source="source", target="target", edges="messages", bin=1,
        usual=(0, 40), spike=(50, 60),
    )  # fmt: skip
    return [hj.katz.evaluate(spiked, key=0, top=2, block=1), hj.katz.backtest(spiked, top=2, key=0)]


def counted(zone: str | None) -> list[Any]:
    """A series of counts, and what is made of it."""
    hours = pd.date_range("2024-03-30", periods=72, freq="h", tz=zone)
    counts = pd.Series(np.arange(72) % 5, hours, name="posts")
    series = hj.CountSeries.from_series(counts[hours.hour != 3])
    told = {"last": hj.forecasters.LastValue(), "mean": hj.forecasters.Constant()}
    folds = hj.rolling(series, told, first="1D", step="1D", ahead="1D")
    return [series, hj.count_regression(series), folds, folds.forecasts["mean", 0]]


MADE = {
    **{name: (lambda name=name: evaluated(name)) for name in HORIZON},
    "counts": lambda: [*counted("Europe/Madrid"), *counted(None)],
    "sizes": lambda: [
        hj.SizeForecast(("a", "b"), np.array([3, 4]), np.ones((2, 3)), None, 1.0, 9.0, "hour")
    ],
    "ranking": lambda: [hj.katz.rank(ONES[2].data, alpha_star=0.5, top=2)],
}


@pytest.mark.filterwarnings("ignore:There are 2 pseudo-spikes")
@pytest.mark.parametrize("name", MADE)
def test_what_judges_a_model_comes_back_too(name: str, tmp_path) -> None:
    for number, thing in enumerate(MADE[name]()):
        thing.save(tmp_path / f"{number}.nc")
        again = hj.load(tmp_path / f"{number}.nc")
        assert type(again) is type(thing) and repr(again) == repr(thing)
        for field in dataclasses.fields(thing):
            one, other = getattr(thing, field.name), getattr(again, field.name)
            if isinstance(one, pd.DataFrame):
                pd.testing.assert_frame_equal(one, other)
            elif isinstance(one, pd.Series):
                pd.testing.assert_series_equal(one, other, check_freq=False)
            elif isinstance(one, pd.Index):
                pd.testing.assert_index_equal(one, other)
            else:
                assert_same(one, other)


# Not results: settings, models, what is handed to functions, and draws made anew of a posterior.
UNSAVED = {
    "Attribution", "CascadePopulation", "Covariates", "Horseshoe", "Past", "Parameter", "Progress",
    "katz.Radius", "katz.Recency",
}  # fmt: skip


def test_every_result_can_be_saved() -> None:
    public = {name: getattr(hj, name) for name in hj.__all__}
    public |= {f"katz.{name}": getattr(hj.katz, name) for name in hj.katz.__all__}
    kinds = {
        name
        for name, one in public.items()
        if isinstance(one, type) and dataclasses.is_dataclass(one) and not hasattr(one, "save")
        if not issubclass(one, hj.Model | hj.Kernel)
    }
    assert kinds == UNSAVED


def test_series_of_counts_have_a_record() -> None:
    series, regression, folds, _ = counted("Europe/Madrid")
    assert regression.record["verb"] == "count_regression"
    assert len(folds.record["data"]) == 64 and folds.record["data"] == regression.record["data"]
    assert folds.record["settings"]["forecasters"] == {"last": "a LastValue", "mean": "a Constant"}
    moved = hj.rolling(series.to_series().fillna(0), {"a": hj.forecasters.Constant()},
                       first="1D", step="1D", ahead="1D")  # fmt: skip
    assert len(moved.record["data"]) == 64 and moved.record["data"] != folds.record["data"]
