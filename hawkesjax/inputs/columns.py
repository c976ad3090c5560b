"""The columns of a table: there, named once, and in one role each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hawkesjax.inputs.checks import listed


def check_columns(columns: Sequence[Any], used: dict[str, Any], where: str) -> None:
    """Refuse missing and repeated columns, and one column in two roles.

    Args:
        columns: the table's columns.
        used: argument -> column, None where there is none.
        where: what has these columns.
    """
    used = {role: name for role, name in used.items() if name is not None}
    twice = [name for name, count in Counter(columns).items() if count > 1 and str(name).strip()]
    if twice:
        raise ValueError(f"{where} has columns of the same name: {listed(twice)}. Rename them.")
    missing = {role: name for role, name in used.items() if name not in columns}
    if missing:
        asked = ", ".join(f"{role}={name!r}" for role, name in missing.items())
        remedy = f"The columns are {listed(columns, 30)}."
        if len(columns) == 1 and any(mark in str(columns[0]) for mark in ";\t|"):
            remedy += " Another separator? Say separator=."
        raise ValueError(f"{where} has no column for {asked}. {remedy}")
    shared = [name for name, count in Counter(used.values()).items() if count > 1]
    if shared:
        raise ValueError(f"Column {shared[0]!r} is named for {', '.join(used)}. Name one for each.")
