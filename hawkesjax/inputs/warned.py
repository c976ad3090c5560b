"""Warnings that point at the user's own line."""

from __future__ import annotations

import sys
import warnings

# Modules whose frames lie between a public function and its caller: ours, and checks of shapes.
BETWEEN = ("hawkesjax", "jaxtyping", "beartype")


def warn(sentence: str, category: type[Warning] = UserWarning) -> None:
    """Warn the user's own line, however many of ours lie between."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in BETWEEN:
            break
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, category, stacklevel=level)
