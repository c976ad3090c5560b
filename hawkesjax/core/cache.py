"""Results made from data, cached as long as the data themselves."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

Data = TypeVar("Data")
Options = ParamSpec("Options")
Made = TypeVar("Made")


def kept(
    make: Callable[Concatenate[Data, Options], Made],
) -> Callable[Concatenate[Data, Options], Made]:
    """Call a function once for each data and options; a second call returns the same object.

    As `functools.cache`, but the data, which come first, are distinguished by identity and not kept
    alive: when they go, their results go too. The options must be hashable.
    """
    made: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()

    @functools.wraps(make)
    def asked(data: Data, *args: Options.args, **options: Options.kwargs) -> Made:
        known = made.setdefault(data, {})
        key = (args, *sorted(options.items()))
        if key not in known:
            known[key] = make(data, *args, **options)
        return known[key]

    return asked
