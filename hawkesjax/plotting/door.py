"""The door of the figures: what each draws, and in words what it does not."""

from __future__ import annotations

from typing import Any


def needs(value: Any, figure: str, *kinds: str) -> None:
    """Refuse what a figure cannot draw.

    Args:
        value: what was given.
        figure: its name, for the error.
        kinds: names of the classes that it draws; subclasses are welcome.

    Raises:
        ValueError: for anything else; it names the figures that the value has of its own.
    """
    if {kind.__name__ for kind in type(value).__mro__} & set(kinds):
        return
    own = " .figures() draws what there is of it." if hasattr(value, "figures") else ""
    raise ValueError(f"plots.{figure} draws {' or '.join(kinds)}, not {type(value).__name__}.{own}")
