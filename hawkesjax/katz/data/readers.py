"""Activity from files of messages."""

from __future__ import annotations

import os
import re
from typing import Any

from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.dialect import split
from hawkesjax.inputs.tables import read_table
from hawkesjax.katz.data.activity import Activity

# Numbers that would lose something when read as numbers: 007, +7, or a blank before the 7.
SPELLED = rb"(?: |\+|-?0\d)"


@checked
def read_messages(
    path: str | os.PathLike[str],
    *,
    time: str = "time",
    source: str = "source",
    target: str = "target",
    kind: str | None = None,
    **options: Any,
) -> Activity:
    """Network and activity from a file with one row per message, in any order.

    Ids that are whole numbers in every row are read as such, in 64 bits; ids like "007" keep
    their zeros.

    Args:
        path: a file, as in `hawkesjax.read_events`.
        time, source, target, kind: its columns; others are not read.
        options: `edges`, `bin`, `usual`, `spike`, `fit`, `gaps`, `weighted`, `self_loops`, `unit`,
            `timezone`, as in `Activity.from_messages`; and how the file is written, as in
            `hawkesjax.read_events`.

    Raises:
        ValueError: as `hawkesjax.read_events`, and as `Activity.from_messages`.
        FileNotFoundError: if there is no such file.
        ImportError: as `hawkesjax.read_events`.

    Example:
        >>> activity = hj.read_messages(
        ...     "log.csv", kind="kind", unit="second", bin=60, usual=(0, 259200))
    """
    used = {"time": time, "source": source, "target": target, "kind": kind}
    if "part" in options:
        raise ValueError(
            "part= divides events and cascades. Leave it out: every process reads the whole log, "
            "since users hear those of others, and a mesh over hosts divides the users."
        )
    dialect, rest = split(options)
    table: Any = read_table(path, used, dialect, as_ids)
    return Activity.from_messages(table, **used, **rest)


def as_ids(body: bytes, used: dict[str, Any], separator: str) -> dict[str, Any]:
    """How pandas reads a text of messages: users as numbers where that loses nothing."""
    ids = [used["source"], used["target"]]
    begins = rb"(?:\n|\r|" + re.escape(separator.encode()) + rb")"
    as_text = re.search(begins + SPELLED, body) is not None or b'"' in body
    types: dict[str, Any] = dict.fromkeys(ids, "str") if as_text else {}
    if used["kind"] is not None:
        types[used["kind"]] = "category"
    missing = {name: [""] for name in (used["time"], *ids)}
    return {"dtype": types, "na_values": missing, "dtype_backend": "numpy_nullable"}
