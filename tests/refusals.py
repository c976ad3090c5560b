"""What every refusal is held to: a ValueError of one line in which each of some words stands."""

import contextlib
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def refused(words: str) -> Iterator[None]:
    """What is done within is refused in the words given, which `|` parts."""
    with pytest.raises(ValueError) as error:
        yield
    message = str(error.value)
    for word in words.split("|"):
        assert word in message, f"{word!r} is not in: {message}"
    assert "\n" not in message
