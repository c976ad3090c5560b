"""The door of the figures: what each draws, and in words what it does not."""

from __future__ import annotations

from typing import Any


def refuse(figure: str, needed: str, given: Any) -> ValueError:
    """The error for what a figure cannot draw; it names the figures of what was given, which its
    class has in `drawn_by`."""
    what = type(given).__name__
    own = getattr(given, "drawn_by", None)
    hint = f"; of {what} there is {own}" if own else ""
    return ValueError(f"hj.plots.{figure} draws {needed}, not {what}{hint}.")


def needs(given: Any, figure: str, *kinds: str) -> None:
    """Refuse what is of none of the classes that a figure draws, nor of a subclass."""
    if not {kind.__name__ for kind in type(given).__mro__} & set(kinds):
        raise refuse(figure, " or ".join(kinds), given)
