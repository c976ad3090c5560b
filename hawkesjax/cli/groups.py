"""Groups of options: dataclasses that commands take as a whole, and typer field by field."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, dataclass_transform, get_args, get_origin, get_type_hints

import typer

from hawkesjax.cli.words import ASKED

METAVARS = {int: "N", float: "N", str: "NAME", Path: "FILE", tuple[str, str]: "A B"}


def option(
    default: Any, help_: str, metavar: str | None = None, panel: str | None = None, **more: Any
) -> Any:
    """A field that is an option. One that is False by default is a flag, such as `--force`.

    Args:
        default: its value when it is not given; `...` if it is required.
        help_: its help text.
        metavar: placeholder for the value in the help; by default that of its type in `METAVARS`.
        panel: heading in the help; by default that of its group.
        more: `names` besides the field's own, and other arguments of `typer.Option`.
    """
    named = {"metavar": metavar, "rich_help_panel": panel}
    settings = {"help": help_, **{name: text for name, text in named.items() if text}, **more}
    default = dataclasses.MISSING if default is ... else default
    return dataclasses.field(default=default, metadata=settings)


def argument(help_: str) -> Any:
    """A field that is a required argument."""
    settings = {"argument": typer.Argument(help=help_, show_default=False)}
    return dataclasses.field(metadata=settings)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, argument))
def group(panel: str) -> Callable[[type], Any]:
    """A frozen dataclass of options under one heading of the help."""

    def make(cls: type) -> type:
        cls.panel = panel  # pyright: ignore[reportAttributeAccessIssue]
        return dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    return make


def only(*names: str, **values: Any) -> tuple[Callable[[str], bool], dict[str, Any]]:
    """For `Annotated[Group, ...]`: use only these fields; `values` replace defaults."""
    return lambda name: name in names, values


def without(*names: str, **values: Any) -> tuple[Callable[[str], bool], dict[str, Any]]:
    """For `Annotated[Group, ...]`: use all fields but these; `values` replace defaults."""
    return lambda name: name not in names, values


def command(function: Callable[..., None]) -> Callable[..., None]:
    """The function in the form that typer needs: each field of its groups becomes a parameter.

    Parameters that are not groups are unchanged.
    """
    parameters, groups, plain = [], {}, []
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        kind, *part = get_args(hint) if get_origin(hint) is Annotated else [hint]
        if not dataclasses.is_dataclass(kind):
            plain.append(name)
            parameters.append(_parameter(name, hint, parameter.default))
            continue
        asks, values = part[0] if part else without()
        types = get_type_hints(kind)
        asked = [field for field in dataclasses.fields(kind) if asks(field.name)]
        groups[name] = kind, values, [field.name for field in asked]
        for field in asked:
            info = _info(kind, field, types[field.name])
            default = values.get(field.name, field.default)
            parameters.append(_parameter(field.name, Annotated[types[field.name], info], default))

    asked_for = frozenset(each.name for each in parameters)

    def run(**typed: Any) -> None:
        ASKED.set(asked_for)
        given = {name: typed[name] for name in plain}
        for name, (kind, values, asked) in groups.items():
            given[name] = kind(**(values | {field: typed[field] for field in asked}))
        function(**given)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return run


def _info(kind: Any, field: dataclasses.Field[Any], hint: Any) -> Any:
    """A field as typer's option or argument."""
    if "argument" in field.metadata:
        return field.metadata["argument"]
    bare = next((part for part in get_args(hint) if type(None) in get_args(hint)), hint)
    settings = {"rich_help_panel": kind.panel, "metavar": METAVARS.get(bare), **field.metadata}
    names = settings.pop("names", ())
    if field.default is False:
        names = (f"--{field.name.replace('_', '-')}", *names)
    return typer.Option(*names, **settings)


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if default is dataclasses.MISSING else default
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)
