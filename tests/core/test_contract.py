"""Every model against every verb, and every verb with what it was not made for.

Each call works, or ends in a ValueError or TypeError in words; never in an AttributeError, KeyError
or AxisError from somewhere inside.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import hawkesjax as hj
from tests.cases import CASES, Case

KEY = jax.random.key(0)
BY_MODEL = {type(case.model).__name__: case for case in reversed(CASES)}
NAMES = sorted(BY_MODEL)
VERBS: dict[str, Callable[[Case, Any], Any]] = {
    "fit": lambda case, data: hj.fit(case.model, data, errors=False),
    "sample": lambda case, data: hj.sample(
        case.model, data, key=KEY, num_warmup=5, num_samples=5, num_chains=1, progress=False
    ),
    "forecast": lambda case, data: hj.forecast(case.model, case.params, data, horizon=2, key=KEY),
    "residuals": lambda case, data: hj.residuals(case.model, case.params, data),
    "evaluate": lambda case, data: hj.evaluate(case.model, case.params, data, cut=3.0, key=KEY),
    "predictive_check": lambda case, data: hj.predictive_check(
        case.model, case.params, data, key=KEY, draws=3
    ),
    "attribution": lambda case, data: hj.attribution(case.params, data, model=case.model),
}
# What a model does not have, and where its error says to go.
WITHOUT = {
    ("KatzSpike", "evaluate"): "hj.katz.evaluate",
    ("KatzSpike", "predictive_check"): "hj.residuals",
    ("KatzSpike", "attribution"): "influence",
    ("RetweetHawkes", "predictive_check"): "hj.residuals",
    ("RetweetHawkes", "attribution"): "p0",
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")
def test_a_verb_works_or_says_where_to_go(name: str, verb: str) -> None:
    case = BY_MODEL[name]
    if (name, verb) in WITHOUT:
        with pytest.raises(ValueError, match=f"{name} has no {verb}; .*{WITHOUT[name, verb]}"):
            VERBS[verb](case, case.data)
    else:
        assert VERBS[verb](case, case.data) is not None


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", NAMES)
def test_other_data_are_refused_in_words(name: str, verb: str) -> None:
    case = BY_MODEL[name]
    others = [other.data for other in BY_MODEL.values() if type(other.data) is not type(case.data)]
    for data in (*others, np.zeros(3), None, "events.csv"):
        kind = type(data).__name__
        says = f"The data must be .*{type(case.data).__name__}, not {kind}"
        says = f"{name} has no {verb}" if (name, verb) in WITHOUT else says
        with pytest.raises(ValueError, match=says):
            VERBS[verb](case, data)


@pytest.mark.parametrize("verb", ["fit", "sample", "simulate", "forecast", "residuals", "evaluate"])
@pytest.mark.parametrize("thing", [3, "hawkes", None, hj.Hawkes, np.zeros(2)], ids=str)
def test_what_is_no_model_is_refused_in_words(verb: str, thing: Any) -> None:
    options = {} if verb == "fit" else {"key": KEY}
    arguments = (CASES[0].data,) if verb in ("fit", "sample") else ({}, CASES[0].data)
    with pytest.raises(ValueError, match="first argument must be a model, such as Hawkes"):
        getattr(hj, verb)(thing, *arguments, **options)


@pytest.mark.parametrize("verb", ["forecast", "residuals"])
def test_swapped_values_and_data_are_refused(verb: str) -> None:
    case = CASES[0]
    options = {"horizon": 1.0, "key": KEY} if verb == "forecast" else {}
    with pytest.raises(ValueError, match="data come last"):
        getattr(hj, verb)(case.model, case.data, case.params, **options)
    with pytest.raises(ValueError, match="values first"):
        hj.attribution(case.model, case.params)
    with pytest.raises(ValueError, match="must be a model"):
        hj.fit(case.data, case.model)


@pytest.mark.parametrize("values", [3, None, [0.1, 0.2], "posterior.nc"], ids=str)
def test_values_of_no_kind_are_refused_in_words(values: Any) -> None:
    case = CASES[0]
    with pytest.raises(ValueError, match="must be a Posterior, an Estimate or a dict"):
        hj.residuals(case.model, values, case.data)
    with pytest.raises(ValueError, match="must be a Posterior, an Estimate or a dict"):
        hj.attribution(values, case.data)


def test_values_of_another_model_are_refused() -> None:
    katz, hawkes = BY_MODEL["KatzSpike"], BY_MODEL["Hawkes"]
    found = hj.fit(katz.model, katz.data, errors=False)
    with pytest.raises(ValueError, match="from a KatzSpike, not from a Hawkes"):
        hj.forecast(hawkes.model, found, hawkes.data, horizon=1.0, key=KEY)


def test_a_dict_does_not_say_its_model() -> None:
    with pytest.raises(ValueError, match="pass model="):
        hj.attribution(CASES[0].params, CASES[0].data)


@pytest.mark.parametrize("thing", [3, None, {"a": 1}, np.zeros(3)], ids=str)
def test_residual_tests_of_something_else_are_refused(thing: Any) -> None:
    with pytest.raises(ValueError, match="takes the table that residuals gave"):
        hj.residual_tests(thing)


@pytest.mark.parametrize("name", NAMES)
def test_residual_tests_know_every_table_of_residuals(name: str) -> None:
    case = BY_MODEL[name]
    table = hj.residual_tests(hj.residuals(case.model, case.params, case.data))
    assert len(table) and "mean" in (*table.index, *getattr(table, "columns", ()))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_keeps_the_contract(name: str) -> None:
    """The table says it all once: every parameter has a prior, a shape and names for its axes."""
    model, data = BY_MODEL[name].model, BY_MODEL[name].data
    prepared = model.prepare(data)
    names = [one.name for one in model.parameters]
    assert len(set(names)) == len(names)
    assert set(model.shapes(data)) == set(model.shapes(prepared)) == set(model.sites(prepared))
    coords = model.coords(data)
    for one, shape in model.shapes(data).items():
        assert tuple(len(coords[dim]) for dim in model.dims[one]) == shape
    assert model.prepare(prepared) is prepared
    assert float(prepared.num_events) > 0 and np.dtype(prepared.dtype).kind == "f"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_verb_takes_is_written_out(name: str) -> None:
    """No verb that a model has hides its options behind `**options`."""
    model = BY_MODEL[name].model
    for verb in ("simulate", "forecast", "residuals", "evaluate"):
        if (name, verb) not in WITHOUT:
            kinds = [
                one.kind for one in inspect.signature(getattr(model, verb)).parameters.values()
            ]
            assert inspect.Parameter.VAR_KEYWORD not in kinds


def test_priors_of_other_parameters_are_refused() -> None:
    for case in BY_MODEL.values():
        with pytest.raises(ValueError, match=r"priors name \['nobody'\]"):
            type(case.model)(priors={"nobody": None})
        with pytest.raises(ValueError, match="the named ones are default"):
            type(case.model)(priors="strong")
