"""What a signature says of an argument is made true, or said in words."""

from typing import Any, Literal

import numpy as np
import pytest

from hawkesjax.inputs.arguments import (
    AtLeastZero,
    Count,
    Positive,
    Range,
    Share,
    Whole,
    checked,
    choice,
    flag,
    number,
    text,
)


@checked
def door(
    x: Any = None,
    *rest: int,
    count: Count = 1,
    whole: Whole = 0,
    positive: Positive = 1.0,
    least: AtLeastZero = 0.0,
    share: Share = 0.5,
    logical: bool = True,
    name: str | None = None,
    way: Literal["up", "down", 3] | None = "up",
    either: Literal["auto"] | Count = "auto",
    other: "Nothing" = None,  # noqa: F821  # what cannot be read is not checked
    **more: float,
):
    """A door."""
    return locals()


ACCEPTED = [
    ("count", 3, 3), ("count", 3.0, 3), ("count", np.int32(3), 3), ("count", np.array(3), 3),
    ("positive", 1e-300, 1e-300), ("positive", 2, 2.0), ("positive", np.float32(0.5), 0.5),
    ("least", 0, 0.0), ("share", 1, 1.0), ("logical", np.bool_(False), False), ("name", None, None),
    ("name", np.str_("a"), "a"), ("way", None, None), ("way", "down", "down"), ("way", 3, 3),
    ("either", "auto", "auto"), ("either", 4.0, 4), ("other", object, object), ("more", "x", "x"),
]  # fmt: skip
REFUSED = [
    ("count", 0, "count is 0; it must be a whole number of at least 1 and at most 2147483647."),
    ("count", 1.5, "count is 1.5; it must be a whole number of at least 1 and at most 2147483647."),
    ("count", True, "count is True"),
    ("count", "3", "count is '3'"),
    ("count", None, "count is None"),
    ("count", [3], "count is a list"),
    ("count", np.ones(1), "count is a ndarray"),
    ("whole", -1, "of at least 0"),
    ("positive", 0.0, "positive is 0.0; it must be a finite number above 0."),
    ("positive", np.nan, "positive is nan"),
    ("positive", np.inf, "positive is inf"),
    ("positive", 10**400, "a finite number above 0"),
    ("positive", 1j, "a complex"),
    ("share", 1.1, "share is 1.1; it must be a finite number of at least 0 and at most 1."),
    ("logical", 1, "logical is 1; it must be True or False."),
    ("logical", "yes", "logical is 'yes'"),
    ("name", b"a", "name is b'a'; it must be text."),
    ("way", "left", "way is 'left'; it must be one of 'up', 'down', 3."),
    ("way", [], "way is a list"),
    (
        "either",
        0,
        "either is 0; it must be one of 'auto', or a whole number of at least 1 and at most 2147",
    ),
]


@pytest.mark.parametrize(("name", "given", "kept"), ACCEPTED)
def test_what_fits_is_given_on_as_a_plain_value(name, given, kept):
    found = door(**{name: given})
    found = found["more"][name] if name == "more" else found[name]
    assert type(found) is type(kept) and found == kept


@pytest.mark.parametrize(("name", "given", "words"), REFUSED)
def test_anything_else_is_refused_by_name(name, given, words):
    with pytest.raises(ValueError) as error:
        door(**{name: given})
    assert words in str(error.value)


def test_other_arguments_and_the_function_itself_stay_what_they_are():
    thing = object()
    found = door(thing, "a", "b", more=1)
    assert found["x"] is thing and found["rest"] == ("a", "b") and found["more"] == {"more": 1}
    assert door.__name__ == "door" and door.__doc__ == "A door."
    with pytest.raises(TypeError, match=r"multiple values"):
        door(1, x=2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: number(3, "a", Range(most=2)), "a finite number of at most 2"),
        (lambda: number(0, "a", Range(0, 1, above=True)), "above 0 and at most 1"),
        (lambda: number(np.ones(2), "a"), "a is a ndarray; it must be a finite number."),
        (lambda: flag(None, "a"), "True or False"),
        (lambda: choice(np.ones(2), "a", (1, 2)), "one of 1, 2"),
        (lambda: text(None, "a"), "must be text"),
    ],
)
def test_single_checks_refuse_in_the_same_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
