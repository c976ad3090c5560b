"""What is known of a model's parameters: entries that have a value, or share one."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import group, option

ENTRY = re.compile(r"\s*(?P<name>\w+)\s*(?:\[(?P<where>.*)\])?\s*=\s*(?P<value>[^=\]]+?)\s*")
TIED = re.compile(r"\s*(?P<name>\w+)\s*(?:=\s*(?P<kind>[\w-]+)\s*)?")


@group(o.MODEL)
class Known:
    """Parameters that are not free."""

    fixed: list[str] | None = option(
        None,
        "A known value: gamma=2, or alpha[online,offline]=0 for one entry, named as in the table "
        "(row, then column; * for all); repeat the option.",
        "NAME=VALUE",
    )
    tied: list[str] | None = option(
        None,
        "Entries that share one value: mu (all of them), alpha=symmetric, alpha=off-diagonal; "
        "repeat the option.",
        "NAME",
    )

    def of(self, model: Any, data: Any) -> Any:
        """The model with what is known.

        Raises:
            ValueError: for what names no parameter, no entry, or holds no number.
        """
        if not self.fixed and not self.tied:
            return model
        shapes, coords = model.shapes(data), model.coords(data)
        axes = {one.name: [coords[dim] for dim in one.dims] for one in model.parameters}
        fixed: dict[str, np.ndarray] = {}
        for text in self.fixed or ():
            name, labels, value = _entry(text, shapes)
            entries = fixed.setdefault(name, np.full(shapes[name], np.nan))
            entries[_places(text, labels, axes[name])] = value
        tied = dict(_tied(text, shapes) for text in self.tied or ())
        return dataclasses.replace(model, fixed=fixed or None, tied=tied or None)


def _entry(text: str, shapes: Mapping[str, Any]) -> tuple[str, list[str] | None, float]:
    """Parameter, labels and value of one `--fixed`."""
    found = ENTRY.fullmatch(text)
    if found is None:
        raise ValueError(f"--fixed {text}: write NAME=VALUE, or NAME[LABEL,LABEL]=VALUE.")
    try:
        value = float(found["value"])
    except ValueError:
        raise ValueError(f"--fixed {text}: {found['value']} is no number.") from None
    if not np.isfinite(value):
        raise ValueError(f"--fixed {text}: {found['value']} is not finite.")
    labels = None
    if found["where"] is not None:
        labels = [
            each.strip() for each in next(csv.reader([found["where"]], skipinitialspace=True))
        ]
    return _name(found["name"], f"--fixed {text}", shapes), labels, value


def _places(text: str, labels: list[str] | None, axes: list[list[str]]) -> tuple[Any, ...]:
    """The entries that labels name; all of them without labels."""
    if labels is None:
        return (...,)
    if len(labels) != len(axes):
        raise ValueError(
            f"--fixed {text}: {len(labels)} labels for a parameter of {len(axes)} axes."
        )
    places: list[Any] = []
    for label, names in zip(labels, axes, strict=True):
        if label == "*":
            places.append(slice(None))
            continue
        if label not in names:
            known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
            raise ValueError(f"--fixed {text}: there is no {label!r} among {known}.")
        places.append(names.index(label))
    return tuple(places)


def _tied(text: str, shapes: Mapping[str, Any]) -> tuple[str, str]:
    """Parameter and kind of one `--tied`."""
    found = TIED.fullmatch(text)
    if found is None:
        raise ValueError(f"--tied {text}: write NAME, or NAME=symmetric, NAME=off-diagonal.")
    return _name(found["name"], f"--tied {text}", shapes), found["kind"] or "all"


def _name(name: str, where: str, shapes: Mapping[str, Any]) -> str:
    if name not in shapes:
        raise ValueError(f"{where}: this model has the parameters {', '.join(shapes)}.")
    return name
