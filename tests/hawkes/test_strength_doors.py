"""What is refused of sizes, groups, periods and lags."""

import jax
import numpy as np
import pytest

import hawkesjax as hj
from tests.hawkes.carried import MODELS, OWN, PERIODS, TEAMS, TRAITS, events, panel_of, values

PANEL = panel_of(*events())
BAD = {
    "no size": (
        lambda: hj.EventPanel.from_arrays([1.0, 2.0], [0, 0], magnitude=[1.0, np.nan]),
        "row 1",
    ),
    "an infinite one": (
        lambda: hj.EventPanel.from_arrays([1.0, 2.0], [0, 0], magnitude=[np.inf, 1]),
        "no finite size",
    ),
    "text": (lambda: hj.EventPanel.from_arrays([1.0], [0], magnitude=["big"]), "'big'"),
    "too few": (
        lambda: hj.EventPanel.from_arrays([1.0, 2.0], [0, 0], magnitude=[1.0]),
        "magnitude",
    ),
    "a panel without": (
        lambda: hj.fit(hj.Hawkes(magnitude="power"), hj.EventPanel.from_arrays([1.0, 2], [0, 0])),
        "has none",
    ),
    "a power of 0": (
        lambda: hj.fit(
            hj.Hawkes(magnitude="power"),
            hj.EventPanel.from_arrays([1.0, 2], [0, 0], magnitude=[1.0, 0.0], window=(0, 3)),
        ),
        "above 0",
    ),
    "a user without traits": (
        lambda: hj.fit(hj.Hawkes(alpha_effects=TRAITS[:3]), PANEL),
        "no row for 1 sequences .*u3",
    ),
    "a user twice": (lambda: hj.Hawkes(alpha_effects=TRAITS.iloc[[0, 0]]), "'u0' twice"),
    "a trait of none": (
        lambda: hj.Hawkes(alpha_effects=TRAITS.assign(age=[1, None, 2, 3])),
        "no 'age' for 'u1'",
    ),
    "a trait of all": (lambda: hj.Hawkes(alpha_effects=TRAITS.assign(age=1)), "no effect"),
    "one group": (lambda: hj.Hawkes(alpha_effects=TEAMS[1:2]), "one level"),
    "no table": (lambda: hj.Hawkes(alpha_effects={"u0": 1}), "one row per sequence"),
    "paces without groups": (lambda: hj.Hawkes(gamma_effects=True), "give alpha_effects="),
    "paces of periods": (
        lambda: hj.Hawkes(alpha_effects=PERIODS, gamma_effects=True),
        "differ by period",
    ),
    "paces of known decays": (
        lambda: hj.Hawkes(alpha_effects=TRAITS, gamma_effects=True, gamma=1.0),
        "leave gamma out",
    ),
    "a contrast of common decays": (
        lambda: hj.fit(hj.Hawkes(alpha_effects=TEAMS, decay="shared"), PANEL).contrast(
            "gang=x", "gang=y", of="gamma"
        ),
        "no gamma_effects",
    ),
    "pooled nothing": (lambda: hj.Hawkes(pooled=True), "alpha_effects"),
    "pooled numbers": (lambda: hj.Hawkes(alpha_effects=TRAITS, pooled=True), "one column"),
    "pooled periods": (lambda: hj.Hawkes(alpha_effects=PERIODS, pooled=True), "not for periods"),
    "alone without pooling": (lambda: hj.Hawkes(alpha_effects="sequence"), "pooled=True"),
    "a lag below 0": (lambda: hj.Hawkes(lag=-1), "lag is -1"),
    "a lag of text": (lambda: hj.Hawkes(lag="long"), "lag"),
    "a form of its own": (lambda: hj.Hawkes(lag=1, form="lanes"), "use their own form"),
    "sizes for a model without": (
        lambda: hj.simulate(
            hj.Hawkes(), OWN, window=(0, 1), magnitudes=[1.0], key=jax.random.key(0)
        ),
        "no magnitude",
    ),
    "none for one with": (
        lambda: hj.simulate(
            MODELS["a size"], values(MODELS["a size"]), window=(0, 1), key=jax.random.key(0)
        ),
        "give magnitudes=",
    ),
    "a contrast of several": (
        lambda: hj.fit(hj.Hawkes(alpha_effects=TRAITS, gamma=1.0), PANEL).contrast(
            "gang=x, age=1", "gang=y, age=2"
        ),
        "2 features",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        call()
