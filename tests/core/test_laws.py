"""The laws that hold for every model, each over one table of cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hawkesjax as hj
from hawkesjax.core.unconstrained import Unconstrained
from tests.cases import CASES, Case, single

DOUBLE = jnp.zeros(()).dtype == np.float64
CLOSE = 1e-10 if DOUBLE else 2e-5


def likelihood(case: Case, data: Any = None, params: Any = None) -> float:
    """The log-likelihood, with prepared data as an argument of one compiled function."""
    data = case.data if data is None else data
    params = case.params if params is None else params
    params = {name: jnp.asarray(value, float) for name, value in params.items()}
    return float(jax.jit(case.model.log_likelihood)(params, case.model.prepare(data)))


def gradient_is_the_slope(case: Case) -> None:
    """Along a random direction, on the scale on which the search runs."""
    loss, data = Unconstrained(case.model), case.model.prepare(case.data)
    natural = {name: jnp.asarray(value, float) for name, value in case.params.items()}
    point = loss.free(natural, data)
    rng = np.random.default_rng(0)
    way = {name: jnp.asarray(rng.normal(size=v.shape), v.dtype) for name, v in point.items()}
    step = 1e-5 if DOUBLE else 2e-2

    def at(size: Any) -> Any:
        return loss({name: value + size * way[name] for name, value in point.items()}, data)

    value = jax.jit(at)
    slope = float(jax.jit(jax.grad(at))(0.0))
    found = (float(value(step)) - float(value(-step))) / (2 * step)
    assert found == pytest.approx(slope, rel=1e-6 if DOUBLE else 2e-2, abs=1e-6)


def pointwise_adds_up(case: Case) -> None:
    """Every kind of terms sums to the log-likelihood, and there are as many as announced."""
    whole = likelihood(case)
    sizes = case.model.pointwise_sizes(case.data)
    assert sizes
    for by, size in sizes.items():
        params = {name: jnp.asarray(value, float) for name, value in case.params.items()}
        terms = case.model.pointwise(params, case.data, by)
        assert terms.shape == (size,)
        assert float(jnp.sum(terms)) == pytest.approx(whole, rel=CLOSE)


def relabelling_changes_nothing(case: Case) -> None:
    assert likelihood(case, *case.relabelled) == pytest.approx(likelihood(case), rel=CLOSE)


def shifting_the_origin_changes_nothing(case: Case) -> None:
    assert likelihood(case, case.shifted) == pytest.approx(likelihood(case), rel=CLOSE)


def single_precision_is_close(case: Case) -> None:
    data = case.model.prepare(case.data, dtype=jnp.float32)
    found = case.model.log_likelihood(jax.tree.map(jnp.asarray, single(case)), data)
    assert found.dtype == np.float32
    assert float(found) == pytest.approx(likelihood(case), rel=2e-5)


def vmap_is_the_loop(case: Case) -> None:
    data = case.model.prepare(case.data)
    several = {
        name: jnp.stack([scale * jnp.asarray(value, float) for scale in (0.9, 1.0, 1.1)])
        for name, value in case.params.items()
    }
    mapped = jax.vmap(case.model.log_likelihood, (0, None))(several, data)
    for number, value in enumerate(mapped):
        one = {name: part[number] for name, part in several.items()}
        assert float(value) == pytest.approx(likelihood(case, params=one), rel=CLOSE)


def padding_changes_nothing(case: Case) -> None:
    data, filled = case.filled()
    assert likelihood(case, filled) == pytest.approx(likelihood(case, data), rel=CLOSE)


def config_round_trips(case: Case) -> None:
    """A model comes back from what a file holds of it."""
    config = json.loads(json.dumps(case.model.config()))
    arrays = {name: value for name, (_, value) in case.model.arrays().items()}
    again = type(case.model).from_config(config, arrays)
    assert again == case.model
    assert json.loads(json.dumps(again.config())) == config


def starts_lie_inside(case: Case) -> None:
    """Starting values have the shapes of the parameters, and a finite likelihood."""
    data = case.model.prepare(case.data)
    shapes = case.model.shapes(data)
    for start in case.model.starts(data):
        assert {name: value.shape for name, value in start.items()} == shapes
        assert np.isfinite(float(case.model.log_likelihood(start, data)))


def simulate_then_fit_recovers(case: Case) -> None:
    """The truth lies within four standard errors of the estimate, on the search's own scale."""
    data = case.draw(jax.random.key(11))
    found = hj.fit(case.model, data)
    assert found.converged, found.message
    known = {name: np.asarray(v, float) for name, v in case.truth.items() if name in found.params}
    assert "alpha" in known or "tau" in known
    checked = 0
    for name, truth in known.items():
        low, high, best = found.lower[name], found.upper[name], found.params[name]
        inside = (low > 0) & np.isfinite(high) & (np.broadcast_to(truth, best.shape) > 0)
        logs = [np.log(np.where(inside, part, 1.0)) for part in (best, low, high, truth + 0 * best)]
        apart = np.abs(logs[3] - logs[0]) / np.maximum((logs[2] - logs[1]) / (2 * 1.96), 1e-12)
        assert np.all(apart[inside] < 4), (name, best, truth)
        checked += int(inside.sum())
    assert checked


LAWS = [
    gradient_is_the_slope,
    pointwise_adds_up,
    relabelling_changes_nothing,
    shifting_the_origin_changes_nothing,
    single_precision_is_close,
    vmap_is_the_loop,
    padding_changes_nothing,
    config_round_trips,
    starts_lie_inside,
    simulate_then_fit_recovers,
]


# A fit runs numpyro and optax inside, which promote as they please.
PROMOTING = [simulate_then_fit_recovers]


@pytest.fixture(autouse=True)
def strict(law: Any) -> Iterator[None]:
    """No implicit promotion of ranks or dtypes, where a wrong broadcast would give a number."""
    if law in PROMOTING:
        yield
        return
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


# The fit of a hierarchical baseline takes as long as all other fits here.
LONG = {(simulate_then_fit_recovers, "hawkes-hierarchy-mixture")}
TABLE = [
    pytest.param(
        law,
        case,
        id=f"{law.__name__}-{case}",
        marks=pytest.mark.slow if (law, case.name) in LONG else (),
    )
    for law in LAWS
    for case in CASES
]


@pytest.mark.parametrize(("law", "case"), TABLE)
def test_law(law: Any, case: Case) -> None:
    law(case)
