"""Options from a file: `--config run.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import typer


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make the options in a TOML file the defaults of the command that runs.

    Names are those of the options, with - or _; a table named after the command holds options for
    it alone.

    Raises:
        ValueError: for a file that is missing or not TOML, and names and values that the command
            does not have.
    """
    if path is None:
        return None
    known = {str(one.name): one for one in context.command.params if one.name != "config"}
    command = str(context.info_name)
    given: dict[str, Any] = {}
    for name, value in _read(path, command).items():
        field = name.replace("-", "_")
        if field not in known:
            shown = ", ".join(one.replace("_", "-") for one in known)
            raise ValueError(f"{path}: {command} has no option {name!r}; it has {shown}.")
        given[field] = _typed(value, f"{path}: {name}")
    context.default_map = given
    return path


def _read(path: Path, command: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"No file {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}.") from error
    own = content.pop(command, {})
    plain = {name: value for name, value in content.items() if not isinstance(value, dict)}
    return plain | (own if isinstance(own, dict) else {command: own})


def _typed(value: Any, where: str) -> Any:
    """A value as typed on the command line; true and false as they are."""
    if isinstance(value, dict):
        raise ValueError(f"{where} is a table; give text, a number, a list, true or false.")
    if isinstance(value, list):
        return tuple(_typed(one, where) for one in value)
    return value if isinstance(value, bool) else str(value)
