"""Values and priors from outside are held to where the parameters may lie, at every door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpyro.distributions as dist
import pytest

import hawkesjax as hj
from tests.cases import CASES, Case, events_of
from tests.core.test_contract import VERBS, WITHOUT

ASKED = ("forecast", "residuals", "evaluate", "predictive_check", "attribution")
ENDS = [
    (case, name, where)
    for case in CASES
    for name, where in case.model.supports.items()
    if name in case.params and where.least > -np.inf
]
WRONG = {"below": lambda where: where.least - 0.5, "nan": lambda where: np.nan}


def with_one(params: dict[str, Any], name: str, value: float) -> dict[str, Any]:
    """The parameters with one entry of one of them replaced."""
    changed = np.array(params[name], float)
    changed[(-1,) * changed.ndim] = value
    return params | {name: changed}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("case, name, where", ENDS, ids=lambda one: str(one)[:20])
def test_values_outside_are_refused_by_every_verb(case: Case, name: str, where: Any, wrong: str):
    bad = with_one(case.params, name, WRONG[wrong](where))
    kind = type(case.model).__name__
    for verb in ASKED:
        if (kind, verb) not in WITHOUT:
            with pytest.raises(ValueError, match=rf"^{name}.* is (-?0\.\d+|nan); it must be "):
                VERBS[verb](replace(case, params=bad), case.data)


@pytest.mark.parametrize("name, entry", [("mu", "mu[2, 1]"), ("gamma", "gamma[1, 1]")])
def test_figures_refuse_them_and_name_the_entry(name: str, entry: str):
    case = CASES[0]
    with pytest.raises(ValueError) as refused:
        hj.plots.intensity(with_one(case.params, name, -3.0), case.data, model=case.model)
    assert str(refused.value).startswith(f"{entry} is -3; it must be a finite number")


@pytest.mark.parametrize("case, name, where", ENDS, ids=lambda one: str(one)[:20])
def test_priors_that_reach_outside_are_refused(case: Case, name: str, where: Any):
    table = {one.name for one in case.model.parameters}
    for prior in (dist.Normal(0.0, 1.0), dist.Uniform(where.least - 1, where.least + 0.5)):
        if name in table:
            with pytest.raises(ValueError, match=f"'{name}' extends beyond what {name} may be"):
                replace(case.model, priors={name: prior})
    with pytest.raises(ValueError, match="discrete"):
        replace(case.model, priors={next(iter(table)): dist.Poisson(2.0)})


def test_priors_inside_are_taken():
    top = dist.TruncatedNormal(0.5, 0.2, low=0.0, high=np.array([[1.0, 2.0], [0.5, 1.0]]))
    for prior in (dist.LogNormal(0.0, 1.0), dist.Beta(2.0, 2.0), top, dist.HalfCauchy(1.0)):
        assert hj.Hawkes(priors={"alpha": prior, "mu": dist.Uniform(0.0, 5.0)}).config()


def test_a_zero_is_inside_where_the_mathematics_has_one():
    """An effect or a baseline may be 0; a decay may not."""
    case = CASES[0]
    zero = case.params | {"alpha": np.zeros((2, 2)), "mu": np.array(case.params["mu"])}
    assert np.isfinite(hj.residuals(case.model, zero, events_of())["residual"]).any()
    with pytest.raises(ValueError, match=r"gamma\[1, 1\] is 0; it must be a finite number above 0"):
        hj.residuals(case.model, with_one(case.params, "gamma", 0.0), case.data)
