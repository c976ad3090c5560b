"""Settings with a few allowed values."""

from __future__ import annotations

import functools
import typing
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal


def check_choices(model: Any) -> None:
    """Refuse a setting of a `Literal` type that is not one of its values.

    Raises:
        ValueError: names the setting and its values.
    """
    for setting, allowed in _choices(type(model)).items():
        if getattr(model, setting) not in allowed:
            raise ValueError(
                f"{setting} is {getattr(model, setting)!r}; it must be one of "
                f"{', '.join(map(str, allowed))}."
            )


@functools.cache
def _choices(cls: type) -> dict[str, Sequence[Any]]:
    """The allowed values of each setting of a `Literal` type."""
    hints = typing.get_type_hints(cls)
    return {
        one.name: typing.get_args(hints[one.name])
        for one in fields(cls)
        if typing.get_origin(hints[one.name]) is Literal
    }
