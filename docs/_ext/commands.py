"""The command-line reference, made from the commands: `<!-- commands -->` in a page becomes it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

PLACE = "<!-- commands -->"


def reference() -> str:
    """Every command as Markdown: what it does, its usage, and its options under their headings."""
    import typer.main

    from hawkesjax.cli.app import app

    return "\n".join(_lines(typer.main.get_command(app), ["hawkesjax"]))


def _lines(command: Any, path: list[str]) -> Iterator[str]:
    below = getattr(command, "commands", {})
    if len(path) > 1:
        yield f"\n{'#' * min(len(path), 3)} {' '.join(path)}\n"
    yield (command.help or "").strip() + "\n"
    if not below:
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        words = " ".join(one.metavar or one.name.upper() for one in arguments)
        yield f"```text\n{' '.join([*path, words, '[OPTIONS]']).replace('  ', ' ')}\n```\n"
        for one in arguments:
            yield f"`{one.metavar or one.name.upper()}`\n: {one.help}\n"
        yield from _options(command)
    for name in below:
        yield from _lines(below[name], [*path, name])


def _options(command: Any) -> Iterator[str]:
    headings: dict[str, list[Any]] = {}
    for one in command.params:
        if one.param_type_name == "option" and not getattr(one, "hidden", False):
            headings.setdefault(getattr(one, "rich_help_panel", None) or "Options", []).append(one)
    for heading, options in headings.items():
        yield f"\n**{heading}**\n\n| option | what it says | by default |\n|---|---|---|"
        for one in options:
            cells = (_named(one), one.help or "", _default(one))
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _named(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    return names if one.is_flag else f"{names} {one.metavar or _choices(one) or 'VALUE'}"


def _choices(one: Any) -> str:
    """What may follow, of an option that takes one of a few words."""
    kind = getattr(getattr(one, "type_descriptor", None), "annotation", None)
    words = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
    return " ".join(f"`{word}`" for word in words)


def _default(one: Any) -> str:
    value = one.default
    if one.required:
        return "required"
    if one.is_flag:
        return f"`{(one.opts if value else one.secondary_opts)[0]}`" if one.secondary_opts else ""
    empty = value is None or value == [] or not isinstance(value, str | int | float | list | tuple)
    return "" if empty else f"`{getattr(value, 'value', value)}`"


def _filled(app: Any, page: str, source: list[str]) -> None:
    if PLACE in source[0]:
        source[0] = source[0].replace(PLACE, reference())


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", _filled)
    return {"parallel_read_safe": True}
