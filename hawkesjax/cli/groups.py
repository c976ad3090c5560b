"""Groups of options: dataclasses that commands take whole, and typer sees field by field."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, dataclass_transform, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo


def option(default: Any, help_: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    """A field that is an option; `...` as default makes it required.

    Args:
        default: value when it is not typed.
        help_: what it means.
        names: spellings; by default the field's name.
        panel: heading in the help; by default its group's.
        more: `metavar`, `min`, ... of `typer.Option`.
    """
    return _field(default, typer.Option(*names, help=help_, rich_help_panel=panel, **more))


def argument(help_: str) -> Any:
    """A field that is a required argument."""
    return _field(..., typer.Argument(help=help_, show_default=False))


def _field(default: Any, info: Any) -> Any:
    default = dataclasses.MISSING if default is ... else default
    return dataclasses.field(default=default, metadata={"typer": info})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, argument))
def group(panel: str) -> Callable[[type], Any]:
    """A frozen dataclass of options that stand under one heading of the help."""

    def make(cls: type) -> type:
        made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        for field in dataclasses.fields(made):
            info = field.metadata["typer"]
            if isinstance(info, OptionInfo):
                info.rich_help_panel = info.rich_help_panel or panel
        return made

    return make


@dataclasses.dataclass(frozen=True)
class Part:
    """Which fields of a group a command asks for, and values in place of their defaults."""

    asks: Callable[[str], bool]
    values: Mapping[str, Any]


def only(*names: str, **values: Any) -> Part:
    """For `Annotated[Group, ...]`: these fields; the others keep their defaults or `values`."""
    return Part(lambda name: name in names, values)


def without(*names: str, **values: Any) -> Part:
    """For `Annotated[Group, ...]`: all fields but these, which keep their defaults or `values`."""
    return Part(lambda name: name not in names, values)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """The function as typer wants it: each field of its groups a parameter of its own.

    Parameters that are no groups stay as they are.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters, groups, plain = [], {}, []
    for name in inspect.signature(function).parameters:
        kind, part = hints[name], without()
        if get_origin(kind) is Annotated and dataclasses.is_dataclass(get_args(kind)[0]):
            kind, part = get_args(kind)
        if not dataclasses.is_dataclass(kind):
            plain.append(name)
            parameters.append(_parameter(name, hints[name], dataclasses.MISSING))
            continue
        types = get_type_hints(kind)
        asked = [field for field in dataclasses.fields(kind) if part.asks(field.name)]
        groups[name] = (kind, part.values, [field.name for field in asked])
        for field in asked:
            hint = Annotated[types[field.name], field.metadata["typer"]]
            default = part.values.get(field.name, field.default)
            parameters.append(_parameter(field.name, hint, default))

    def run(**typed: Any) -> None:
        given = {name: typed[name] for name in plain}
        for name, (kind, values, asked) in groups.items():
            given[name] = kind(**{**values, **{field: typed[field] for field in asked}})
        function(**given)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return run


def _parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    empty = inspect.Parameter.empty
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=empty if default is dataclasses.MISSING else default,
        annotation=hint,
    )
