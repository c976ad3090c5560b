"""Known values and ties as they are typed: they become the model's, or are refused in words."""

import dataclasses

import numpy as np
import pytest

from hawkesjax.cli.known import Known
from tests.cases import CASES

NAN = np.nan
HAWKES, RETWEET, KATZ = (CASES[n] for n in (0, 2, 3))


def entries(model, data, name):
    one = model.structures(data)[name]
    return np.where(one.fixed, one.values, np.nan)


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        (["alpha[{0},{1}]=0.5"], {(0, 1): 0.5}),
        (["alpha[ {0} , * ] = 0", " alpha[{1},{0}]=1e-1"], {(0, 0): 0, (0, 1): 0, (1, 0): 0.1}),
        (["alpha=0.2", "alpha[*,{1}]=0.3"], {(0, 0): 0.2, (1, 0): 0.2, (0, 1): 0.3, (1, 1): 0.3}),
    ],
)
def test_entries_are_fixed_by_their_labels(typed, where):
    model, data = HAWKES.model, HAWKES.data
    typed = [text.format(*data.mark_names) for text in typed]
    found = entries(Known(fixed=typed).of(model, data), data, "alpha")
    want = np.full(found.shape, NAN)
    for place, value in where.items():
        want[place] = value
    np.testing.assert_array_equal(found, want)


def test_labels_with_commas_are_quoted():
    model, data = HAWKES.model, HAWKES.data
    names = ("on, line", *data.mark_names[1:])
    named = dataclasses.replace(data, mark_names=names)
    found = Known(fixed=['alpha["on, line",*]=0']).of(model, named)
    assert (entries(found, named, "alpha")[0] == 0).all()


@pytest.mark.parametrize("case", [HAWKES, RETWEET, KATZ], ids=lambda case: case.model.name)
def test_any_parameter_of_any_model(case):
    """Of every model: the first parameter at the value of the case."""
    name = case.model.parameters[0].name
    value = float(np.ravel(case.params[name])[0])
    found = Known(fixed=[f"{name}={value!r}"], tied=None).of(case.model, case.data)
    np.testing.assert_allclose(entries(found, case.data, name), value)
    assert Known().of(case.model, case.data) is case.model


def test_ties_are_those_of_python():
    model, data = HAWKES.model, HAWKES.data
    found = Known(tied=["mu", "alpha=symmetric"]).of(model, data)
    assert dict(found.tied) == {"mu": "all", "alpha": "symmetric"}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"fixed": ["alpha"]}, "--fixed alpha: write NAME=VALUE"),
        ({"fixed": ["alpha=much"]}, "much is no number"),
        ({"fixed": ["alpha=nan"]}, "nan is not finite"),
        ({"fixed": ["rho=1"]}, "this model has the parameters mu, alpha"),
        ({"fixed": ["alpha[x]=1"]}, "1 labels for a parameter of 2 axes"),
        ({"fixed": ["alpha[nobody,*]=1"]}, "there is no 'nobody' among"),
        ({"fixed": ["alpha=-1"]}, "holds -1"),
        ({"tied": ["rho"]}, "this model has the parameters"),
        ({"tied": ["alpha=some"]}, "it must be 'all', 'off-diagonal', 'symmetric'"),
        ({"tied": ["alpha[a,b]"]}, "--tied alpha.*write NAME"),
    ],
)
def test_refusals(typed, words):
    with pytest.raises(ValueError, match=words):
        Known(**typed).of(HAWKES.model, HAWKES.data)
