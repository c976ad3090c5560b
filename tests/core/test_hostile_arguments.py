"""Hostile values at every argument of the verbs: accepted, or refused in our own words.

The arguments are found by their signatures, so that a new one is tried, too.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import jax
import pytest

import hawkesjax as hj
from tests.cases import CASES
from tests.inputs.test_hostile import tried, wrong

KEY = jax.random.key(0)
HAWKES, RETWEET, KATZ = (CASES[n] for n in (0, 2, 3))
SHORT = {"num_warmup": 2, "num_samples": 2, "num_chains": 1, "progress": False, "key": KEY}
VERBS: dict[str, tuple[Any, dict[str, Any]]] = {
    "fit": (hj.fit, {"model": HAWKES.model, "data": HAWKES.data, "errors": False}),
    "sample": (hj.sample, {"model": HAWKES.model, "data": HAWKES.data, **SHORT}),
    "katz.rank": (hj.katz.rank, {"activity": KATZ.data, "alpha_star": 0.3}),
    "katz.solve": (hj.katz.solve, {"activity": KATZ.data, "alpha_star": 0.3}),
    "katz.sweep": (hj.katz.sweep, {"activity": KATZ.data, "alpha_star": [0.1, 0.3]}),
    "katz.decay": (hj.katz.decay, {"activity": KATZ.data, "alpha_star": 0.3}),
    "katz.radius": (hj.katz.radius, {"activity": KATZ.data}),
    "two_stage": (hj.two_stage, {"model": RETWEET.model, "data": RETWEET.data}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "simulate": {"key": KEY},
    "forecast": {"key": KEY, "horizon": 2},
    "residuals": {},
    "evaluate": {"key": KEY, "cut": 3.0},
    "predictive_check": {"key": KEY, "draws": 3},
    "attribution": {},
}
MORE = {
    "Hawkes simulate": {"window": (0, 5)},
    "RetweetHawkes simulate": {"window": (0, 5), "followers": [100.0, 500.0]},
    "KatzSpike simulate": {"bins": 3, "network": KATZ.data},
}
for case in (HAWKES, RETWEET, KATZ):
    for verb, options in OPTIONS.items():
        name = f"{type(case.model).__name__} {verb}"
        if verb not in ("evaluate", "predictive_check", "attribution") or case is HAWKES:
            method = getattr(type(case.model), verb)
            given = {"params": case.params} if verb == "simulate" else {"values": case.params}
            given |= {} if verb == "simulate" else {"data": case.data}
            call = {"model": case.model, **given, **options, **MORE.get(name, {})}
            VERBS[name] = (method, call)


def by_verb(name: str) -> Any:
    """The public verb of a model's method, which checks the model and the data, too."""
    method, call = VERBS[name]
    verb = name.split(" ")[-1]
    if " " not in name:
        return method, call

    def door(**given: Any) -> Any:
        model = given.pop("model")
        if verb == "attribution":
            return hj.attribution(given.pop("values"), given.pop("data"), model=model, **given)
        return getattr(hj, verb)(model, **given)

    door.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return door, call


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n == "sample" else ()) for n in VERBS]
)
def test_hostile_arguments_are_accepted_or_refused_in_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    door, good = by_verb(name)
    assert wrong(door, good) is None
    tries = list(tried(door, good))
    found = {label: said for label, call in tries if (said := wrong(door, call))}
    assert not found, f"{len(found)} of {len(tries)}: {found}"
    assert len(tries) > 40
