"""What is kept with data."""

import gc

from hawkesjax.core.cache import kept


class Data:
    """Told apart by identity."""


def test_each_data_and_options_are_computed_once_and_forgotten_with_the_data():
    asked = []

    @kept
    def made(data, way, *, size=1):
        asked.append((way, size))
        return [way] * size

    one, two = Data(), Data()
    assert made(one, "a", size=2) is made(one, "a", size=2)
    assert made(one, "a") is not made(two, "a")
    assert asked == [("a", 2), ("a", 1), ("a", 1)]
    del one
    gc.collect()
    assert made(two, "a") == ["a"]
    assert len(asked) == 3
