"""The door of the figures: what each draws, and in words what it does not."""

from __future__ import annotations

from typing import Any


def refuse(figure: str, needed: str, given: Any) -> ValueError:
    """The error for what a figure cannot draw.

    Args:
        figure: its name.
        needed: what it draws, in words.
        given: what was given; the figures of it are those that its class names in `drawn_by`.
    """
    what = type(given).__name__
    own = getattr(given, "drawn_by", None)
    hint = f"; of {what} there is {own}" if own else ""
    return ValueError(f"hj.plots.{figure} draws {needed}, not {what}{hint}.")


def needs(given: Any, figure: str, *kinds: str) -> None:
    """Refuse what a figure cannot draw.

    Args:
        given: what was given.
        figure: the figure's name.
        kinds: names of the classes that it draws; subclasses are welcome.

    Raises:
        ValueError: for anything else; it names the figures that there are of it.
    """
    if not {kind.__name__ for kind in type(given).__mro__} & set(kinds):
        raise refuse(figure, " or ".join(kinds), given)
